"""Records of Fluent Bit and Fluentd as log rows: their time, level, message and place in the cluster found by name.

Everything is redacted and made storable here, as in `telemetry.otlp.decode`.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.fluent.reading import Nanoseconds, Unreadable, entries
from telemetry.rows import (
    ATTRIBUTES_LIMIT,
    EPOCH,
    LATEST_NANOSECONDS,
    SERVICE_LIMIT,
    TEXT_LIMIT,
    Decoded,
    LogRow,
    Rejected,
    Taking,
    clean_body,
    clean_mapping,
    clean_text,
    cut,
    digest_of,
    storable_integer,
)

TIME_KEYS = ("date", "@timestamp", "time", "timestamp", "ts", "@time")
MESSAGE_KEYS = ("log", "message", "msg", "full_message", "short_message", "MESSAGE")
LEVEL_KEYS = ("level", "severity", "log.level", "loglevel", "log_level", "lvl")
SERVICE_KEYS = ("service.name", "service", "app", "application", "container_name", "host", "hostname")
SERVICE_LABELS = (
    "app.kubernetes.io/name",
    "app_kubernetes_io/name",
    "app_kubernetes_io_name",
    "app",
    "k8s-app",
    "k8s_app",
    "app.kubernetes.io/instance",
)
PLACES = {
    "k8s.namespace.name": ("namespace_name", "namespace"),
    "k8s.pod.name": ("pod_name", "pod"),
    "k8s.container.name": ("container_name", "container"),
    "k8s.node.name": ("host", "node_name", "node"),
}
LEVELS = {
    "trace": 1,
    "debug": 5,
    "dbg": 5,
    "info": 9,
    "information": 9,
    "informational": 9,
    "notice": 10,
    "warn": 13,
    "warning": 13,
    "error": 17,
    "err": 17,
    "severe": 17,
    "critical": 21,
    "crit": 21,
    "alert": 21,
    "fatal": 21,
    "panic": 21,
    "emerg": 21,
    "emergency": 21,
}
# By number: syslog's from 0 to 7, and those of pino and bunyan in tens.
SYSLOG = (21, 21, 21, 17, 13, 10, 9, 5)
TENS = {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}
# Seconds before 1973 are durations or counters that are called time.
EARLIEST_SECONDS = 1e8
UNITS = ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (math.inf, 1))
# A chunk whose answer was lost comes again at once or after a few tries; the same line may be written every minute.
REDELIVERED_WITHIN = timedelta(seconds=30)
DEEPEST = 12
KEY_LIMIT = 200
NO_TIME_YET = "record whose time is past 2100"
HEX_ID = re.compile(r"[0-9a-f]+\Z")
NUMBER = re.compile(r"\d{8,20}(?:\.\d{1,12})?\Z")


def decode(
    body: bytes, content_type: str, now: datetime, has_come: Callable[[str], bool] = lambda digest: False
) -> Decoded[LogRow]:
    """The records of one request; raises `BadPayload` when nothing in it can be read, `PayloadTooLarge`.

    `has_come` tells whether a record of this digest came within `REDELIVERED_WITHIN` before `now`: a record without a
    time, which gets that of its arrival, is the same again where the same body comes again so soon.
    """
    taking: Taking[LogRow] = Taking()
    resources: dict[tuple[str, ...], tuple[dict[str, Any], str]] = {}
    chunk = ""
    for place, (time, record) in enumerate(entries(body, content_type.lower())):
        if isinstance(record, Unreadable):
            taking.reject(record.reason)
            continue
        try:
            told = _time_of(time, record)
            if told is not None:
                taking.rows.append(_row(record, _at(told), str(told), resources))
                continue
            if not chunk:
                before, chunk = _chunks(body, now)
                if has_come(_row(record, now, f"{before} {place}", resources).digest):
                    chunk = before
            taking.rows.append(_row(record, now, f"{chunk} {place}", resources))
        except Rejected as rejected:
            taking.reject(str(rejected))
    return taking.decoded()


def _chunks(body: bytes, now: datetime) -> tuple[str, str]:
    """What stands for this body in the slice of time before this one, and in this one."""
    named, part = hashlib.sha256(body).hexdigest(), int((now - EPOCH) / REDELIVERED_WITHIN)
    return f"{named} {part - 1}", f"{named} {part}"


def _row(record: dict[Any, Any], at: datetime, identity: str, resources: dict[Any, Any]) -> LogRow:
    key, message = next(((key, record[key]) for key in MESSAGE_KEYS if record.get(key)), ("", None))
    resource, resource_identity = _resource(record, resources)
    level_key, number, text = _level(record)
    left_out = {key, level_key, *(name for name in TIME_KEYS if name in record and _nanoseconds(record[name]))}
    if type(record.get("kubernetes")) is dict:
        left_out.add("kubernetes")
    rest = {name: item for name, item in record.items() if name not in left_out} if record else {}
    attributes = clean_mapping(_plain_mapping(rest, 0))
    if message is None:
        body, attributes = clean_body(_plain_mapping(rest, 0)), {}
    else:
        body = clean_body(message.rstrip("\r\n") if isinstance(message, str) else _plain(message, 0))
    trace_id, span_id = _id(record, ("trace_id", "traceId", "trace.id"), 32), _id(record, ("span_id", "spanId"), 16)
    return LogRow(
        at,
        None,
        number,
        clean_text(text, 32),
        body,
        resource["service.name"],
        trace_id,
        span_id,
        attributes,
        resource,
        digest_of(identity, number, body, attributes, resource_identity),
    )


def _time_of(beside: Any, record: dict[Any, Any]) -> int | None:
    """Nanoseconds: of what stood beside the record, or of the first of its fields that holds a time."""
    for value in (beside, *(record.get(key) for key in TIME_KEYS)):
        if value is not None and (found := _nanoseconds(value)) is not None:
            return found
    return None


def _nanoseconds(value: Any) -> int | None:
    if isinstance(value, Nanoseconds):
        return value if value > EARLIEST_SECONDS * 10**9 else None
    if isinstance(value, str):
        if not NUMBER.match(value):
            return _of_iso(value)
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not EARLIEST_SECONDS <= value < 1e20:
        return None
    unit = next(unit for limit, unit in UNITS if value < limit)
    if isinstance(value, int):
        return value * unit
    # Through whole microseconds: a double holds no more of today's time.
    return round(value * (unit / 1_000)) * 1_000 if unit > 1 else int(value)


def _of_iso(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text[:40].strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return ((at - EPOCH) // timedelta(microseconds=1)) * 1_000 if at.year > 1972 else None
    except (ValueError, OverflowError):
        return None


def _at(nanoseconds: int) -> datetime:
    if nanoseconds > LATEST_NANOSECONDS:
        raise Rejected(NO_TIME_YET)
    return EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def _level(record: dict[Any, Any]) -> tuple[str, int, str]:
    """The field that tells it, OpenTelemetry's number of it (0 for unknown), and its own word."""
    for key in LEVEL_KEYS:
        value = record.get(key)
        if isinstance(value, str) and value:
            found = LEVELS.get(value.strip().lower())
            return (key, found, value) if found is not None else ("", 0, value[:32])
        if isinstance(value, int) and not isinstance(value, bool):
            number = SYSLOG[value] if 0 <= value <= 7 else TENS.get(value, 0)
            return (key if number else "", number, "")
    return "", 0, ""


def _resource(record: dict[Any, Any], known: dict[Any, Any]) -> tuple[dict[str, Any], str]:
    """Where it ran, redacted once for all records of one container."""
    told = record.get("kubernetes")
    if not isinstance(told, dict):
        told = {}
    labels = told.get("labels")
    places = tuple(_first(told, keys) for keys in PLACES.values())
    service = _first(labels, SERVICE_LABELS) if isinstance(labels, dict) else ""
    service = service or _of_ecs(record) or _first(told, ("container_name",)) or _first(record, SERVICE_KEYS)
    found = known.get((service, *places))
    if found is None:
        values = {name: value for name, value in zip(PLACES, places, strict=True) if value}
        resource = clean_mapping({"service.name": service or "unknown_service", **values})
        found = known[(service, *places)] = resource, digest_of(resource)
    return found


def _of_ecs(record: dict[Any, Any]) -> str:
    service = record.get("service")
    return _first(service, ("name",)) if isinstance(service, dict) else ""


def _first(values: Mapping[Any, Any], keys: Iterable[str]) -> str:
    for key in keys:
        value = values.get(key)
        if isinstance(value, str) and value:
            return value[:SERVICE_LIMIT]
    return ""


def _id(record: dict[Any, Any], keys: Iterable[str], size: int) -> str:
    text = _first(record, keys).lower()
    return text if len(text) == size and HEX_ID.match(text) and text.strip("0") else ""


def _plain_mapping(values: dict[Any, Any], depth: int) -> dict[str, Any]:
    if len(values) > ATTRIBUTES_LIMIT:
        values = dict(list(values.items())[:ATTRIBUTES_LIMIT])
    return {
        (key if type(key) is str else _key(key))[:KEY_LIMIT]: item if type(item) is bool else _plain(item, depth)
        for key, item in values.items()
    }


def _key(key: Any) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else str(key)


def _plain(value: Any, depth: int) -> Any:
    """As JSON knows it: bytes as text, numbers that nothing would hold as text."""
    if type(value) is str:
        return cut(value)
    if value is None or type(value) is bool:
        return value
    if isinstance(value, int):
        return storable_integer(int(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, dict):
        return _plain_mapping(value, depth + 1)
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value[:ATTRIBUTES_LIMIT]]
    if isinstance(value, bytes):
        try:
            return cut(value.decode())
        except UnicodeDecodeError:
            return base64.b64encode(value[:TEXT_LIMIT]).decode()
    return str(value)[:KEY_LIMIT]
