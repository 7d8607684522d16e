"""OTLP/HTTP bodies into plain rows, and answers in the sender's own encoding.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. Everything is redacted and made storable here,
so that no secret and no character that a database refuses goes further.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from telemetry.bodies import BYTES_LIMIT, BadPayload, IntakeError, PayloadTooLarge, UnknownEncoding, decompress
from telemetry.otlp import jsonbody, protobuf
from telemetry.otlp.metrics import take
from telemetry.otlp.protobuf import Groups
from telemetry.redaction import DEFAULT
from telemetry.rows import (
    LATEST_NANOSECONDS,
    NAME_LIMIT,
    Decoded,
    LogRow,
    PointRow,
    Rejected,
    SpanRow,
    Taking,
    clean_body,
    clean_mapping,
    clean_text,
    digest_of,
    service_of,
    time_of,
)

__all__ = [
    "BYTES_LIMIT",
    "BadPayload",
    "Decoded",
    "IntakeError",
    "LogRow",
    "PayloadTooLarge",
    "SpanRow",
    "UnknownEncoding",
    "decompress",
]

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
CONTENT_TYPES = (PROTOBUF, JSON)
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16


def decode_traces(body: bytes, content_type: str) -> Decoded[SpanRow]:
    """The spans of an ExportTraceServiceRequest; raises `BadPayload`."""
    if content_type == JSON:
        return _rows(jsonbody.span_groups(jsonbody.parse(body, "ExportTraceServiceRequest")), _span_row)
    request = trace_service_pb2.ExportTraceServiceRequest()
    protobuf.parse(body, request)
    return _rows(protobuf.span_groups(request), _span_row)


def decode_logs(body: bytes, content_type: str) -> Decoded[LogRow]:
    """The records of an ExportLogsServiceRequest; raises `BadPayload`."""
    if content_type == JSON:
        return _rows(jsonbody.log_groups(jsonbody.parse(body, "ExportLogsServiceRequest")), _log_row)
    request = logs_service_pb2.ExportLogsServiceRequest()
    protobuf.parse(body, request)
    return _rows(protobuf.log_groups(request), _log_row)


def decode_metrics(body: bytes, content_type: str) -> Decoded[PointRow]:
    """The points of an ExportMetricsServiceRequest; raises `BadPayload`."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    if content_type == PROTOBUF:
        protobuf.parse(body, request)
    else:
        _parse_json(jsonbody.parse(body, request.DESCRIPTOR.name), request)
    taking: Taking[PointRow] = Taking()
    for group in request.resource_metrics:
        resource = clean_mapping(protobuf.attributes(group.resource.attributes))
        take(group, resource, taking)
    return taking.decoded()


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


def metrics_answer(decoded: Decoded[PointRow], content_type: str) -> bytes:
    answer = metrics_service_pb2.ExportMetricsServiceResponse()
    if decoded.rejected:
        answer.partial_success.rejected_data_points = decoded.rejected
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


def _parse_json(value: dict[str, Any], request: Message) -> None:
    """The slow way, which knows every shape of a metric. Ids stand in exemplars alone, which nobody reads."""
    name = request.DESCRIPTOR.name
    try:
        json_format.ParseDict(_without_exemplars(value), request, ignore_unknown_fields=True, max_recursion_depth=60)
    except json_format.Error as error:
        words = DEFAULT.text(str(error)[-200:]).text
        raise BadPayload(f"body: expected JSON of {name}: {words}") from None
    except (ValueError, RecursionError, TypeError, AttributeError):
        raise BadPayload(f"body: expected JSON of {name}") from None


def _without_exemplars(value: Any) -> Any:
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            node.pop("exemplars", None)
            node = list(node.values())
        pending += [item for item in node if isinstance(item, dict | list)]
    return value


def _rows(groups: Groups, make: Any) -> Decoded[Any]:
    """A resource is redacted once for all its records; a bad record costs itself alone."""
    taking: Taking[Any] = Taking()
    for found, records in groups:
        resource = clean_mapping(found)
        service, identity = service_of(resource), digest_of(resource)
        for record in records:
            if not taking.has_room():
                continue
            try:
                if isinstance(record, Rejected):
                    raise record
                taking.rows.append(make(record, resource, service, identity))
            except Rejected as rejected:
                taking.reject(str(rejected))
    return taking.decoded()


def _span_row(span: Any, resource: dict[str, Any], service: str, _: str) -> SpanRow:
    trace_id, span_id, parent, name, kind, started, ended, code, message, attributes, exception = span
    start = time_of(started, "span without a start time before 2100")
    end = time_of(ended, "span without an end time before 2100")
    if len(trace_id) != 32 or trace_id == NO_TRACE:
        raise Rejected("trace_id is not 16 bytes")
    if len(span_id) != 16 or span_id == NO_SPAN:
        raise Rejected("span_id is not 8 bytes")
    return SpanRow(
        trace_id,
        span_id,
        parent if len(parent) == 16 and parent != NO_SPAN else "",
        service,
        clean_text(name, NAME_LIMIT),
        kind if 0 <= kind <= 5 else 0,
        start,
        max(start, end),
        code if 0 <= code <= 2 else 0,
        clean_text(message) or (_words_of(exception) if exception else ""),
        clean_mapping(attributes),
        resource,
    )


def _words_of(exception: dict[str, Any]) -> str:
    """What an exception event on the span says, for spans whose status carries no words."""
    told = clean_mapping(exception)
    parts = (told.get("exception.type"), told.get("exception.message"))
    return ": ".join(str(part) for part in parts if part)


def _log_row(record: Any, resource: dict[str, Any], service: str, identity: str) -> LogRow:
    told, observed, number, text, body, attributes, trace_id, span_id = record
    at = time_of(told or observed, "log record without a time before 2100")
    number = number if 0 <= number <= 24 else 0
    body = clean_body(body)
    trace_id = trace_id if len(trace_id) == 32 and trace_id != NO_TRACE else ""
    span_id = span_id if len(span_id) == 16 and span_id != NO_SPAN else ""
    attributes = clean_mapping(attributes)
    return LogRow(
        at,
        time_of(observed, "observed") if told and 0 < observed <= LATEST_NANOSECONDS else None,
        number,
        clean_text(text, 32),
        body,
        service,
        trace_id,
        span_id,
        attributes,
        resource,
        digest_of(told or observed, number, body, trace_id, span_id, attributes, identity),
    )
