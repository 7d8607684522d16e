"""JSON bodies of OTLP as the plain values that `protobuf` gives: ids in hex, integers perhaps as text, names in
camel case or as in the protocol's files. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from telemetry.bodies import BadPayload
from telemetry.otlp.protobuf import Groups
from telemetry.rows import ATTRIBUTES_LIMIT, TEXT_LIMIT, Rejected, cut, storable_integer

DEEPEST = 60
INTEGER = re.compile(r"-?\d{1,20}\Z")
HEX = re.compile(r"[0-9a-f]*\Z")
NO_JSON = "body: expected JSON of {}"


def parse(body: bytes, name: str) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadPayload(NO_JSON.format(name)) from None
    if not isinstance(value, dict):
        raise BadPayload(f"body: expected a JSON object of {name}")
    return value


def log_groups(request: dict[str, Any]) -> Groups:
    return _groups(request, ("resourceLogs", "scopeLogs", "logRecords"), _log)


def span_groups(request: dict[str, Any]) -> Groups:
    return _groups(request, ("resourceSpans", "scopeSpans", "spans"), _span)


def _groups(request: dict[str, Any], names: tuple[str, str, str], read: Callable[[Any], Any]) -> Groups:
    outer, middle, inner = names
    try:
        for group in map(_object, _list(_object(request), outer)):
            resource = attributes(_object(group.get("resource") or {}).get("attributes"))
            records = [record for scope in _list(group, middle) for record in _list(_object(scope), inner)]
            yield resource, _each(records, read)
    except Rejected as problem:
        raise BadPayload(f"body: expected lists of objects at {outer}, {middle} and {inner}: {problem}") from None


def _each(records: list[Any], read: Callable[[Any], Any]) -> Iterator[Any]:
    for record in records:
        try:
            yield read(record)
        except Rejected as problem:
            yield problem


SNAKE = re.compile(r"_([a-z])")


def _object(values: Any) -> dict[str, Any]:
    """With names in camel case, whichever way the sender writes them."""
    if type(values) is not dict:
        raise Rejected("an object is no object")
    if "_" in "".join(values):
        return {SNAKE.sub(lambda found: found[1].upper(), name): item for name, item in values.items()}
    return values


def _list(values: Any, name: str) -> list[Any]:
    found = values.get(name)
    if found is None:
        return []
    if type(found) is not list:
        raise Rejected(f"{name} is no list")
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise Rejected("a text is no text")
    return value


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if value is None:
        return 0
    if type(value) is str and INTEGER.match(value):
        return int(value)
    if type(value) is float and value.is_integer():
        return int(value)
    raise Rejected("a number is no number")


def _enumerated(value: Any, names: Any) -> int:
    if type(value) is str and value in names.DESCRIPTOR.values_by_name:
        return int(names.Value(value))
    return _integer(value)


def _hex(value: Any) -> str:
    """Empty for what is no hex, so that the id is refused and not the body."""
    text = _text(value).lower()
    return text if HEX.match(text) else ""


def _log(record: Any) -> Any:
    get = _object(record).get
    return (
        _integer(get("timeUnixNano")),
        _integer(get("observedTimeUnixNano")),
        _enumerated(get("severityNumber"), logs_pb2.SeverityNumber),
        _text(get("severityText")),
        plain(get("body"), 0),
        attributes(get("attributes")),
        _hex(get("traceId")),
        _hex(get("spanId")),
    )


def _span(told: Any) -> Any:
    span = _object(told)
    get, status = span.get, _object(span.get("status") or {})
    events = [_object(event) for event in _list(span, "events")] if "events" in span else ()
    return (
        _hex(get("traceId")),
        _hex(get("spanId")),
        _hex(get("parentSpanId")),
        _text(get("name")),
        _enumerated(get("kind"), trace_pb2.Span.SpanKind),
        _integer(get("startTimeUnixNano")),
        _integer(get("endTimeUnixNano")),
        _enumerated(status.get("code"), trace_pb2.Status.StatusCode),
        _text(status.get("message")),
        attributes(get("attributes")),
        next((attributes(event.get("attributes")) for event in events if event.get("name") == "exception"), None),
    )


def attributes(pairs: Any, depth: int = 0) -> dict[str, Any]:
    if pairs is None:
        return {}
    if type(pairs) is not list:
        raise Rejected("attributes are no list")
    found = {}
    for pair in pairs[:ATTRIBUTES_LIMIT]:
        if type(pair) is not dict:
            raise Rejected("an attribute is no object")
        found[_text(pair.get("key"))[:200]] = plain(pair.get("value"), depth)
    return found


def plain(value: Any, depth: int) -> Any:
    if not value:
        return None
    if type(value) is not dict:
        raise Rejected("a value is no object")
    text = value.get("stringValue")
    if type(text) is str:
        return cut(text)
    if depth > DEEPEST:
        raise Rejected("values are nested too deep")
    for name, content in _object(value).items():
        if content is not None and name in READERS:
            return READERS[name](content, depth + 1)
    return None


def _double(content: Any, _: int) -> Any:
    if type(content) is str:
        try:
            content = float(content)
        except ValueError:
            raise Rejected("a number is no number") from None
    if type(content) not in {int, float}:
        raise Rejected("a number is no number")
    return storable_integer(content) if type(content) is int else content if math.isfinite(content) else str(content)


def _boolean(content: Any, _: int) -> bool:
    if type(content) is not bool:
        raise Rejected("a boolean is no boolean")
    return content


READERS: dict[str, Callable[[Any, int], Any]] = {
    "stringValue": lambda content, _: cut(_text(content)),
    "intValue": lambda content, _: storable_integer(_integer(content)),
    "boolValue": _boolean,
    "doubleValue": _double,
    "bytesValue": lambda content, _: _text(content)[:TEXT_LIMIT],
    "arrayValue": lambda content, depth: [
        plain(item, depth) for item in _list(_object(content), "values")[:ATTRIBUTES_LIMIT]
    ],
    "kvlistValue": lambda content, depth: attributes(_object(content).get("values"), depth),
}
