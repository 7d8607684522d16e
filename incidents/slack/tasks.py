"""Celery's entry points for what Slack sent and for what the clock asks of Slack."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from incidents.chat import lanes
from incidents.slack import client, digest, handling, inbox, people
from incidents.slack.models import SlackRequest


@shared_task(name="incidents.slack.tasks.work_lane", soft_time_limit=100, time_limit=110)
def work_lane(lane: str) -> None:
    if lanes.work(SlackRequest, lane, handling.handle):
        inbox.ask(lane)


@shared_task(name="incidents.slack.tasks.sweep")
def sweep() -> int:
    """Lanes whose task the broker lost, whose worker died, or whose time has come."""
    found = lanes.waiting_lanes(SlackRequest, timezone.now())
    for lane in found:
        inbox.ask(lane)
    return len(found)


@shared_task(name="incidents.slack.tasks.prune")
def prune() -> int:
    return inbox.prune(timezone.now())


@shared_task(name="incidents.slack.tasks.send_digests")
def send_digests() -> int:
    return digest.due(timezone.now()) if client.is_on() else 0


@shared_task(name="incidents.slack.tasks.check_workspace")
def check_workspace() -> None:
    """A task of its own: while Slack is away it waits ten seconds for nothing."""
    if client.is_on():
        people.keep_workspace(timezone.now())
