"""What people do to the timeline: notes, pins, hiding. Derived lines are written by collecting."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

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
    """Pin or hide any line; change text and time of a note, of a message its time alone. Hiding keeps the evidence."""
    require_respond(by)
    if pinned is not None:
        entry.pinned = pinned
    if hidden is not None:
        entry.hidden = hidden
    if text is not None or occurred_at is not None:
        _rewrite(entry, text, occurred_at, now)
    entry.save(update_fields=["pinned", "hidden", "text", "occurred_at", "detail", "updated_at"])
    return entry


def _rewrite(entry: TimelineEntry, text: str | None, occurred_at: datetime | None, now: datetime) -> None:
    if entry.source == EntrySource.CHAT and text is None:
        _check_time(occurred_at, now)
        entry.detail = entry.detail | {"moved": True}
    elif entry.source == EntrySource.NOTE:
        entry.text = _checked(entry.text if text is None else text, occurred_at, now)
    else:
        raise InvalidInput("text", "only notes can be edited; hide this line or add a note beside it")
    entry.occurred_at = occurred_at or entry.occurred_at


@transaction.atomic
def put_message(
    *,
    incident: Incident,
    key: str,
    occurred_at: datetime,
    title: str,
    text: str,
    actor: User | None,
    now: datetime,
    detail: dict[str, Any],
    pinned: bool = False,
    hidden: bool | None = None,
) -> TimelineEntry:
    """The line of a message in a chat, written or brought up to date; `key` is the message's own in its service.

    `pinned` is for a new line, `hidden` None leaves what people chose, and a time that a person set stays. Whoever
    calls has asked whether `actor`, who may have no account, may do this.
    """
    _check_time(occurred_at, now)
    known = TimelineEntry.objects.select_for_update().filter(incident=incident, dedup_key=f"chat:{key}").first()
    moved = known is not None and bool(known.detail.get("moved"))
    fields: dict[str, Any] = {
        "occurred_at": known.occurred_at if known is not None and moved else occurred_at,
        "source": EntrySource.CHAT,
        "level": Level.INFO.value,
        "title": " ".join(title.replace("\x00", "").split())[:300] or "Message",
        "text": _cut(text.replace("\x00", "")),
        "actor": actor,
        "detail": detail | ({"moved": True} if moved else {}),
    }
    if hidden is not None:
        fields["hidden"] = hidden
    entry, _ = TimelineEntry.objects.update_or_create(
        incident=incident, dedup_key=f"chat:{key}", defaults=fields, create_defaults=fields | {"pinned": pinned}
    )
    return entry


def _cut(text: str) -> str:
    """Within the line's limit; where something had to go the last line says how much."""
    if len(text) <= TEXT_LIMIT:
        return text
    kept = text[: TEXT_LIMIT - 80].rstrip()
    return f"{kept}\n… {len(text) - len(kept):,} of {len(text):,} characters are not shown here."


def write_change(
    *, incident: Incident, at: datetime, by: User | None, title: str, text: str = "", **detail: Any
) -> TimelineEntry:
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
        detail={"change": True} | detail,
    )


def _checked(text: str, occurred_at: datetime | None, now: datetime) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise InvalidInput("text", "is empty; say what happened")
    if len(cleaned) > TEXT_LIMIT:
        raise InvalidInput("text", f"has {len(cleaned):,} characters; expected at most {TEXT_LIMIT:,}")
    _check_time(occurred_at, now)
    return cleaned


def _check_time(occurred_at: datetime | None, now: datetime) -> None:
    check_moment("occurred_at", occurred_at)
    if occurred_at is not None and occurred_at > now + timedelta(minutes=1):
        raise InvalidInput("occurred_at", "lies in the future; expected a time that has passed")
