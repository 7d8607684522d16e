"""OTLP/HTTP bodies into plain rows, and answers in the sender's own encoding.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. Everything is redacted and made storable here,
so that no secret and no character that a database refuses goes further.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from telemetry.redaction import DEFAULT

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
CONTENT_TYPES = (PROTOBUF, JSON)
BYTES_LIMIT = 20 * 1024 * 1024
RECORDS_LIMIT = 50_000
ATTRIBUTES_LIMIT = 128
TEXT_LIMIT = 16_000
ID_FIELDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The year 2100: later times are a sender's broken clock or a wrong unit.
LATEST_NANOSECONDS = 4_102_444_800 * 10**9

Row = TypeVar("Row")


class IntakeError(ValueError):
    """A body that is not taken as a whole; the message says what was expected."""


class PayloadTooLarge(IntakeError):
    def __init__(self, limit: int = BYTES_LIMIT) -> None:
        super().__init__(
            f"body: expected at most {limit // (1024 * 1024)} MiB after decompression; send smaller batches"
        )
        self.limit = limit


class BadPayload(IntakeError):
    """A body that cannot be read."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span. Ids are lower-case hex; `status_code` 2 is an error."""

    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: int
    start_at: datetime
    end_at: datetime
    status_code: int = 0
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log record; `digest` is the same whenever the same record comes again."""

    at: datetime
    observed_at: datetime | None
    severity_number: int
    severity_text: str
    body: str
    service: str
    trace_id: str = ""
    span_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Row]):
    """The rows that were taken, and why others were not: reason → count."""

    rows: list[Row]
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return sum(self.reasons.values())

    @property
    def message(self) -> str:
        return "; ".join(f"{count} × {reason}" for reason, count in self.reasons.items())


class _Rejected(Exception):
    """One record that is not taken."""


def decompress(body: bytes, content_encoding: str = "", *, limit: int = BYTES_LIMIT) -> bytes:
    """The body as it was before compression; raises `PayloadTooLarge` or `BadPayload`."""
    encoding = content_encoding.strip().lower()
    if encoding in {"", "identity"}:
        plain = body
    elif encoding in {"gzip", "deflate"}:
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            plain = decoder.decompress(body, limit + 1)
        except zlib.error:
            raise BadPayload(f"body: expected valid {encoding}, as Content-Encoding says") from None
        if not decoder.eof and len(plain) <= limit:
            raise BadPayload(f"body: expected a complete {encoding} stream; it ends early")
    else:
        raise BadPayload(f"Content-Encoding: expected gzip or identity, not {encoding[:20]!r}")
    if len(plain) > limit:
        raise PayloadTooLarge(limit)
    return plain


def decode_traces(body: bytes, content_type: str) -> Decoded[SpanRow]:
    """The spans of an ExportTraceServiceRequest; raises `BadPayload`."""
    request = trace_service_pb2.ExportTraceServiceRequest()
    _parse(body, content_type, request)
    return _decode(
        _span_row(span, resource, service)
        for group in request.resource_spans
        for resource, service in (_resource(group.resource),)
        for scope in group.scope_spans
        for span in scope.spans
    )


def decode_logs(body: bytes, content_type: str) -> Decoded[LogRow]:
    """The records of an ExportLogsServiceRequest; raises `BadPayload`."""
    request = logs_service_pb2.ExportLogsServiceRequest()
    _parse(body, content_type, request)
    return _decode(
        _log_row(record, resource, service)
        for group in request.resource_logs
        for resource, service in (_resource(group.resource),)
        for scope in group.scope_logs
        for record in scope.log_records
    )


def traces_answer(decoded: Decoded[SpanRow], content_type: str) -> bytes:
    """The success body; `partial_success` stands in it only if something was rejected."""
    answer = trace_service_pb2.ExportTraceServiceResponse()
    if decoded.rejected:
        answer.partial_success.rejected_spans = decoded.rejected
        answer.partial_success.error_message = decoded.message
    return _written(answer, content_type)


def logs_answer(decoded: Decoded[LogRow], content_type: str) -> bytes:
    answer = logs_service_pb2.ExportLogsServiceResponse()
    if decoded.rejected:
        answer.partial_success.rejected_log_records = decoded.rejected
        answer.partial_success.error_message = decoded.message
    return _written(answer, content_type)


def status_answer(message: str, content_type: str) -> bytes:
    """An error body: a google.rpc.Status that holds the message alone (its field 2)."""
    if content_type != PROTOBUF:
        return json.dumps({"message": message}).encode()
    text = message.encode()[:100_000]
    length, prefix = len(text), bytearray(b"\x12")
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(prefix) + bytes([length]) + text


def _written(answer: Message, content_type: str) -> bytes:
    if content_type == PROTOBUF:
        return bytes(answer.SerializeToString())
    return json.dumps(json_format.MessageToDict(answer)).encode()


def _parse(body: bytes, content_type: str, request: Message) -> None:
    name = request.DESCRIPTOR.name
    if content_type == PROTOBUF:
        try:
            request.ParseFromString(body)
        except DecodeError:
            raise BadPayload(f"body: expected a protobuf {name}") from None
        return
    try:
        value = json.loads(body)
        if not isinstance(value, dict):
            raise BadPayload(f"body: expected a JSON object of {name}")
        _ids_to_base64(value)
        json_format.ParseDict(value, request, ignore_unknown_fields=True, max_recursion_depth=60)
    except json_format.Error as error:
        words = DEFAULT.text(str(error)[-200:]).text
        raise BadPayload(f"body: expected JSON of {name}: {words}") from None
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        if isinstance(error, BadPayload):
            raise
        raise BadPayload(f"body: expected JSON of {name}") from None


def _ids_to_base64(value: Any) -> None:
    """OTLP writes ids as hex where protobuf's JSON mapping expects base64.

    An id that is no hex becomes empty, so that it is rejected alone and not with its whole batch.
    """
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += [item for item in node if isinstance(item, dict | list)]
            continue
        for key, item in node.items():
            if key in ID_FIELDS and isinstance(item, str):
                try:
                    node[key] = base64.b64encode(binascii.unhexlify(item)).decode()
                except (binascii.Error, ValueError):
                    node[key] = ""
            elif isinstance(item, dict | list):
                pending.append(item)


def _decode(rows: Iterator[Row]) -> Decoded[Row]:
    """Draw the rows one by one, so that a bad one costs itself alone."""
    kept: list[Row] = []
    reasons: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, _Rejected):
            reasons[str(row)] += 1
        elif len(kept) >= RECORDS_LIMIT:
            reasons[f"over {RECORDS_LIMIT:,} records in one request"] += 1
        else:
            kept.append(row)
    return Decoded(kept, dict(reasons))


def _span_row(span: Any, resource: dict[str, Any], service: str) -> Any:
    try:
        start = _time(span.start_time_unix_nano, "span without a start time before 2100")
        end = _time(span.end_time_unix_nano, "span without an end time before 2100")
        return SpanRow(
            trace_id=_id(span.trace_id, 16, "trace_id is not 16 bytes"),
            span_id=_id(span.span_id, 8, "span_id is not 8 bytes"),
            parent_span_id=span.parent_span_id.hex()
            if len(span.parent_span_id) == 8 and any(span.parent_span_id)
            else "",
            service=service,
            name=_text(span.name)[:300],
            kind=span.kind if 0 <= span.kind <= 5 else 0,
            start_at=start,
            end_at=max(start, end),
            status_code=span.status.code if 0 <= span.status.code <= 2 else 0,
            status_message=_text(span.status.message) or _exception_of(span),
            attributes=_attributes(span.attributes),
            resource=resource,
        )
    except _Rejected as rejected:
        return rejected


def _exception_of(span: Any) -> str:
    """What an exception event on the span says, for spans whose status carries no words."""
    for event in span.events:
        if event.name == "exception":
            told = _attributes(event.attributes)
            parts = (told.get("exception.type"), told.get("exception.message"))
            return ": ".join(str(part) for part in parts if part)
    return ""


def _log_row(record: Any, resource: dict[str, Any], service: str) -> Any:
    try:
        at = _time(record.time_unix_nano or record.observed_time_unix_nano, "log record without a time before 2100")
    except _Rejected as rejected:
        return rejected
    observed = record.observed_time_unix_nano
    row = LogRow(
        at=at,
        observed_at=_time(observed, "observed") if 0 < observed <= LATEST_NANOSECONDS else None,
        severity_number=record.severity_number if 0 <= record.severity_number <= 24 else 0,
        severity_text=_text(record.severity_text)[:32],
        body=_body(record.body),
        service=service,
        trace_id=record.trace_id.hex() if len(record.trace_id) == 16 and any(record.trace_id) else "",
        span_id=record.span_id.hex() if len(record.span_id) == 8 and any(record.span_id) else "",
        attributes=_attributes(record.attributes),
        resource=resource,
    )
    identity = [str(record.time_unix_nano or observed), row.severity_number, row.body, row.trace_id, row.span_id]
    text = json.dumps([*identity, row.attributes, row.resource], sort_keys=True, ensure_ascii=False)
    return replace(row, digest=hashlib.sha256(text.encode()).hexdigest())


def _resource(resource: Any) -> tuple[dict[str, Any], str]:
    attributes = _attributes(resource.attributes)
    return attributes, str(attributes.get("service.name") or "unknown_service")[:200]


def _id(value: bytes, size: int, reason: str) -> str:
    if len(value) != size or not any(value):
        raise _Rejected(reason)
    return value.hex()


def _time(nanoseconds: int, reason: str) -> datetime:
    if not 0 < nanoseconds <= LATEST_NANOSECONDS:
        raise _Rejected(reason)
    return EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def _text(text: str) -> str:
    return DEFAULT.text(text[:TEXT_LIMIT]).text


def _body(value: Any) -> str:
    plain = DEFAULT.value(_plain(value)).value
    if isinstance(plain, str):
        return plain[:TEXT_LIMIT]
    return "" if plain is None else json.dumps(plain, ensure_ascii=False)[:TEXT_LIMIT]


def _attributes(attributes: Any) -> dict[str, Any]:
    found = {pair.key[:200]: _plain(pair.value) for pair in attributes[:ATTRIBUTES_LIMIT]}
    redacted: dict[str, Any] = DEFAULT.value(found).value
    return redacted


def _plain(value: Any) -> Any:
    """An AnyValue as JSON knows it; numbers that JSON lacks and bytes become text."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content = getattr(value, kind)
    if kind == "string_value":
        return content[:TEXT_LIMIT]
    if kind == "double_value":
        return content if math.isfinite(content) else str(content)
    if kind == "bytes_value":
        return base64.b64encode(content[:TEXT_LIMIT]).decode()
    if kind == "array_value":
        return [_plain(item) for item in content.values[:ATTRIBUTES_LIMIT]]
    if kind == "kvlist_value":
        return {pair.key[:200]: _plain(pair.value) for pair in content.values[:ATTRIBUTES_LIMIT]}
    return content
