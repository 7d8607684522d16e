"""From lines and pages to rows: one reader for Events, one for objects."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from telemetry.recorder.batches import Batch
from telemetry.recorder.decoding import (
    Event,
    Page,
    Unreadable,
    event_line,
    event_page,
    object_line,
    object_page,
)
from telemetry.recorder.events import EventRows, Row
from telemetry.recorder.resources import EVENTS, Recorded
from telemetry.recorder.states import state_of
from telemetry.redaction import Redactor

CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})
# What hostile or broken objects make of code that trusts the API's shapes.
MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError)


class ErrorLine(Exception):
    """A Status that came as a line of the stream: the server's way to end a watch with a reason."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


class Reader(Protocol):
    """`line` and `page` put what they find into the batch; they raise `Unreadable` and `ErrorLine`."""

    def line(self, line: bytes, batch: Batch, now: datetime) -> bool:
        """True for a BOOKMARK: the server has sent everything up to now."""
        ...

    def page(self, body: bytes, batch: Batch, now: datetime) -> tuple[str, str, list[str]]:
        """The list's version, the token to go on with ("" at its end), and the uids of the page."""
        ...


def reader_for(recorded: Recorded, redactor: Redactor) -> Reader:
    return EventReader(redactor) if recorded.name == EVENTS else ObjectReader(recorded, redactor)


class EventReader:
    def __init__(self, redactor: Redactor) -> None:
        self._rows = EventRows(redactor)

    def line(self, line: bytes, batch: Batch, now: datetime) -> bool:
        change = event_line(line)
        event = change.object
        if change.type in CHANGES:
            batch.received += 1
            row = self._row(event, is_gone=change.type == "DELETED")
            if row is None:
                raise Unreadable("an Event without a name or a time")
            batch.rows.append(row)
        elif change.type == "ERROR":
            raise ErrorLine(event.code or 0, event.reason or "", event.message or "")
        elif change.type != "BOOKMARK":
            raise Unreadable(f"a line of the unknown type {change.type[:40]!r}")
        if event.metadata.resource_version:
            batch.resource_version = event.metadata.resource_version
        return change.type == "BOOKMARK"

    def page(self, body: bytes, batch: Batch, now: datetime) -> tuple[str, str, list[str]]:
        page = event_page(body)
        items = page.items or []
        for event in items:
            with suppress(Unreadable):
                if (row := self._row(event)) is not None:
                    batch.rows.append(row)
        # Archived Events stay when the cluster drops them, so nobody asks which were listed.
        return _account(page, items, batch, [])

    def _row(self, event: Event, *, is_gone: bool = False) -> Row | None:
        try:
            return self._rows.row(event, is_gone=is_gone)
        except MISSHAPEN as error:
            raise Unreadable(f"an Event of an unexpected shape ({type(error).__name__})") from None


class ObjectReader:
    def __init__(self, recorded: Recorded, redactor: Redactor) -> None:
        self._recorded, self._redactor = recorded, redactor

    def line(self, line: bytes, batch: Batch, now: datetime) -> bool:
        change = object_line(line)
        obj = change.object
        if change.type in CHANGES:
            batch.received += 1
            self._add(obj, batch, now, is_gone=change.type == "DELETED")
        elif change.type == "ERROR":
            status = [obj.get(name) for name in ("code", "reason", "message")]
            code = status[0] if isinstance(status[0], int) else 0
            raise ErrorLine(code, str(status[1] or ""), str(status[2] or ""))
        elif change.type != "BOOKMARK":
            raise Unreadable(f"a line of the unknown type {change.type[:40]!r}")
        metadata = obj.get("metadata")
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        if isinstance(version, str) and version:
            batch.resource_version = version
        return change.type == "BOOKMARK"

    def page(self, body: bytes, batch: Batch, now: datetime) -> tuple[str, str, list[str]]:
        page = object_page(body)
        items = page.items or []
        for obj in items:
            try:
                self._add(obj, batch, now, is_gone=False)
            except Unreadable:
                continue
        # Also of those that could not be read: they are there, so they are not deleted.
        return _account(page, items, batch, [uid for obj in items if (uid := _uid(obj))])

    def _add(self, obj: dict[str, Any], batch: Batch, now: datetime, *, is_gone: bool) -> None:
        try:
            state = state_of(obj, self._recorded, now=now, redactor=self._redactor, is_gone=is_gone)
        except MISSHAPEN as error:
            raise Unreadable(f"a {self._recorded.kind} of an unexpected shape ({type(error).__name__})") from None
        if state is None:
            raise Unreadable(f"a {self._recorded.kind} without a name or uid")
        batch.rows.append(state)


def _account(page: Page[Any], items: list[Any], batch: Batch, uids: list[str]) -> tuple[str, str, list[str]]:
    batch.received += len(items)
    batch.dropped += len(items) - len(batch.rows)
    return page.metadata.resource_version, page.metadata.following or "", uids


def _uid(obj: dict[str, Any]) -> str:
    metadata = obj.get("metadata")
    return str(metadata.get("uid") or "")[:128] if isinstance(metadata, dict) else ""
