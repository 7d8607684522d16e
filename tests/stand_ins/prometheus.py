"""A Prometheus that answers as its HTTP API is documented, with the outage's series for data."""

from __future__ import annotations

import math
from typing import Any

from tests.stand_ins.outage_series import Measured, measured
from tests.stand_ins.server import Asked, Reply, StandIn

MOST_POINTS = 11_000
BUILD = {"version": "2.53.3", "revision": "stand-in", "branch": "HEAD", "goVersion": "go1.22.7"}


def success(data: Any, **more: Any) -> Reply:
    return Reply.of_json({"status": "success", "data": data, **more})


def failure(code: int, kind: str, words: str) -> Reply:
    return Reply.of_json({"status": "error", "errorType": kind, "error": words}, code)


class PrometheusStandIn(StandIn):
    """`warnings` go into every answer; `extra` series are answered beside the outage's, `series`
    replaces them; `retention` is what the server says of itself; `bearer` must be sent if given. `vectors` are the
    answers to instant queries, by how the query begins, `rules` the alerting rules that are loaded."""

    def __init__(self, *, retention: str = "15d", bearer: str = "") -> None:
        super().__init__()
        self.warnings: list[str] = []
        self.series: list[Measured] | None = None
        self.vectors: dict[str, list[tuple[dict[str, str], str]]] | None = None
        self.rules: list[dict[str, Any]] = []
        self.retention = retention
        self.bearer = bearer

    def refusal(self, code: int, asked: Asked) -> Reply:
        kinds = {400: "bad_data", 422: "execution", 503: "timeout"}
        words = {
            400: 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
            422: "query processing would load too many samples into memory in query execution",
            503: "query timed out in expression evaluation",
        }
        if code in kinds:
            return failure(code, kinds[code], words[code])
        return Reply(code, b"<html>refused</html>", content_type="text/html")

    def answer(self, asked: Asked) -> Reply:
        if self.bearer and asked.headers.get("authorization") != f"Bearer {self.bearer}":
            return Reply(401, b"Unauthorized\n", content_type="text/plain")
        if asked.path == "/api/v1/status/buildinfo":
            return success(BUILD)
        if asked.path == "/api/v1/status/runtimeinfo":
            return success({"startTime": "2026-11-01T00:00:00Z", "storageRetention": self.retention})
        fields = {**asked.query, **(asked.form if asked.method == "POST" else {})}
        if asked.path == "/api/v1/rules":
            return success({"groups": [{"name": "stand-in", "file": "rules.yml", "rules": self.rules}]})
        if asked.path == "/api/v1/query" and self.vectors is not None:
            found = [rows for start, rows in self.vectors.items() if fields.get("query", "").startswith(start)]
            result = [{"metric": labels, "value": [0, value]} for rows in found[:1] for labels, value in rows]
            return success({"resultType": "vector", "result": result})
        if asked.path == "/api/v1/query":
            return success({"resultType": "vector", "result": [{"metric": {}, "value": [0, "1"]}]})
        if asked.path == "/api/v1/query_range":
            return self.range(fields)
        return Reply(404, b"404 page not found\n", content_type="text/plain")

    def range(self, fields: dict[str, str]) -> Reply:
        start, end, step = (float(fields[name]) for name in ("start", "end", "step"))
        if not fields.get("query"):
            return self.refusal(400, Asked("", "", {}, {}, b""))
        if step <= 0 or (end - start) / step > MOST_POINTS:
            words = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution"
            return failure(400, "bad_data", words)
        series = measured(fields["query"]) if self.series is None else self.series
        moments = [start + number * step for number in range(math.floor((end - start) / step) + 1)]
        result = []
        for one in series:
            values = [(moment, one.value(moment)) for moment in moments]
            pairs = [[moment, _written(value)] for moment, value in values if value is not None]
            if pairs:
                result.append({"metric": dict(one.labels), "values": pairs})
        more = {"warnings": self.warnings} if self.warnings else {}
        return success({"resultType": "matrix", "result": result}, **more)


def _written(value: float) -> str:
    """Numbers as Prometheus writes them in JSON: text, with NaN and +Inf by name."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.6g}"
