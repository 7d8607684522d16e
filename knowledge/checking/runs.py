"""The checks of one run: claimed, read, judged, written down one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from knowledge.checking.judging import judge, written
from knowledge.checking.readings import RUN_SECONDS, LiveReadings
from knowledge.checks import FAIL, PASS, UNKNOWN, Finding
from knowledge.checks.base import names_in
from knowledge.models import CheckException, ChecklistItem, ChecklistRun, ChecklistTick, CheckState
from knowledge.models.target import Targeted

ATTEMPTS = 3
# After it the worker's child is killed; a lease outlasts it, so that no two workers are at one run.
HARD_LIMIT = int(RUN_SECONDS) + 30
LEASE = timedelta(seconds=HARD_LIMIT + 15)
# What waits is asked for again after so long, should the broker have lost it.
ASK_AGAIN = timedelta(seconds=20)
PLACES = ("{namespaces}", "{workloads}", "{services}")
State = ChecklistTick.State


def begin_run(
    *,
    run: ChecklistRun,
    items: Sequence[ChecklistItem],
    now: datetime,
) -> ChecklistRun:
    """Save it with a tick for each item; with a check among them it waits for a worker."""
    checked = any(item.check_name for item in items)
    run.check_state = CheckState.QUEUED if checked else CheckState.IDLE
    run.check_lease_until = now + ASK_AGAIN if checked else None
    run.started_at = now
    run.save()
    ChecklistTick.objects.bulk_create(
        ChecklistTick(
            run=run,
            item=item,
            position=item.position,
            text=item.text,
            why=item.why,
            group=item.group,
            check_name=item.check_name,
            params=item.params,
        )
        for item in items
    )
    return run


def claimable(now: datetime) -> QuerySet[ChecklistRun]:
    lost = Q(check_state=CheckState.RUNNING, check_lease_until__lt=now)
    return ChecklistRun.objects.filter(Q(check_state=CheckState.QUEUED) | lost)


def forgotten(now: datetime) -> list[int]:
    """The ids of runs that wait and were not asked for lately; they count as asked for now."""
    rows = claimable(now).filter(Q(check_lease_until=None) | Q(check_lease_until__lt=now))
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:200])
    ChecklistRun.objects.filter(pk__in=ids, check_state=CheckState.QUEUED).update(check_lease_until=now + ASK_AGAIN)
    return ids


def claim(run_id: int, now: datetime) -> ChecklistRun | None:
    """Take a run that nobody checks; None when it is done or another worker has it."""
    taken = (
        claimable(now)
        .filter(pk=run_id, check_attempts__lt=ATTEMPTS)
        .update(check_state=CheckState.RUNNING, check_attempts=F("check_attempts") + 1, check_lease_until=now + LEASE)
    )
    return ChecklistRun.objects.select_related("cluster", "incident").get(pk=run_id) if taken else None


def work(run: ChecklistRun) -> None:
    """Judge every item that has a check. Never raises for a backend's faults."""
    waiting = list(run.ticks.exclude(check_name="").select_related("item"))
    try:
        with LiveReadings(run, timezone.now()) as readings:
            while waiting:
                one = waiting[0]
                finding = unplaced(run, one) or judge(one.check_name, one.params, readings)
                write(one, run, finding, timezone.now())
                waiting.pop(0)
    except SoftTimeLimitExceeded:
        late = Finding(UNKNOWN, "No answer within the time limit.", "Check again, or narrow the target of the run.")
        for one in waiting:
            write(one, run, late, timezone.now())
    finish(run, timezone.now())


def unplaced(run: ChecklistRun, one: ChecklistTick) -> Finding | None:
    """Why an item is not put to its judge: nothing says at which place to look, and the whole cluster is none."""
    named = run.incident.namespaces if run.incident else []
    several = not run.namespace and len(named) > 1
    if not several and run.names_place:
        return None
    if one.check_name == "promql" and not any(name in str(one.params.get("expression")) for name in PLACES):
        return None
    if several:
        reason = f"The incident names several namespaces ({names_in(sorted(named))}); name one."
        return Finding(UNKNOWN, reason, "Start a run for each of them.")
    return Finding(UNKNOWN, "This run names no namespace and no service.", "Start a run that names one.")


@transaction.atomic
def write(one: ChecklistTick, run: ChecklistRun, finding: Finding, now: datetime) -> None:
    """The verdict decides whether the item is done, unless somebody waived it."""
    row = ChecklistTick.objects.select_for_update(of=("self",)).get(pk=one.pk)
    for name, value in written(finding).items():
        setattr(row, name, value)
    row.checked_at = now
    row.exception = excuse(row.item_id, run, now) if finding.verdict == FAIL else None
    if row.state != State.WAIVED:
        row.state = State.DONE if finding.verdict == PASS else State.OPEN
        row.by, row.at, row.note = None, now if finding.verdict == PASS else None, ""
    row.save()


def excuse(item_id: int, target: Targeted, now: datetime) -> CheckException | None:
    """The exception that stands for this item and this place, the one that lasts longest; none without a place."""
    if not target.names_place:
        return None
    standing = CheckException.objects.filter(item=item_id, withdrawn_at=None, ends_at__gt=now)
    return standing.filter(**same_place(target)).order_by("-ends_at").first()


def same_place(target: Targeted) -> dict[str, object]:
    names = ("cluster", "namespace", "workload_kind", "workload_name", "service")
    return {name: getattr(target, name) for name in names}


@transaction.atomic
def finish(run: ChecklistRun, now: datetime) -> None:
    row = ChecklistRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    row.check_state, row.checked_at, row.check_lease_until, row.check_attempts = CheckState.DONE, now, None, 0
    row.save()


def give_up(now: datetime) -> int:
    """Runs whose worker died ATTEMPTS times: their items are unknown, so that no page waits for ever."""
    lost = list(claimable(now).filter(check_attempts__gte=ATTEMPTS))
    for run in lost:
        words = f"The worker ended {run.check_attempts} times before this was checked."
        for one in run.ticks.exclude(check_name=""):
            if one.checked_at is None or one.checked_at <= (run.checked_at or run.started_at):
                write(one, run, Finding(UNKNOWN, words, "Check again; see the worker's log if it stays."), now)
        finish(run, now)
    return len(lost)
