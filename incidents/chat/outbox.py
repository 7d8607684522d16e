"""What chat services are to be told: rows written with what they tell of, worked off lane by lane."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from incidents.models import Delivery, Incident
from incidents.models.delivery import QueuedState

KEPT = timedelta(days=14)
# By name: tasks stand above.
WORK = "incidents.chat.tasks.work_lane"
log = logging.getLogger(__name__)


def enqueue(
    *,
    service: str,
    kind: str,
    lane: str,
    now: datetime,
    incident: Incident | int | None = None,
    content: dict[str, Any] | None = None,
    key: str = "",
    due_at: datetime | None = None,
    once: bool = False,
) -> Delivery | None:
    """None where the same `key` waits already or, with `once`, was ever enqueued."""
    known = Delivery.objects.filter(service=service, key=key)
    if key and (known if once else known.filter(state=QueuedState.WAITING)).exists():
        return None
    row = Delivery(
        service=service,
        kind=kind,
        lane=f"{service}:{lane}",
        key=key,
        incident_id=incident.pk if isinstance(incident, Incident) else incident,
        content=content or {},
        created_at=due_at or now,
        due_at=due_at or now,
    )
    # Two at once: the constraint lets one through.
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    if row.due_at <= now:
        transaction.on_commit(partial(ask, row.lane))
    return row


def ask(lane: str) -> None:
    """A broker that is down keeps nothing from being said later: the sweep asks again."""
    try:
        current_app.send_task(WORK, [lane])
    except (OperationalError, OSError) as problem:
        log.warning("the broker did not take lane %s (%s); the sweep will", lane, type(problem).__name__)


def try_again(delivery: Delivery, now: datetime) -> None:
    """One that failed for good begins anew, for a day."""
    failed = Delivery.objects.filter(pk=delivery.pk, state=QueuedState.FAILED)
    same = Delivery.objects.filter(service=delivery.service, key=delivery.key, state=QueuedState.WAITING)
    if delivery.key and same.exists():
        failed.update(state=QueuedState.DONE, problem="", finished_at=now)
        return
    if failed.update(state=QueuedState.WAITING, attempts=0, surprises=0, due_at=now, created_at=now, finished_at=None):
        transaction.on_commit(partial(ask, delivery.lane))


def prune(now: datetime) -> int:
    """Those that were done long ago; failed ones stay as long as their incident shows them."""
    return Delivery.objects.filter(state=QueuedState.DONE, finished_at__lt=now - KEPT).delete()[0]
