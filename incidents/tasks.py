"""Celery's entry points. Each calls one worker function; ids only travel."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from incidents import collecting, drafting, lacks, planning, reminders, signals
from incidents.models import Collection, CollectionRun, Incident
from incidents.writing import documents
from telemetry.observations import Budget

log = logging.getLogger(__name__)
# A run's hard limit: its longest budget and the time to store; after it the worker's child is killed.
HARD_LIMIT = int(Budget().deadline_seconds) + 30
REQUEUE_AFTER = timedelta(seconds=10)
STOP_COLLECTING_AFTER = timedelta(days=7)


def enqueue(task: Any, ids: Iterable[int]) -> None:
    """A broker that is down fails nobody's deed: the sweep of the task asks again."""
    for one in ids:
        try:
            task.delay(one)
        except Exception as problem:
            # kombu fails in ways of its own, such as a channel closed under a thread; none is the asker's fault.
            log.warning("the broker did not take %s of %s (%s)", task.name, one, type(problem).__name__)
            return


def enqueue_runs(run_ids: Iterable[int]) -> None:
    enqueue(collect_source, run_ids)


@shared_task(name="incidents.tasks.collect_source", soft_time_limit=HARD_LIMIT - 5, time_limit=HARD_LIMIT)
def collect_source(run_id: int) -> None:
    run = collecting.claim(run_id, timezone.now())
    if run is None:
        return
    collecting.work(run)
    _after(run.collection_id)


def _after(collection_id: int) -> None:
    """When a collection has ended: draft what waits for it, and tell those above."""
    collection = Collection.objects.select_related("incident").get(pk=collection_id)
    if collection.finished_at is None:
        return
    drafting.redraft_untouched(collection.incident, timezone.now())
    told = {"incident_id": collection.incident_id, "collection_id": collection.pk}
    signals.tell("evidence_collected", at=collection.finished_at, **told)


@shared_task(name="incidents.tasks.sweep_collections")
def sweep_collections() -> int:
    """Runs that the broker lost or whose worker died are asked again; those that died too often get an outcome."""
    now = timezone.now()
    for collection_id in collecting.give_up(now):
        _after(collection_id)
    waiting = CollectionRun.objects.claimable(now).filter(queued_at__lt=now - REQUEUE_AFTER)
    run_ids = list(waiting.order_by("id").values_list("pk", flat=True)[:200])
    CollectionRun.objects.filter(pk__in=run_ids).update(queued_at=now)
    enqueue_runs(run_ids)
    return len(run_ids)


@shared_task(name="incidents.tasks.collect_open_incidents")
def collect_open_incidents() -> int:
    """While an incident is open its sources are asked again, for a week at most."""
    now = timezone.now()
    again = now - timedelta(seconds=settings.COLLECT_AGAIN_SECONDS - 5)
    due = (
        Incident.objects.open()
        .filter(created_at__gt=now - STOP_COLLECTING_AFTER)
        .annotate(last=Max("collections__started_at"))
        .filter(last__lt=again)
        .exclude(pk__in=Collection.objects.filter(finished_at=None).values("incident"))
    )
    for incident in due:
        enqueue_runs(planning.plan_collection(incident=incident, trigger=Collection.Trigger.PERIODIC, now=now)[1])
    return len(due)


@shared_task(name="incidents.tasks.remind_postmortems")
def remind_postmortems() -> int:
    return reminders.remind(timezone.now())


@shared_task(name="incidents.tasks.remind_incidents")
def remind_incidents() -> int:
    return lacks.remind_of_lacks(timezone.now())


@shared_task(name="incidents.tasks.settle_texts")
def settle_texts() -> int:
    """Texts whose web process died before it took over what editors had sent."""
    waiting = documents.unsettled()
    for postmortem_id in waiting:
        documents.current_text(postmortem_id, timezone.now())
    return len(waiting)


@shared_task(name="incidents.tasks.sweep_signals")
def sweep_signals() -> int:
    return signals.sweep(timezone.now())
