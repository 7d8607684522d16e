"""What Jaeger answers, as spans: OTLP from its API v3, its own JSON from v1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.pulled_traces import Traces, otlp_spans, with_hex_ids
from telemetry.http import SourceError
from telemetry.observations import Status
from telemetry.redaction import storable_value
from telemetry.rows import SpanRow, clean_text

STATUS_ERROR = 2
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
ATTRIBUTES = 128


def spans_of_v3(body: bytes, traces: Traces) -> list[SpanRow]:
    """`{"result": {"resourceSpans": [...]}}`, or several of them one after another, or without the `result` around, as
    versions differ."""
    rows: list[SpanRow] = []
    for value in _documents(body):
        if "error" in value:
            words = value["error"].get("message") if isinstance(value["error"], dict) else value["error"]
            traces.partial[clean_text(f"Jaeger reports: {words}", 300)] = None
            continue
        result = value if "resourceSpans" in value else value.get("result")
        if not isinstance(result, dict):
            raise SourceError(Status.ERROR, "the answer is not Jaeger's", remedy="Check that the address is Jaeger's.")
        rows += otlp_spans(with_hex_ids(result), traces)
    return rows


def all_failed(rows: Iterable[SpanRow]) -> bool:
    """Whether each trace has a span with an error."""
    failed: dict[str, bool] = {}
    for row in rows:
        told = str(row.attributes.get("error", "")).lower() == "true"
        failed[row.trace_id] = failed.get(row.trace_id, False) or told or row.status_code == STATUS_ERROR
    return all(failed.values())


def _documents(body: bytes) -> Iterator[dict[str, Any]]:
    text, decoder, place = body.decode(errors="replace").strip(), json.JSONDecoder(), 0
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            raise SourceError(
                Status.ERROR, "the answer is not JSON", remedy="Check that the address is the backend's API."
            ) from None
        if not isinstance(value, dict):
            raise SourceError(Status.ERROR, "the answer is JSON, but not an object")
        yield storable_value(value)
        while place < len(text) and text[place].isspace():
            place += 1


def spans_of_v1(answer: Mapping[str, Any], traces: Traces) -> list[SpanRow]:
    """`{"data": [{"traceID", "spans", "processes", "warnings"}], "errors": […]}`."""
    data = answer.get("data")
    if data is not None and not isinstance(data, list):
        raise SourceError(Status.ERROR, "the answer is not Jaeger's", remedy="Check that the address is Jaeger's.")
    for error in answer.get("errors") or []:
        words = error.get("msg") if isinstance(error, dict) else error
        traces.partial[clean_text(f"Jaeger reports: {words}", 300)] = None
    rows = []
    for trace in data or []:
        for warning in trace.get("warnings") or []:
            traces.partial[clean_text(f"Jaeger warns: {warning}", 300)] = None
        processes = trace.get("processes") or {}
        rows += [_span(span, processes.get(span.get("processID")) or {}) for span in trace.get("spans") or []]
    return rows


def _span(span: Mapping[str, Any], process: Mapping[str, Any]) -> SpanRow:
    tags = _tags(span.get("tags"))
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(span["startTime"]))
    failed = str(tags.get("error", "")).lower() == "true" or tags.get("otel.status_code") == "ERROR"
    return SpanRow(
        trace_id=str(span["traceID"]).lower().zfill(32),
        span_id=str(span["spanID"]).lower().zfill(16),
        parent_span_id=_parent(span),
        service=clean_text(str(process.get("serviceName") or "unknown_service"), 200),
        name=clean_text(str(span.get("operationName") or ""), 300),
        kind=KINDS.get(str(tags.get("span.kind")), 0),
        start_at=start,
        end_at=start + timedelta(microseconds=max(0, int(span.get("duration") or 0))),
        status_code=STATUS_ERROR if failed else 0,
        status_message=_message(span, tags) if failed else "",
        attributes=tags,
        resource=_tags(process.get("tags")),
    )


def _parent(span: Mapping[str, Any]) -> str:
    """The span of the same trace that this one is a child of, or else follows."""
    references = [one for one in span.get("references") or [] if one.get("traceID", span["traceID"]) == span["traceID"]]
    references.sort(key=lambda one: one.get("refType") != "CHILD_OF")
    parent = str(references[0].get("spanID") or "") if references else str(span.get("parentSpanID") or "")
    return parent.lower().zfill(16) if parent.strip("0") else ""


def _tags(tags: Any) -> dict[str, Any]:
    found = {}
    for tag in (tags or [])[:ATTRIBUTES]:
        value = tag.get("value")
        plain = value if isinstance(value, bool | int | float) else str(value)
        found[clean_text(str(tag.get("key")), 200)] = clean_text(plain) if isinstance(plain, str) else plain
    return found


def _message(span: Mapping[str, Any], tags: Mapping[str, Any]) -> str:
    """The status's words, or those of an error that was logged on the span."""
    told = tags.get("otel.status_description") or tags.get("error.message")
    if told:
        return str(told)
    for log in span.get("logs") or []:
        fields = _tags(log.get("fields"))
        if fields.get("event") in {"error", "exception"} or "error.object" in fields or "exception.message" in fields:
            keys = ("exception.message", "message", "error.object", "error.kind")
            return next((str(fields[key]) for key in keys if fields.get(key)), "")
    return ""
