"""Checklists that start by themselves: a run for each schedule whose time has come."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from knowledge.checking.runs import begin_run, same_place
from knowledge.models import ChecklistRun, ChecklistSchedule


def start_due(now: datetime) -> list[int]:
    """The ids of the runs that wait for a worker. Missed times are not made up for: one run tells of now."""
    due = ChecklistSchedule.objects.filter(enabled=True, next_at__lte=now).values_list("pk", flat=True)[:100]
    begun = [run for pk in list(due) if (run := _start(pk, now)) is not None]
    return [run.pk for run in begun if run.check_state]


@transaction.atomic
def _start(pk: int, now: datetime) -> ChecklistRun | None:
    rows = ChecklistSchedule.objects.select_for_update(of=("self",), skip_locked=True)
    schedule = rows.filter(pk=pk, enabled=True, next_at__lte=now).select_related("checklist", "cluster").first()
    if schedule is None:
        return None
    schedule.next_at = now + timedelta(hours=schedule.every_hours)
    schedule.save()
    checklist = schedule.checklist
    run = ChecklistRun(
        checklist=checklist,
        version=checklist.version,
        schedule=schedule,
        started_by=schedule.created_by,
        **same_place(schedule),
    )
    return begin_run(run=run, items=list(checklist.items.filter(removed_at=None)), now=now)
