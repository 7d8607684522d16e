"""What chat services are to be told: rows written with what they tell of, worked off lane by lane."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import Q

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
    moves: bool = False,
) -> Delivery | None:
    """None where the same `key` waits already or, with `once`, was ever enqueued.

    What waits is done at the earlier of both times; with `moves` at the new one.
    """
    if key and _waits_already(service, key, f"{service}:{lane}", due_at or now, once=once, moves=moves):
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


def _waits_already(service: str, key: str, lane: str, due: datetime, *, once: bool, moves: bool) -> bool:
    known = Delivery.objects.filter(service=service, key=key)
    if once:
        return known.exists()
    # One that failed is made good by the next of its kind.
    known.filter(state=QueuedState.FAILED).update(state=QueuedState.DONE, problem="")
    waiting = known.filter(state=QueuedState.WAITING)
    if not waiting.exists():
        return False
    fresh = waiting.filter(attempts=0) if moves else waiting.filter(attempts=0, due_at__gt=due)
    if fresh.update(due_at=due):
        transaction.on_commit(partial(ask, lane))
    return True


def ask(lane: str) -> None:
    """A broker that is down keeps nothing from being said later: the sweep asks again."""
    try:
        current_app.send_task(WORK, [lane])
    except Exception as problem:
        # kombu fails in ways of its own, such as a channel closed under a thread; none is the asker's fault.
        log.warning("the broker did not take lane %s (%s); the sweep will", lane, type(problem).__name__)


def try_again(delivery: Delivery, now: datetime) -> None:
    """One that failed for good begins anew, for a day."""
    failed = Delivery.objects.filter(pk=delivery.pk, state=QueuedState.FAILED)
    same = Delivery.objects.filter(service=delivery.service, key=delivery.key, state=QueuedState.WAITING)
    if delivery.key and same.exists():
        failed.update(state=QueuedState.DONE, problem="", finished_at=now)
        return
    # As if tried once: what stands in the chat already is looked for before it is posted again.
    if failed.update(state=QueuedState.WAITING, attempts=1, surprises=0, due_at=now, created_at=now, finished_at=None):
        transaction.on_commit(partial(ask, delivery.lane))


def prune(now: datetime) -> int:
    """Those that ended long ago; failed ones of an incident stay as long as its page shows them."""
    ended = Delivery.objects.filter(finished_at__lt=now - KEPT)
    return ended.filter(Q(state=QueuedState.DONE) | Q(state=QueuedState.FAILED, incident=None)).delete()[0]
