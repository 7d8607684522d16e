"""Celery's entry points of the outbox."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from incidents.chat import lanes, outbox, registry
from incidents.models import Delivery


@shared_task(name="incidents.chat.tasks.work_lane", soft_time_limit=100, time_limit=110)
def work_lane(lane: str) -> None:
    if lanes.work(Delivery, lane, registry.deliver):
        outbox.ask(lane)


@shared_task(name="incidents.chat.tasks.sweep")
def sweep() -> int:
    """Lanes whose task the broker lost, whose worker died, or whose time has come."""
    found = lanes.waiting_lanes(Delivery, timezone.now())
    for lane in found:
        outbox.ask(lane)
    return len(found)


@shared_task(name="incidents.chat.tasks.prune")
def prune() -> int:
    return outbox.prune(timezone.now())
