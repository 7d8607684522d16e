"""The bodies that are sent: what to match, what to count, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telemetry.collectors.elastic.fields import Fields, Mappings
from telemetry.collectors.log_lines import step_for
from telemetry.collectors.queries import lucene_of
from telemetry.collectors.times import iso
from telemetry.http import SourceError
from telemetry.observations import Status, Window

ERROR_LEVELS = ("error", "err", "fatal", "critical", "crit", "panic", "emerg", "emergency", "alert", "severe")
ERROR_WORDS = "error | exception | fatal | panic | traceback"
SERVICES = 20


@dataclass(frozen=True, slots=True)
class Asking:
    """One query: `expr` in Lucene, or the names of a scope."""

    fields: Fields
    mappings: Mappings
    window: Window
    expr: str = ""
    namespaces: Sequence[str] = ()
    services: Sequence[str] = ()

    def matching(self, *, errors: bool = False, since: datetime | None = None) -> dict[str, Any]:
        """The query for a body, from `since` on if that is later than the window's start; raises `SourceError` where
        the index has none of the fields that the scope needs."""
        start = max(self.window.start, since or self.window.start)
        span = {"gte": iso(start), "lt": iso(self.window.end), "format": "strict_date_optional_time"}
        clauses: list[dict[str, Any]] = [{"range": {self.fields.time: span}}]
        if self.expr:
            clauses.append({"query_string": {"query": self.expr, "analyze_wildcard": True}})
        clauses += [clause for clause in (self._named(*one) for one in self._names()) if clause]
        if errors:
            clauses.append(self.errors())
        return {"bool": {"filter": clauses}}

    def lucene(self) -> str:
        """The same for people and for Discover."""
        if self.expr:
            return self.expr
        parts = []
        for what, names, fields in self._names():
            exact = self.mappings.first_exact(fields) or (self.mappings.present(fields) or [what])[:1]
            parts.append(f"{exact[0]}:{lucene_of(names)}")
        return " AND ".join(parts) or "*"

    def _names(self) -> list[tuple[str, Sequence[str], Sequence[str]]]:
        wanted = [
            ("namespace", self.namespaces, self.fields.namespaces),
            ("service", self.services, self.fields.services),
        ]
        held = [(what, names, self.mappings.present(fields)) for what, names, fields in wanted if names]
        if held and not any(fields for _, _, fields in held):
            lacking = " and ".join(what for what, _, _ in held)
            raise SourceError(
                Status.NOT_CONFIGURED,
                f"the index has none of the fields that would hold a {lacking}",
                remedy="Name yours in this source's options namespace_fields and service_fields.",
            )
        return [(what, names, fields) for what, names, fields in held if fields]

    def unheld(self) -> list[str]:
        """What the scope names but no field of the index holds, so that it could not narrow."""
        wanted = (
            ("namespace", self.namespaces, self.fields.namespaces),
            ("service", self.services, self.fields.services),
        )
        return [what for what, names, fields in wanted if names and not self.mappings.present(fields)]

    def _named(self, _what: str, names: Sequence[str], fields: Sequence[str]) -> dict[str, Any]:
        should: list[dict[str, Any]] = []
        for field in fields:
            exact = self.mappings.exact(field)
            if exact:
                should.append({"terms": {exact: list(names)}})
            else:
                should += [{"match_phrase": {field: name}} for name in names]
        return {"bool": {"should": should, "minimum_should_match": 1}}

    def errors(self) -> dict[str, Any]:
        """Lines with the level of an error, and those without any level that speak of one."""
        should: list[dict[str, Any]] = []
        levels = [exact for exact in map(self.mappings.exact, self.fields.level) if exact]
        names = [form(name) for name in ERROR_LEVELS for form in (str.lower, str.upper, str.capitalize)]
        should += [{"terms": {field: names}} for field in levels]
        words = self.mappings.present(self.fields.message) or list(self.fields.message[:1])
        spoken: dict[str, Any] = {"must": [{"simple_query_string": {"query": ERROR_WORDS, "fields": words}}]}
        if levels:
            spoken["must_not"] = [{"exists": {"field": field}} for field in levels]
        should.append({"bool": spoken})
        return {"bool": {"should": should, "minimum_should_match": 1}}

    def counting(self) -> dict[str, Any]:
        """Buckets over time with errors, by namespace and service where whole values of them can be compared."""
        step = step_for(self.window.seconds)
        over_time: dict[str, Any] = {
            "over_time": {
                "date_histogram": {"field": self.fields.time, "fixed_interval": f"{step}s", "min_doc_count": 1},
                "aggs": {"errors": {"filter": self.errors()}},
            }
        }
        for name, fields in (("service", self.fields.services), ("namespace", self.fields.namespaces)):
            if found := self.mappings.first_exact(fields):
                over_time = {name: {"terms": {"field": found[1], "size": SERVICES, "missing": ""}, "aggs": over_time}}
        return over_time


def counts_in(aggregations: Mapping[str, Any]) -> dict[tuple[str, str], list[tuple[float, int, int]]]:
    """By (service, namespace): (seconds since the epoch, lines, errors)."""
    found: dict[tuple[str, str], list[tuple[float, int, int]]] = {}
    for namespace, below in _buckets(aggregations, "namespace"):
        for service, lowest in _buckets(below, "service"):
            bars = [
                (float(bucket["key"]) / 1_000, int(bucket["doc_count"]), int(bucket["errors"]["doc_count"]))
                for bucket in (lowest.get("over_time") or {}).get("buckets") or []
            ]
            if bars:
                found[service, namespace] = bars
    return found


def _buckets(aggregations: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The named level's buckets, or one without a name where there is no such level."""
    level = aggregations.get(name)
    if not isinstance(level, dict):
        return [("", aggregations)]
    return [(str(bucket["key"]), bucket) for bucket in level.get("buckets") or []]
