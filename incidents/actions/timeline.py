"""What people do to the timeline: notes, pins, hiding. Derived lines are written by collecting."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Incident, TimelineEntry
from incidents.models.timeline import EntrySource
from incidents.moments import check_moment
from telemetry.observations import Level

TEXT_LIMIT = 10_000


@transaction.atomic
def add_note(
    *, incident: Incident, text: str, by: User, now: datetime, occurred_at: datetime | None = None
) -> TimelineEntry:
    """A person's line, at its own time."""
    require_respond(by)
    text = _checked(text, occurred_at, now)
    return TimelineEntry.objects.create(
        incident=incident,
        dedup_key=f"note:{uuid.uuid4().hex}",
        occurred_at=occurred_at or now,
        source=EntrySource.NOTE,
        level=Level.INFO.value,
        title=by.display_name,
        text=text,
        actor=by,
    )


@transaction.atomic
def change_entry(
    *,
    entry: TimelineEntry,
    by: User,
    now: datetime,
    pinned: bool | None = None,
    hidden: bool | None = None,
    text: str | None = None,
    occurred_at: datetime | None = None,
) -> TimelineEntry:
    """Pin or hide any line; change text and time of a note alone. Hiding keeps the evidence."""
    require_respond(by)
    if pinned is not None:
        entry.pinned = pinned
    if hidden is not None:
        entry.hidden = hidden
    if text is not None or occurred_at is not None:
        if entry.source != EntrySource.NOTE:
            raise InvalidInput("text", "only notes can be edited; hide this line or add a note beside it")
        entry.text = _checked(entry.text if text is None else text, occurred_at, now)
        entry.occurred_at = occurred_at or entry.occurred_at
    entry.save(update_fields=["pinned", "hidden", "text", "occurred_at", "updated_at"])
    return entry


def write_change(*, incident: Incident, at: datetime, by: User | None, title: str, text: str = "") -> TimelineEntry:
    """A line about the incident itself: its status, severity, roles."""
    return TimelineEntry.objects.create(
        incident=incident,
        dedup_key=f"change:{uuid.uuid4().hex}",
        occurred_at=at,
        source=EntrySource.NOTE,
        level=Level.INFO.value,
        title=title[:300],
        text=text[:TEXT_LIMIT],
        actor=by,
        detail={"change": True},
    )


def _checked(text: str, occurred_at: datetime | None, now: datetime) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise InvalidInput("text", "is empty; say what happened")
    if len(cleaned) > TEXT_LIMIT:
        raise InvalidInput("text", f"has {len(cleaned):,} characters; expected at most {TEXT_LIMIT:,}")
    check_moment("occurred_at", occurred_at)
    if occurred_at is not None and occurred_at > now + timedelta(minutes=1):
        raise InvalidInput("occurred_at", "lies in the future; expected a time that has passed")
    return cleaned
