"""The check of a follow-up: given, taken away, and what people say to its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.followup import change_followup
from incidents.models import FollowUp
from knowledge.checking.runs import ASK_AGAIN
from knowledge.checks import CHECKS, InvalidParam
from knowledge.models import CheckRecord, CheckState, FollowUpCheck
from knowledge.targets import clean_target
from knowledge.tasks.checking import enqueue_followup

State = FollowUpCheck.State


@transaction.atomic
def set_followup_check(
    *,
    followup: FollowUp,
    check_name: str,
    by: User,
    now: datetime,
    params: Mapping[str, Any] | None = None,
    every_hours: int = 6,
    **target: Any,
) -> FollowUpCheck:
    """Give it one, or another one: then its story begins anew."""
    require_respond(by)
    if check_name not in CHECKS:
        raise InvalidInput("check_name", "is no check that Debrief has")
    try:
        params = CHECKS[check_name].clean(params or {})
    except InvalidParam as problem:
        raise InvalidInput("params", str(problem)) from None
    if not 1 <= every_hours <= 24 * 90:
        raise InvalidInput("every_hours", "expected 1 to 2160 hours")
    known = clean_target(**target)
    if not (known["namespace"] or known["service"]) and check_name != "promql":
        raise InvalidInput("namespace", "name a namespace or a service for the check to look at")
    FollowUpCheck.objects.filter(followup=followup).delete()
    check = FollowUpCheck.objects.create(
        followup=followup,
        check_name=check_name,
        params=params,
        state_at=now,
        check_state=CheckState.QUEUED,
        lease_until=now + ASK_AGAIN,
        every_hours=every_hours,
        next_at=now + timedelta(hours=every_hours),
        created_by=by,
        **known,
    )
    transaction.on_commit(partial(enqueue_followup, check.pk))
    return check


@transaction.atomic
def remove_followup_check(*, check: FollowUpCheck, by: User, now: datetime) -> None:
    require_respond(by)
    check.delete()


@transaction.atomic
def ask_followup_check(*, check: FollowUpCheck, by: User, now: datetime) -> FollowUpCheck:
    require_respond(by)
    check = FollowUpCheck.objects.select_for_update(of=("self",)).get(pk=check.pk)
    if check.check_state in {CheckState.QUEUED, CheckState.RUNNING}:
        raise InvalidInput("", "The check is under way already.")
    check.check_state, check.lease_until = CheckState.QUEUED, now + ASK_AGAIN
    check.save()
    transaction.on_commit(partial(enqueue_followup, check.pk))
    return check


@transaction.atomic
def accept_followup_check(*, check: FollowUpCheck, by: User, now: datetime) -> FollowUp:
    """The follow-up is done, and its check goes on watching that it stays so."""
    check = _proposed(check, by)
    followup = change_followup(followup=check.followup, by=by, now=now, status=FollowUp.Status.DONE)
    _decide(check, State.ACCEPTED, by, now, "accepted as done")
    return followup


@transaction.atomic
def decline_followup_check(*, check: FollowUpCheck, reason: str, by: User, now: datetime) -> FollowUpCheck:
    """It passes and yet it is not done: the reason stays. It is proposed again after it failed and passed."""
    check = _proposed(check, by)
    if not reason.strip():
        raise InvalidInput("reason", "say why it is not done although its check passes")
    if len(reason) > 1_000:
        raise InvalidInput("reason", "expected at most 1,000 characters")
    _decide(check, State.DECLINED, by, now, "declined", reason.strip())
    return check


def _proposed(check: FollowUpCheck, by: User) -> FollowUpCheck:
    require_respond(by)
    check = FollowUpCheck.objects.select_for_update(of=("self",)).select_related("followup").get(pk=check.pk)
    if check.state != State.PROPOSED:
        raise InvalidInput("", "It is not proposed as done.")
    return check


def _decide(check: FollowUpCheck, state: str, by: User, now: datetime, led_to: str, reason: str = "") -> None:
    check.state, check.state_at, check.decided_by = state, now, by
    check.save()
    words = f"{by.display_name}: {reason}" if reason else by.display_name
    CheckRecord.objects.create(check_up=check, verdict=check.verdict, reason=words, led_to=led_to, at=now)
