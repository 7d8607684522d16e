"""From lines and pages to rows: one reader for Events, one for objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Generic, TypeVar

from telemetry.recorder.batches import Batch
from telemetry.recorder.decoding import (
    Change,
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
from telemetry.recorder.states import State, state_of
from telemetry.redaction import Redactor

T = TypeVar("T")
CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})
# What hostile or broken objects make of code that trusts the API's shapes.
MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError)


class ErrorLine(Exception):
    """A Status that came as a line of the stream: the server's way to end a watch with a reason."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


def reader_for(recorded: Recorded, redactor: Redactor) -> Reader[Any]:
    return EventReader(redactor) if recorded.name == EVENTS else ObjectReader(recorded, redactor)


class Reader(ABC, Generic[T]):
    """`line` and `page` put what they find into the batch; they raise `Unreadable` and `ErrorLine`.

    Who derives from this says how its objects are decoded, made into rows, and asked for what all have.
    """

    decode_line: Callable[[bytes], Change[T]]
    decode_page: Callable[[bytes], Page[T]]
    noun: str

    def line(self, line: bytes, batch: Batch, now: datetime) -> bool:
        """True for a BOOKMARK: the server has sent everything up to now."""
        change = self.decode_line(line)
        if change.type in CHANGES:
            batch.received += 1
            self._add(change.object, batch, now, is_gone=change.type == "DELETED")
        elif change.type == "ERROR":
            raise self.error(change.object)
        elif change.type != "BOOKMARK":
            raise Unreadable(f"a line of the unknown type {change.type[:40]!r}")
        if version := self.version(change.object):
            batch.resource_version = version
        return change.type == "BOOKMARK"

    def page(self, body: bytes, batch: Batch, now: datetime) -> tuple[str, str, list[str]]:
        """The list's version, the token to go on with ("" at its end), and the uids of the page."""
        page = self.decode_page(body)
        items = page.items or []
        for item in items:
            with suppress(Unreadable):
                self._add(item, batch, now, is_gone=False)
        batch.received += len(items)
        batch.dropped += len(items) - len(batch.rows)
        # Also of those that could not be read: they are there, so they are not deleted.
        return page.metadata.resource_version, page.metadata.following or "", self.uids(items)

    def _add(self, obj: T, batch: Batch, now: datetime, *, is_gone: bool) -> None:
        try:
            row = self.row(obj, now, is_gone=is_gone)
        except MISSHAPEN as error:
            raise Unreadable(f"{self.noun} of an unexpected shape ({type(error).__name__})") from None
        if row is None:
            raise Unreadable(f"{self.noun} without a name or a time")
        batch.rows.append(row)

    @abstractmethod
    def row(self, obj: T, now: datetime, *, is_gone: bool) -> Any:
        """None for an object that lacks what names it."""

    @abstractmethod
    def version(self, obj: T) -> str:
        """The resourceVersion; empty where the object tells none."""

    @abstractmethod
    def error(self, obj: T) -> ErrorLine:
        """What the Status in an ERROR line says."""

    @abstractmethod
    def uids(self, items: list[T]) -> list[str]:
        """Of the items that have one."""


class EventReader(Reader[Event]):
    decode_line, decode_page = staticmethod(event_line), staticmethod(event_page)
    noun = "an Event"

    def __init__(self, redactor: Redactor) -> None:
        self._rows = EventRows(redactor)

    def row(self, obj: Event, now: datetime, *, is_gone: bool) -> Row | None:
        return self._rows.row(obj, is_gone=is_gone)

    def version(self, obj: Event) -> str:
        return obj.metadata.resource_version

    def error(self, obj: Event) -> ErrorLine:
        return ErrorLine(obj.code or 0, obj.reason or "", obj.message or "")

    def uids(self, items: list[Event]) -> list[str]:
        """Archived Events stay when the cluster drops them, so nobody asks which were listed."""
        return []


class ObjectReader(Reader[dict[str, Any]]):
    decode_line, decode_page = staticmethod(object_line), staticmethod(object_page)

    def __init__(self, recorded: Recorded, redactor: Redactor) -> None:
        self._recorded, self._redactor = recorded, redactor
        self.noun = f"a {recorded.kind}"

    def row(self, obj: dict[str, Any], now: datetime, *, is_gone: bool) -> State | None:
        return state_of(obj, self._recorded, now=now, redactor=self._redactor, is_gone=is_gone)

    def version(self, obj: dict[str, Any]) -> str:
        return _text(obj.get("metadata"), "resourceVersion")

    def error(self, obj: dict[str, Any]) -> ErrorLine:
        code = obj.get("code")
        return ErrorLine(code if isinstance(code, int) else 0, _text(obj, "reason"), _text(obj, "message"))

    def uids(self, items: list[dict[str, Any]]) -> list[str]:
        return [uid[:128] for item in items if (uid := _text(item.get("metadata"), "uid"))]


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
