"""Protobuf bodies of OTLP as plain values: resources with their records, as tuples that `decode` makes rows of."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError, Message

from telemetry.bodies import BadPayload
from telemetry.rows import ATTRIBUTES_LIMIT, TEXT_LIMIT, cut

Groups = Iterator[tuple[dict[str, Any], Iterator[Any]]]


def parse(body: bytes, request: Message) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise BadPayload(f"body: expected a protobuf {request.DESCRIPTOR.name}") from None


def log_groups(request: Any) -> Groups:
    for group in request.resource_logs:
        records = (record for scope in group.scope_logs for record in scope.log_records)
        yield attributes(group.resource.attributes), map(_log, records)


def span_groups(request: Any) -> Groups:
    for group in request.resource_spans:
        spans = (span for scope in group.scope_spans for span in scope.spans)
        yield attributes(group.resource.attributes), map(_span, spans)


def _log(record: Any) -> Any:
    return (
        record.time_unix_nano,
        record.observed_time_unix_nano,
        record.severity_number,
        record.severity_text,
        plain(record.body),
        attributes(record.attributes),
        record.trace_id.hex(),
        record.span_id.hex(),
    )


def _span(span: Any) -> Any:
    status = span.status
    return (
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        status.code,
        status.message,
        attributes(span.attributes),
        next((attributes(event.attributes) for event in span.events if event.name == "exception"), None),
    )


def attributes(pairs: Any) -> dict[str, Any]:
    found = {}
    for pair in pairs if len(pairs) <= ATTRIBUTES_LIMIT else pairs[:ATTRIBUTES_LIMIT]:
        value = pair.value
        found[pair.key[:200]] = cut(value.string_value) or plain(value)
    return found


def plain(value: Any) -> Any:
    """An AnyValue as JSON knows it; numbers that JSON lacks and bytes become text."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content = getattr(value, kind)
    if kind == "string_value":
        return cut(content)
    if kind == "double_value":
        return content if math.isfinite(content) else str(content)
    if kind == "bytes_value":
        return base64.b64encode(content[:TEXT_LIMIT]).decode()
    if kind == "array_value":
        return [plain(item) for item in content.values[:ATTRIBUTES_LIMIT]]
    if kind == "kvlist_value":
        return {pair.key[:200]: plain(pair.value) for pair in content.values[:ATTRIBUTES_LIMIT]}
    return content
