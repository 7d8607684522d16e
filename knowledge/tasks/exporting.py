"""Files that people asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from incidents.tasks import enqueue
from knowledge.exports import making

HARD_LIMIT = 200
REQUEUE_AFTER = timedelta(seconds=20)


def enqueue_exports(export_ids: Iterable[int]) -> None:
    enqueue(make_export, export_ids)


@shared_task(name="knowledge.tasks.make_export", soft_time_limit=HARD_LIMIT - 10, time_limit=HARD_LIMIT)
def make_export(export_id: int) -> None:
    export = making.claim(export_id, timezone.now())
    if export is not None:
        making.make(export)


@shared_task(name="knowledge.tasks.sweep_exports")
def sweep_exports() -> int:
    """Files that the broker lost or whose worker died are asked again; those that died too often say so."""
    now = timezone.now()
    making.give_up(now)
    waiting = making.claimable(now).filter(requested_at__lt=now - REQUEUE_AFTER)
    ids = list(waiting.order_by("id").values_list("pk", flat=True)[:50])
    enqueue_exports(ids)
    return len(ids)


@shared_task(name="knowledge.tasks.prune_exports")
def prune_exports() -> int:
    return making.prune(timezone.now())
