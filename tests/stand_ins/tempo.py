"""A Tempo that answers as its HTTP API is documented, over spans that a test gives it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.stand_ins.server import Asked, Reply, StandIn
from tests.stand_ins.spans import Spanned, nanoseconds, resource_spans, traces_of

SEARCH = "/api/search"


def plain(code: int, words: str) -> Reply:
    return Reply(code, words.encode(), content_type="text/plain; charset=utf-8")


class TempoStandIn(StandIn):
    """`v2`: whether version 2 of the traces' API is served; `partial` are trace ids that are answered as PARTIAL, `lost`
    those that a search still finds; `metrics` go into search answers; `retention` is what the configuration says."""

    def __init__(self, spans: Sequence[Spanned] = ()) -> None:
        super().__init__()
        self.spans = list(spans)
        self.v2 = True
        self.partial: set[str] = set()
        self.lost: set[str] = set()
        self.oversize: set[str] = set()
        self.metrics: dict[str, Any] = {"inspectedTraces": 3, "completedJobs": 4, "totalJobs": 4}
        self.retention = "2000000h"
        self.tenant = ""

    def refusal(self, code: int, asked: Asked) -> Reply:
        words = {
            400: "invalid TraceQL query: parse error at line 1, col 3: syntax error: unexpected IDENTIFIER",
            401: "no org id",
            429: "job queue full",
            500: "error querying store",
        }
        return plain(code, words.get(code, "refused"))

    def answer(self, asked: Asked) -> Reply:
        if self.tenant and asked.headers.get("x-scope-orgid") != self.tenant:
            return plain(401, "no org id")
        if asked.path == SEARCH:
            return self.search(asked)
        if asked.path == "/api/status/buildinfo":
            return Reply.of_json({"version": "2.8.1", "revision": "stand-in"})
        if asked.path == "/status/config" and self.retention:
            return plain(200, f"compactor:\n  compaction:\n    block_retention: {self.retention}\n")
        found = re.fullmatch(r"/api/(v2/)?traces/(\w+)", asked.path)
        if not found or (found.group(1) and not self.v2):
            return plain(404, "404 page not found")
        return self.trace(found.group(2), second=bool(found.group(1)))

    def search(self, asked: Asked) -> Reply:
        start, end = (datetime.fromtimestamp(int(asked.query.get(key, 0)), UTC) for key in ("start", "end"))
        found = [
            trace
            for trace in traces_of(self.spans).values()
            if any(start <= span.start < end and _matches(span, asked.query["q"]) for span in trace)
        ][: int(asked.query.get("limit", 20))]
        traces = [
            {
                # Search leaves the zeroes at the start of an id away.
                "traceID": trace[0].trace_id.lstrip("0"),
                "rootServiceName": trace[0].service,
                "rootTraceName": trace[0].name,
                "startTimeUnixNano": nanoseconds(trace[0].start),
                "durationMs": int(trace[0].ms),
            }
            for trace in found
        ]
        return Reply.of_json({**({"traces": traces} if traces else {}), "metrics": self.metrics})

    def trace(self, trace_id: str, *, second: bool) -> Reply:
        spans = [span for span in self.spans if span.trace_id.lstrip("0") == trace_id.lstrip("0")]
        if trace_id in self.oversize:
            return plain(422, f"trace exceeds max size (max bytes: 5000000): {trace_id}")
        if not spans or trace_id in self.lost:
            return plain(404, f"trace {trace_id} not found")
        groups = resource_spans(spans, as_base64=True)
        if not second:
            return Reply.of_json({"batches": groups})
        answer: dict[str, Any] = {"trace": {"resourceSpans": groups}, "metrics": {}}
        if trace_id in self.partial:
            answer |= {"status": "PARTIAL", "message": "trace exceeds maximum size of 5000000 bytes"}
        return Reply.of_json(answer)


def _matches(span: Spanned, expr: str) -> bool:
    """The parts of TraceQL that are asked here."""
    named = re.search(r'resource\.service\.name =~ "((?:[^"\\]|\\.)*)"', expr)
    if named:
        text = re.sub(r"\\\\x\{([0-9A-F]+)\}", lambda hit: re.escape(chr(int(hit.group(1), 16))), named.group(1))
        if not re.fullmatch(text, span.service):
            return False
    least = re.search(r"duration > (\d+)ms", expr)
    if least and span.ms <= float(least.group(1)):
        return False
    return "status = error" not in expr or span.failed
