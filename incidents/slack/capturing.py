"""Messages that belong on the timeline, and what becomes of them."""

from __future__ import annotations

from datetime import datetime

from incidents.models import Incident
from incidents.slack.models import SlackRequest


def handle(request: SlackRequest, what: str) -> None:
    """An event; `what` is its type."""


def ask(
    *, incident: Incident, channel: str, ts: str, thread: str, reason: str, now: datetime, at: datetime | None = None
) -> None:
    """That a message be put on the timeline."""
