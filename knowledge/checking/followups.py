"""The checks of follow-ups: one that passes proposes its follow-up as done, one that fails again reopens it."""

from __future__ import annotations

from datetime import datetime, timedelta

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from incidents import notices
from incidents.models import FollowUp
from knowledge.checking.judging import judge, written
from knowledge.checking.readings import LiveReadings
from knowledge.checking.runs import ASK_AGAIN, LEASE
from knowledge.checks import FAIL, PASS, UNKNOWN, Finding
from knowledge.models import CheckRecord, CheckState, FollowUpCheck

State = FollowUpCheck.State
PROPOSED, NO_LONGER, REOPENED, ALREADY = "proposed as done", "no longer proposed", "reopened", "is done, and it holds"


def claimable(now: datetime) -> QuerySet[FollowUpCheck]:
    lost = Q(check_state=CheckState.RUNNING, lease_until__lt=now)
    return FollowUpCheck.objects.filter(Q(check_state=CheckState.QUEUED) | lost)


def claim(check_id: int, now: datetime) -> FollowUpCheck | None:
    """Take one that nobody is at. Its next time is set at once: a check that kills its worker is not asked for ever."""
    row = claimable(now).filter(pk=check_id).first()
    if row is None:
        return None
    following = now + timedelta(hours=max(1, row.every_hours))
    taken = (
        claimable(now)
        .filter(pk=check_id)
        .update(check_state=CheckState.RUNNING, lease_until=now + LEASE, next_at=following)
    )
    return FollowUpCheck.objects.select_related("cluster", "followup").get(pk=check_id) if taken else None


def forgotten(now: datetime) -> list[int]:
    """The ids of those that wait and were not asked for lately; they count as asked for now."""
    rows = claimable(now).filter(Q(lease_until=None) | Q(lease_until__lt=now))
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:200])
    FollowUpCheck.objects.filter(pk__in=ids, check_state=CheckState.QUEUED).update(lease_until=now + ASK_AGAIN)
    return ids


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
    """The verdict, and what follows from it; unknown changes nothing but the words."""
    row = FollowUpCheck.objects.select_for_update(of=("self",)).select_related("followup__incident").get(pk=check.pk)
    before = row.verdict
    for name, value in written(finding).items():
        setattr(row, name, value)
    row.checked_at, row.check_state, row.lease_until = now, CheckState.DONE, None
    led_to = _passed(row, now) if finding.verdict == PASS else _failed(row, now) if finding.verdict == FAIL else ""
    row.save()
    if led_to or finding.verdict != before:
        CheckRecord.objects.create(
            check_up=row, verdict=row.verdict, reason=row.verdict_reason, led_to=led_to[:60], at=now
        )
    return row


def _passed(row: FollowUpCheck, now: datetime) -> str:
    if row.state != State.WATCHING:
        return ""
    followup = row.followup
    if followup.status == FollowUp.Status.DONE:
        row.state, row.state_at = State.ACCEPTED, now
        return ALREADY
    row.state, row.state_at = State.PROPOSED, now
    _tell(row, f"{followup.key} passes its check and is proposed as done: {followup.title}", "proposed", now)
    return PROPOSED


def _failed(row: FollowUpCheck, now: datetime) -> str:
    followup = FollowUp.objects.select_for_update(of=("self",)).get(pk=row.followup_id)
    stood = row.state
    if stood != State.WATCHING:
        row.state, row.state_at, row.decided_by = State.WATCHING, now, None
    if followup.status == FollowUp.Status.DONE:
        followup.status, followup.ended_at = FollowUp.Status.OPEN, None
        followup.save()
        _tell(row, f"{followup.key} fails its check again and is open: {followup.title}", "reopened", now)
        return REOPENED
    return NO_LONGER if stood == State.PROPOSED else ""


def _tell(row: FollowUpCheck, text: str, what: str, now: datetime) -> None:
    followup = row.followup
    people = [followup.owner or followup.created_by]
    key = f"followup-check:{row.pk}:{what}:{now:%Y%m%d%H%M%S}"
    notices.tell(people, incident=followup.incident, key=key, text=text, address=followup.get_absolute_url(), now=now)
