"""What the incident page says of chats: the updates given, and what a chat service has not been told yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.models import Delivery, Incident, IncidentUpdate
from incidents.models.delivery import UNFINISHED, QueuedState

MOST = 200
# A thing that was enqueued a moment ago is under way, not late.
LATE_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Waiting:
    """`count` things that `service` has not taken; the oldest came at `since`, `problem` is what was said last."""

    service: str
    since: datetime
    count: int
    problem: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    failed: Sequence[Delivery]
    waiting: Sequence[Waiting]


def undelivered(incident: Incident, now: datetime) -> Undelivered:
    """One query."""
    rows = Delivery.objects.filter(incident=incident, state__in=[QueuedState.FAILED, *UNFINISHED]).defer("content")
    found = list(rows.order_by("-id")[:MOST])
    late: dict[str, list[Delivery]] = defaultdict(list)
    for row in found:
        if row.state != QueuedState.FAILED and row.due_at <= now + LATE_AFTER * 4:
            late[row.service].append(row)
    waiting = [
        Waiting(service.capitalize(), rows[-1].created_at, len(rows), _problem(rows))
        for service, rows in sorted(late.items())
        if any(row.attempts > 1 or row.problem for row in rows) or now - rows[-1].created_at > LATE_AFTER
    ]
    return Undelivered(failed=[row for row in found if row.state == QueuedState.FAILED], waiting=waiting)


def _problem(rows: Sequence[Delivery]) -> str:
    return next((row.problem for row in reversed(rows) if row.problem), "")


def last_update(incident: Incident) -> IncidentUpdate | None:
    return incident.updates.select_related("posted_by").first()
