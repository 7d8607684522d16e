"""Automated checks: of runs, of follow-ups, of recovery points; and what brings lost ones back."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from incidents.tasks import enqueue
from knowledge.checking import followups, objectives, runs, schedules

LIMITS = {"soft_time_limit": runs.HARD_LIMIT - 10, "time_limit": runs.HARD_LIMIT}


def enqueue_run(run_id: int) -> None:
    enqueue(check_run, [run_id])


def enqueue_followup(check_id: int) -> None:
    enqueue(check_followup, [check_id])


def enqueue_objective(objective_id: int) -> None:
    enqueue(read_recovery, [objective_id])


@shared_task(name="knowledge.tasks.check_run", **LIMITS)
def check_run(run_id: int) -> None:
    run = runs.claim(run_id, timezone.now())
    if run is not None:
        runs.work(run)


@shared_task(name="knowledge.tasks.check_followup", **LIMITS)
def check_followup(check_id: int) -> None:
    check = followups.claim(check_id, timezone.now())
    if check is not None:
        followups.work(check)


@shared_task(name="knowledge.tasks.read_recovery", **LIMITS)
def read_recovery(objective_id: int) -> None:
    objectives.read(objective_id)


@shared_task(name="knowledge.tasks.sweep_checks")
def sweep_checks() -> int:
    """Runs and follow-ups that the broker lost, or whose worker died."""
    now = timezone.now()
    runs.give_up(now)
    followups.give_up(now)
    waiting, lost = runs.forgotten(now), followups.forgotten(now)
    enqueue(check_run, waiting)
    enqueue(check_followup, lost)
    return len(waiting) + len(lost)


@shared_task(name="knowledge.tasks.start_due_checks")
def start_due_checks() -> int:
    """Schedules whose time has come get their run, follow-ups their check."""
    now = timezone.now()
    started = schedules.start_due(now)
    enqueue(check_run, started)
    asked = followups.queue_due(now)
    enqueue(check_followup, asked)
    return len(started) + len(asked)


@shared_task(name="knowledge.tasks.read_due_recovery")
def read_due_recovery() -> int:
    due = objectives.due(timezone.now())
    enqueue(read_recovery, due)
    return len(due)
