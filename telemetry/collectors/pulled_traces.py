"""Traces as Jaeger and Tempo answer them: into spans, cleaned, and told with how many of them were read."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from telemetry.bodies import BadPayload
from telemetry.collectors.pulled import Cleaner
from telemetry.collectors.pushed import Origin, trace_observations
from telemetry.http import SourceError, outcome_of
from telemetry.observations import Outcome, Sink, Status, Window
from telemetry.otlp.decode import JSON, decode_traces
from telemetry.rows import SpanRow

ID_BYTES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


@dataclass(slots=True)
class Traces:
    """Spans by trace and span. `cut` says which limit left traces out, `partial` why some may be missing, `stopped`
    what ended the reading; `warnings` are what else is to be known of them."""

    spans: dict[tuple[str, str], SpanRow] = field(default_factory=dict)
    cut: str = ""
    sampled: str = ""
    partial: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    stopped: SourceError | None = None

    def add(self, rows: Sequence[SpanRow]) -> int:
        """How many traces the rows are of."""
        for row in rows:
            self.spans.setdefault((row.trace_id, row.span_id), row)
        return len({row.trace_id for row in rows})

    @property
    def count(self) -> int:
        return len({trace_id for trace_id, _ in self.spans})


def otlp_spans(value: Any, traces: Traces) -> list[SpanRow]:
    """The spans of an object with `resourceSpans`; what cannot be read is told. Raises `SourceError` for other shapes."""
    try:
        decoded = decode_traces(json.dumps(value).encode(), JSON)
    except BadPayload as error:
        raise SourceError(Status.ERROR, f"the answer is no trace: {error}") from None
    if decoded.rejected:
        traces.partial[f"spans were left out: {decoded.message}"] = None
    return decoded.rows


def with_hex_ids(value: Any) -> Any:
    """The same with ids as OTLP writes them, where they came in base64 as protobuf's own JSON has them."""
    pending = [value]
    while pending:
        node = pending.pop()
        for key, item in list(node.items()) if isinstance(node, dict) else enumerate(node):
            if isinstance(item, dict | list):
                pending.append(item)
            elif key in ID_BYTES and isinstance(item, str):
                node[key] = _hex_id(item, ID_BYTES[key])
    return value


def _hex_id(text: str, size: int) -> str:
    if len(text) == size * 2:
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).rjust(size, b"\0").hex()
    except (binascii.Error, ValueError):
        return text


def cleaned(rows: Sequence[SpanRow], cleaner: Cleaner) -> list[SpanRow]:
    """Without what the source's own patterns call a secret."""
    found = []
    for row in rows:
        before = cleaner.hits.copy()
        clean = replace(
            row,
            service=cleaner.text(row.service),
            name=cleaner.text(row.name),
            status_message=cleaner.text(row.status_message),
            attributes=cleaner.value(row.attributes),
            resource=cleaner.value(row.resource),
        )
        cleaner.told(row.trace_id, before)
        found.append(clean)
    return found


def traces_outcome(
    traces: Traces, *, origin: Origin, window: Window, sink: Sink, request: str, cleaner: Cleaner
) -> Outcome:
    """Hands over the traces worth a look and says what they are a part of. Call it only with spans."""
    rows = cleaned(list(traces.spans.values()), cleaner)
    found = trace_observations(rows, origin=replace(origin, sampled=bool(traces.sampled), redactions=cleaner.of))
    sink(found)
    kept, all_of = len(found), traces.count
    common: dict[str, Any] = {
        "fetched": all_of,
        "dropped": all_of - kept,
        "covered_from": window.start,
        "covered_to": window.end,
        "warnings": (*traces.partial, *traces.warnings),
        "request": request,
        "redactions": dict(cleaner.hits),
    }
    told = f"kept {kept:,} of the {all_of:,} traces that were read"
    if traces.stopped is not None:
        ended = outcome_of(traces.stopped, kept=kept, **common)
        return replace(ended, reason=f"{ended.reason}; {told}")
    if traces.sampled:
        remedy = "Narrow the scope or the window, or raise this source's option limit."
        return Outcome(
            Status.TRUNCATED,
            reason=f"{told}; {traces.sampled}",
            remedy=remedy,
            truncated_by=traces.cut,
            kept=kept,
            **common,
        )
    if traces.partial:
        return Outcome(Status.PARTIAL, reason="; ".join(traces.partial), kept=kept, **common)
    return Outcome(Status.COMPLETE, kept=kept, **common)


def whole_number(options: Mapping[str, Any], key: str, otherwise: int, most: int) -> int:
    """An option that counts; what is no such number is the usual one."""
    value = options.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return otherwise
    return min(value, most)
