"""A Jaeger that answers as its query APIs are documented, over spans that a test gives it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stand_ins.server import Asked, Fault, Reply, StandIn
from tests.stand_ins.spans import Spanned, as_jaeger, resource_spans, traces_of

V1, V3 = "/api/traces", "/api/v3/traces"


def v3_failure(code: int, words: str) -> Reply:
    return Reply.of_json({"error": {"httpCode": code, "message": words}}, code)


class JaegerStandIn(StandIn):
    """`v1`, `v3`: whether that version of the API is served, `attributes` whether the latter looks at them; `known` are services without
    traces; `warnings` and `errors` go into the answers of version 1."""

    def __init__(self, spans: Sequence[Spanned] = ()) -> None:
        super().__init__()
        self.spans = list(spans)
        self.v3 = True
        self.attributes = True
        self.v1 = True
        self.known: list[str] = ["checkout"]
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def refusal(self, code: int, asked: Asked) -> Reply:
        if asked.path.startswith("/api/v3"):
            return v3_failure(code, "malformed parameter query.start_time_min" if code == 400 else "refused")
        return Reply.of_json({"data": None, "errors": [{"code": code, "msg": "refused"}]}, code)

    def fault_applies(self, fault: Fault, asked: Asked) -> bool:
        return (self.v3 or not asked.path.startswith("/api/v3")) and super().fault_applies(fault, asked)

    def answer(self, asked: Asked) -> Reply:
        services = sorted({span.service for span in self.spans} | set(self.known))
        if asked.path == "/api/services":
            return Reply.of_json({"data": services, "total": len(services), "errors": None})
        if asked.path == V1 and self.v1:
            return self.version_1(asked)
        if self.v3 and asked.path == "/api/v3/services":
            return Reply.of_json({"services": services})
        if self.v3 and asked.path == V3:
            return self.version_3(asked)
        return Reply(404, b"404 page not found\n", content_type="text/plain")

    def version_3(self, asked: Asked) -> Reply:
        field = {name.removeprefix("query."): value for name, value in asked.query.items()}
        if not field.get("start_time_min") or not field.get("start_time_max"):
            return v3_failure(400, "query.start_time_min and query.start_time_max are required")
        found = self.matching(
            field["service_name"],
            datetime.fromisoformat(field["start_time_min"]),
            datetime.fromisoformat(field["start_time_max"]),
            json.loads(field.get("attributes", "{}")) if self.attributes else {},
            field.get("duration_min", "0ms"),
            int(field["search_depth"]),
        )
        if not found:
            return v3_failure(404, "No traces found")
        return Reply.of_json({"result": {"resourceSpans": resource_spans(span for trace in found for span in trace)}})

    def version_1(self, asked: Asked) -> Reply:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        found = self.matching(
            asked.query["service"],
            epoch + timedelta(microseconds=int(asked.query["start"])),
            epoch + timedelta(microseconds=int(asked.query["end"])),
            json.loads(asked.query.get("tags", "{}")),
            asked.query.get("minDuration", "0ms"),
            int(asked.query.get("limit", 100)),
        )
        data = [as_jaeger(trace[0].trace_id, trace, warnings=self.warnings or None) for trace in found]
        errors: Any = [{"code": 500, "msg": words} for words in self.errors] or None
        return Reply.of_json({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": errors})

    def matching(
        self, service: str, start: datetime, end: datetime, tags: dict[str, str], least: str, limit: int
    ) -> list[list[Spanned]]:
        ms = float(least.removesuffix("ms"))
        return [
            trace
            for trace in traces_of(self.spans).values()
            if any(
                span.service == service
                and start <= span.start < end
                and span.ms >= ms
                and (tags.get("error") != "true" or span.failed)
                for span in trace
            )
        ][:limit]
