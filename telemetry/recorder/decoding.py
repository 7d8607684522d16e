"""Lines and pages of the Kubernetes API, decoded to no more than what is kept."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from telemetry.collectors.times import parse_time
from telemetry.http import UNSTORABLE
from telemetry.redaction import storable_value

T = TypeVar("T")
# A time without a zone is no time: it could not be compared with the others.
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Unreadable(ValueError):
    """Something that the server sent and that is not what the API promises."""


class _Fields(msgspec.Struct, gc=False):
    """`rename` is per class; unknown members are skipped without being built."""


class EventMetadata(_Fields, rename="camel"):
    name: str = ""
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: Time | None = None


class Involved(_Fields, rename="camel"):
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None
    api_version: str | None = None
    field_path: str | None = None


class Reporter(_Fields):
    component: str | None = None
    host: str | None = None


class Series(_Fields, rename="camel"):
    count: int | None = None
    last_observed_time: Time | None = None


class Event(_Fields, rename="camel"):
    """A core/v1 Event, or the object of a BOOKMARK, or the Status of an ERROR: the parts of each that matter."""

    metadata: EventMetadata = msgspec.field(default_factory=EventMetadata)
    involved_object: Involved | None = None
    reason: str | None = None
    message: str | None = None
    source: Reporter | None = None
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    event_time: Time | None = None
    count: int | None = None
    series: Series | None = None
    type: str | None = None
    action: str | None = None
    reporting_component: str | None = None
    code: int | None = None


class Change(_Fields, Generic[T]):
    """One line of a watch. `type`: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: T


class ListMetadata(_Fields, rename="camel"):
    resource_version: str = ""
    following: str | None = msgspec.field(default=None, name="continue")


class Page(_Fields, Generic[T]):
    """One page of a list."""

    metadata: ListMetadata
    items: list[T] | None = None


_EVENT_LINE = msgspec.json.Decoder(Change[Event])
_EVENT_PAGE = msgspec.json.Decoder(Page[Event])
_OBJECT_LINE = msgspec.json.Decoder(Change[dict[str, Any]])
_OBJECT_PAGE = msgspec.json.Decoder(Page[dict[str, Any]])


def event_line(line: bytes) -> Change[Event]:
    """Raises `Unreadable`."""
    try:
        if not UNSTORABLE.search(line):
            return _EVENT_LINE.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        pass
    change = _object_change(_plain(line))
    return Change(change.type, _tolerant(change.object))


def event_page(body: bytes) -> Page[Event]:
    """Raises `Unreadable`."""
    try:
        if not UNSTORABLE.search(body):
            return _EVENT_PAGE.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        pass
    page = _object_page(_plain(body))
    return Page(page.metadata, [_tolerant(item) for item in page.items or []])


def object_line(line: bytes) -> Change[dict[str, Any]]:
    """Raises `Unreadable`."""
    try:
        if not UNSTORABLE.search(line):
            return _OBJECT_LINE.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        pass
    return _object_change(_plain(line))


def object_page(body: bytes) -> Page[dict[str, Any]]:
    """Raises `Unreadable`."""
    try:
        if not UNSTORABLE.search(body):
            return _OBJECT_PAGE.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        pass
    return _object_page(_plain(body))


def _plain(text: bytes) -> Any:
    """By the slow, forgiving parser: halves of surrogate pairs and NUL become what a database takes."""
    try:
        return storable_value(json.loads(text))
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None


def _object_change(value: Any) -> Change[dict[str, Any]]:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise Unreadable("a line without a type")
    if not isinstance(value.get("object"), dict):
        raise Unreadable("a line without an object")
    return Change(value["type"], value["object"])


def _object_page(value: Any) -> Page[dict[str, Any]]:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(items, list | None):
        raise Unreadable("not a Kubernetes list")
    try:
        known = msgspec.convert(metadata, ListMetadata)
    except msgspec.ValidationError:
        raise Unreadable("a list whose metadata are malformed") from None
    return Page(known, [item for item in items or [] if isinstance(item, dict)])


def _tolerant(value: dict[str, Any]) -> Event:
    """An Event some of whose members are not of the promised type: those count as absent."""
    found = _cleaned(value, Event)
    return msgspec.convert(found, Event)


def _cleaned(value: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        given = value.get(field.encode_name)
        wanted = _type_of(field.type)
        if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
            if isinstance(given, dict):
                kept[field.encode_name] = _cleaned(given, wanted)
        elif wanted is Time:
            if (at := parse_time(given)) is not None:
                kept[field.encode_name] = at
        elif isinstance(given, wanted) and not isinstance(given, bool):
            kept[field.encode_name] = given
    return kept


def _type_of(annotation: Any) -> Any:
    """`X` of `X | None`."""
    options = [one for one in getattr(annotation, "__args__", (annotation,)) if one is not type(None)]
    return options[0]
