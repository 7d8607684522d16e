"""A Loki that answers as its HTTP API is documented, over lines that a test gives it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.server import Asked, Reply, StandIn

QUERY = "/loki/api/v1/query_range"
MATCHER = re.compile(r'(\w+)\s*(=~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
FILTER = re.compile(r'\|(=|~)\s*"((?:[^"\\]|\\.)*)"')
COUNTING = re.compile(r"sum by \((?P<keys>[^)]*)\) \(count_over_time\((?P<expr>.*) \[(?P<step>\d+)ms\]\)\)")


@dataclass(frozen=True)
class Line:
    ns: int
    text: str
    labels: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)


def plain(code: int, words: str) -> Reply:
    return Reply(code, words.encode(), content_type="text/plain; charset=utf-8")


class LokiStandIn(StandIn):
    """`lines` is the data; `retention` is told by the limits endpoint ("" means that it is not served); `most` is the
    limit of entries; `tenant` must be sent if given; `counts`: whether metric queries are allowed."""

    def __init__(self, lines: list[Line] | None = None) -> None:
        super().__init__()
        self.lines = lines or []
        self.retention = "0s"
        self.most = 5_000
        self.tenant = ""
        self.counts = True

    def refusal(self, code: int, asked: Asked) -> Reply:
        words = {
            400: "parse error at line 1, col 12: syntax error: unexpected IDENTIFIER",
            401: "no org id\n",
            429: "too many outstanding requests",
            500: "rpc error: code = Unknown desc = ingester is shutting down",
        }
        return plain(code, words.get(code, "refused"))

    def answer(self, asked: Asked) -> Reply:
        if self.tenant and asked.headers.get("x-scope-orgid") != self.tenant:
            return plain(401, "no org id\n")
        routes: dict[str, Callable[[Asked], Reply]] = {
            QUERY: self.query_range,
            "/loki/api/v1/index/stats": self.stats,
            "/loki/api/v1/labels": lambda _: Reply.of_json({"status": "success", "data": ["namespace", "app"]}),
            "/loki/api/v1/status/buildinfo": lambda _: Reply.of_json({"version": "3.4.2", "revision": "stand-in"}),
        }
        if asked.path == "/loki/api/v1/drilldown-limits" and self.retention:
            return Reply.of_json({"limits": {"retention_period": self.retention}, "pattern_ingester_enabled": False})
        return routes.get(asked.path, lambda _: plain(404, "404 page not found\n"))(asked)

    def query_range(self, asked: Asked) -> Reply:
        counting = COUNTING.fullmatch(asked.query["query"])
        if counting:
            return self.matrix(asked, counting) if self.counts else plain(400, "maximum number of series (500) reached")
        limit = int(asked.query.get("limit", 100))
        if limit > self.most:
            words = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            return plain(400, f"{words} ({limit} > {self.most})")
        found = self.matching(asked.query["query"], int(asked.query["start"]), int(asked.query["end"]))
        backward = asked.query.get("direction", "backward") == "backward"
        return self.streams(asked, sorted(found, key=lambda line: line.ns, reverse=backward)[:limit])

    def matching(self, expr: str, start: int, end: int) -> list[Line]:
        selector, _, rest = _split(expr)
        matchers = [(name, kind, _unquoted(value)) for name, kind, value in MATCHER.findall(selector)]
        filters = [(kind, _unquoted(value)) for kind, value in FILTER.findall(rest)]
        return [
            line
            for line in self.lines
            if start <= line.ns < end
            and all(_matches(line.labels.get(name, ""), kind, value) for name, kind, value in matchers)
            and all(value in line.text if kind == "=" else _regexp(value).search(line.text) for kind, value in filters)
        ]

    def streams(self, asked: Asked, lines: list[Line]) -> Reply:
        categorized = "categorize-labels" in asked.headers.get("x-loki-response-encoding-flags", "")
        grouped: dict[tuple[tuple[str, str], ...], list[Any]] = defaultdict(list)
        for line in lines:
            if categorized:
                entry = [str(line.ns), line.text, {"structuredMetadata": line.metadata} if line.metadata else {}]
                grouped[tuple(sorted(line.labels.items()))].append(entry)
            else:
                grouped[tuple(sorted({**line.labels, **line.metadata}.items()))].append([str(line.ns), line.text])
        result = [{"stream": dict(labels), "values": values} for labels, values in grouped.items()]
        data: dict[str, Any] = {"resultType": "streams", "result": result, "stats": {}}
        if categorized:
            data["encodingFlags"] = ["categorize-labels"]
        return Reply.of_json({"status": "success", "data": data})

    def matrix(self, asked: Asked, counting: re.Match[str]) -> Reply:
        start, end = int(asked.query["start"]), int(asked.query["end"])
        step = int(counting["step"]) * 10**6
        keys = [key.strip() for key in counting["keys"].split(",")]
        counts: dict[tuple[tuple[str, str], ...], Counter[int]] = defaultdict(Counter)
        for line in self.matching(counting["expr"], start - step, end):
            both = {**line.labels, **line.metadata}
            moment = start + -(-(line.ns + 1 - start) // step) * step
            counts[tuple((key, both[key]) for key in keys if both.get(key))][moment] += 1
        result = [
            {"metric": dict(labels), "values": [[at / 10**9, str(count)] for at, count in sorted(found.items())]}
            for labels, found in counts.items()
        ]
        return Reply.of_json({"status": "success", "data": {"resultType": "matrix", "result": result}})

    def stats(self, asked: Asked) -> Reply:
        found = self.matching(asked.query["query"], int(asked.query["start"]), int(asked.query["end"]))
        return Reply.of_json({"streams": 1, "chunks": 1, "entries": len(found), "bytes": 100 * len(found)})


def _split(expr: str) -> tuple[str, str, str]:
    found = re.match(r'(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})(.*)', expr, re.DOTALL)
    assert found is not None, f"not a log query: {expr}"
    return found.group(1), "", found.group(2)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _regexp(text: str) -> re.Pattern[str]:
    """RE2's `\\x{2F}` as Python writes it."""
    return re.compile(re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda found: re.escape(chr(int(found.group(1), 16))), text))


def _matches(value: str, kind: str, wanted: str) -> bool:
    if kind == "=~":
        return bool(_regexp(wanted).fullmatch(value))
    return (value == wanted) is (kind == "=")
