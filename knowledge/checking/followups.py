"""The checks of follow-ups: one that passes proposes its follow-up as done, one that fails again reopens it."""

from __future__ import annotations

from datetime import datetime, timedelta

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from incidents import notices
from incidents.models import FollowUp
from knowledge.checking.judging import judge, written
from knowledge.checking.readings import LiveReadings
from knowledge.checking.runs import ASK_AGAIN, LEASE
from knowledge.checks import FAIL, PASS, UNKNOWN, Finding
from knowledge.models import CheckRecord, CheckState, FollowUpCheck

State = FollowUpCheck.State
PROPOSED, NO_LONGER, REOPENED, ALREADY = "proposed as done", "no longer proposed", "reopened", "is done, and it holds"


def claimable() -> QuerySet[FollowUpCheck]:
    return FollowUpCheck.objects.filter(check_state=CheckState.QUEUED)


def claim(check_id: int, now: datetime) -> FollowUpCheck | None:
    """Take one that nobody is at."""
    row = claimable().filter(pk=check_id).first()
    if row is None:
        return None
    following = now + timedelta(hours=max(1, row.every_hours))
    taken = (
        claimable()
        .filter(pk=check_id)
        .update(check_state=CheckState.RUNNING, lease_until=now + LEASE, next_at=following)
    )
    return FollowUpCheck.objects.select_related("cluster", "followup").get(pk=check_id) if taken else None


def forgotten(now: datetime) -> list[int]:
    """The ids of those that wait and were not asked for lately; they count as asked for now."""
    rows = claimable().filter(Q(lease_until=None) | Q(lease_until__lt=now))
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:200])
    FollowUpCheck.objects.filter(pk__in=ids, check_state=CheckState.QUEUED).update(lease_until=now + ASK_AGAIN)
    return ids


def give_up(now: datetime) -> int:
    """Those whose worker died are unknown until their next time: a check that kills its worker is not asked for ever."""
    lost = list(FollowUpCheck.objects.filter(check_state=CheckState.RUNNING, lease_until__lt=now)[:200])
    for check in lost:
        remedy = f"It is asked again at {check.next_at:%Y-%m-%d %H:%M} UTC; see the worker's log if it stays so."
        write(check, Finding(UNKNOWN, "The worker ended before this was checked.", remedy), now)
    return len(lost)


def queue_due(now: datetime) -> list[int]:
    """The ids of those whose time has come, now waiting for a worker. What somebody decided not to do is not asked."""
    due = FollowUpCheck.objects.filter(next_at__lte=now).exclude(
        check_state__in=[CheckState.QUEUED, CheckState.RUNNING]
    )
    ids = list(due.exclude(followup__status=FollowUp.Status.NOT_DOING).values_list("pk", flat=True)[:200])
    FollowUpCheck.objects.filter(pk__in=ids).update(check_state=CheckState.QUEUED, lease_until=now + ASK_AGAIN)
    return ids


def work(check: FollowUpCheck) -> None:
    try:
        with LiveReadings(check, timezone.now()) as readings:
            finding = judge(check.check_name, check.params, readings)
    except SoftTimeLimitExceeded:
        finding = Finding(UNKNOWN, "No answer within the time limit.", "Check again later.")
    write(check, finding, timezone.now())


@transaction.atomic
def write(check: FollowUpCheck, finding: Finding, now: datetime) -> FollowUpCheck:
    """The verdict, and what follows from it; unknown changes nothing but the words, nor does anything move a follow-up
    that somebody decided not to do."""
    row = FollowUpCheck.objects.select_for_update(of=("self",)).get(pk=check.pk)
    followup = FollowUp.objects.select_for_update(of=("self",)).select_related("incident").get(pk=row.followup_id)
    row.followup = followup
    before, has_passed = row.verdict, _has_passed(row)
    for name, value in written(finding).items():
        setattr(row, name, value)
    row.checked_at, row.check_state, row.lease_until = now, CheckState.DONE, None
    led_to = ""
    if followup.status != FollowUp.Status.NOT_DOING:
        if finding.verdict == PASS:
            led_to = _passed(row, followup, now)
        elif finding.verdict == FAIL:
            led_to = _failed(row, followup, now, again=has_passed)
    row.save()
    if led_to or finding.verdict != before:
        CheckRecord.objects.create(
            check_up=row, verdict=row.verdict, reason=row.verdict_reason, led_to=led_to[:60], at=now
        )
    return row


def _has_passed(row: FollowUpCheck) -> bool:
    return row.verdict == PASS or row.records.filter(verdict=PASS).exists()


def _passed(row: FollowUpCheck, followup: FollowUp, now: datetime) -> str:
    """Proposed once: what was declined waits for a failure, what a person reopened is proposed again."""
    is_done = followup.status == FollowUp.Status.DONE
    if is_done and row.state in {State.WATCHING, State.PROPOSED}:
        row.state, row.state_at = State.ACCEPTED, now
        return ALREADY
    if is_done or row.state not in {State.WATCHING, State.ACCEPTED}:
        return ""
    row.state, row.state_at, row.decided_by = State.PROPOSED, now, None
    _tell(row, f"{followup.key} passes its check and is proposed as done: {followup.title}", "proposed", now)
    return PROPOSED


def _failed(row: FollowUpCheck, followup: FollowUp, now: datetime, *, again: bool) -> str:
    stood = row.state
    if stood != State.WATCHING:
        row.state, row.state_at, row.decided_by = State.WATCHING, now, None
    if followup.status == FollowUp.Status.DONE:
        followup.status, followup.ended_at = FollowUp.Status.OPEN, None
        followup.save()
        detail = {"check": row.check_name, "reason": row.verdict_reason[:300]}
        audit.record(at=now, actor=None, verb="followup.reopened", target=str(followup), via="system", detail=detail)
        fails = "fails its check again" if again else "fails its check"
        _tell(row, f"{followup.key} {fails} and is open: {followup.title}", "reopened", now)
        return REOPENED
    return NO_LONGER if stood == State.PROPOSED else ""


def _tell(row: FollowUpCheck, text: str, what: str, now: datetime) -> None:
    followup = row.followup
    people = [followup.owner or followup.created_by]
    key = f"followup-check:{row.pk}:{what}:{now:%Y%m%d%H%M%S}"
    notices.tell(people, incident=followup.incident, key=key, text=text, address=followup.get_absolute_url(), now=now)
