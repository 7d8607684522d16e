"""An Elasticsearch or an OpenSearch that answers as documented, over documents that a test gives it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from telemetry.collectors.elastic.fields import value_at
from tests.stand_ins.server import Asked, Fault, Reply, StandIn

Doc = dict[str, Any]
TIME = "@timestamp"
ECS = frozenset({TIME, "message", "log.level", "service.name", "kubernetes.namespace"})
KINDS = {400: "search_phase_execution_exception", 401: "security_exception", 403: "security_exception"}
WORDS = {
    400: "Failed to parse query [AND AND]",
    401: "missing authentication credentials for REST request",
    403: "action [indices:data/read/search] is unauthorized for user [debrief]",
    404: "no such index [logs]",
    429: "rejected execution of coordinating operation",
}


def failure(code: int, kind: str, words: str) -> Reply:
    cause = {"type": kind, "reason": words}
    return Reply.of_json({"error": {"root_cause": [cause], **cause}, "status": code}, code)


class ElasticStandIn(StandIn):
    """`docs` are the documents; fields are text, with a `.keyword` under it where `multi` says so, and there are those
    that are `mapped` or in a document; `partial` goes into every search answer; `tiebreaks` are known sorts;
    `nanoseconds`: whether the time is date_nanos."""

    opensearch = False

    def __init__(self, docs: Sequence[Doc] = ()) -> None:
        super().__init__()
        self.docs = list(docs)
        self.multi = True
        self.nanoseconds = False
        self.mapped: frozenset[str] = ECS
        self.partial: dict[str, Any] = {}
        self.indices = ["logs-2026.11.21"]
        self.tiebreaks = ["_shard_doc"]
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.used: list[str] = []

    def refusal(self, code: int, asked: Asked) -> Reply:
        return failure(code, KINDS.get(code, "exception"), WORDS.get(code, "failed"))

    def fault_applies(self, fault: Fault, asked: Asked) -> bool:
        return asked.path == "/_search" if fault.prefix == "/_search" else super().fault_applies(fault, asked)

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/":
            return Reply.of_json({"version": {"number": "2.19.1" if self.opensearch else "8.17.0"}})
        if asked.path.endswith("/_field_caps"):
            return self.field_caps(asked)
        suffix, key = ("/_search/point_in_time", "pit_id") if self.opensearch else ("/_pit", "id")
        if asked.path.endswith(suffix) and asked.method == "POST" and asked.query.get("keep_alive"):
            self.opened.append("pit-0")
            return Reply.of_json({key: "pit-0", "_shards": {"total": 1, "successful": 1, "failed": 0}})
        if asked.path == suffix and asked.method == "DELETE":
            given = asked.json()[key]
            self.closed += given if isinstance(given, list) else [given]
            return Reply.of_json({"succeeded": True, "num_freed": 1})
        if asked.path == "/_search" and asked.method == "POST":
            return self.search(asked.json())
        return failure(404, "resource_not_found", f"no handler found for uri [{asked.path}]")

    def field_caps(self, asked: Asked) -> Reply:
        if "missing" in asked.path:
            return failure(404, "index_not_found_exception", "no such index [missing]")
        found: dict[str, Any] = {}
        for name in asked.query["fields"].split(","):
            plain = name.removesuffix(".keyword")
            if plain not in self.mapped and not any(value_at(doc, plain) is not None for doc in self.docs):
                continue
            if name != plain and not self.multi:
                continue
            if plain == TIME:
                kind = "date_nanos" if self.nanoseconds else "date"
                found[name] = {kind: {"type": kind, "searchable": True, "aggregatable": True}}
            else:
                kind = "keyword" if name != plain else "text"
                found[name] = {kind: {"type": kind, "searchable": True, "aggregatable": kind == "keyword"}}
        return Reply.of_json({"indices": self.indices, "fields": found})

    def search(self, body: Mapping[str, Any]) -> Reply:
        if body["pit"]["id"] not in self.opened:
            return failure(404, "search_context_missing_exception", "No search context found for id [1]")
        sorts = [key for sort in body.get("sort") or [] for key in sort]
        for key in sorts:
            if key != TIME and key not in self.tiebreaks:
                return failure(400, "query_shard_exception", f"No mapping found for [{key}] in order to sort on")
        self.used.append(body["pit"]["id"])
        found = [
            (stamp(doc), place, doc)
            for place, doc in enumerate(self.docs)
            if "query" not in body or matches(doc, body["query"])
        ]
        found.sort(key=lambda one: one[:2])
        after = body.get("search_after")
        if after is not None:
            found = [one for one in found if list(one[: len(after)]) > list(after)]
        # A server may hand out another id with each answer, and forget the one before.
        self.opened = [f"pit-{len(self.used)}"]
        asked = [sort[TIME] for sort in body.get("sort") or [] if TIME in sort]
        unit = 10**6 if self.nanoseconds and not any("numeric_type" in one for one in asked) else 1
        shown = [self.hit(one, len(sorts)) for one in found[: body.get("size", 10)]]
        for hit in shown:
            hit["sort"][:1] = [value * unit for value in hit["sort"][:1]]
        hits: dict[str, Any] = {"hits": shown}
        if body.get("track_total_hits"):
            hits["total"] = {"value": len(found), "relation": "eq"}
        answer = {"pit_id": self.opened[0], "timed_out": False, "_shards": {"total": 5, "failed": 0}, "hits": hits}
        if "aggs" in body:
            answer["aggregations"] = aggregated([doc for *_, doc in found], body["aggs"])
        return Reply.of_json({**answer, **self.partial})

    def hit(self, one: tuple[int, int, Doc], sorts: int) -> dict[str, Any]:
        at, place, doc = one
        return {"_index": "logs-2026.11.21", "_id": f"d{place}", "_source": doc, "sort": [at, place][:sorts]}


class OpenSearchStandIn(ElasticStandIn):
    opensearch = True

    def __init__(self, docs: Sequence[Doc] = ()) -> None:
        super().__init__(docs)
        self.tiebreaks = ["_id"]


def stamp(doc: Doc) -> int:
    """Milliseconds since the epoch; a number, or text of one, counts those as well."""
    written = str(doc[TIME])
    plain = re.fullmatch(r"[\d.]+", written)
    return int(float(written) if plain else datetime.fromisoformat(written).timestamp() * 1_000)


def text(doc: Doc, field: str) -> str:
    value = value_at(doc, field.removesuffix(".keyword"))
    return "" if value is None else str(value)


def matches(doc: Doc, query: Mapping[str, Any]) -> bool:
    ((kind, body),) = query.items()
    if kind == "bool":
        should = [matches(doc, one) for one in body.get("should", [])]
        return (
            all(matches(doc, one) for one in [*body.get("filter", []), *body.get("must", [])])
            and not any(matches(doc, one) for one in body.get("must_not", []))
            and (not should or any(should))
        )
    if kind == "range":
        ((_, span),) = body.items()
        first, last = (datetime.fromisoformat(span[key]).timestamp() * 1_000 for key in ("gte", "lt"))
        return first <= stamp(doc) < last
    if kind == "terms":
        ((field, values),) = body.items()
        return text(doc, field) in values
    if kind == "match_phrase":
        ((field, value),) = body.items()
        return str(value).lower() in text(doc, field).lower()
    if kind == "exists":
        return text(doc, body["field"]) != ""
    if kind == "simple_query_string":
        words = [word.strip() for word in body["query"].split("|")]
        return any(word in text(doc, field).lower() for word in words for field in body["fields"])
    assert kind == "query_string", kind
    return all(word.lower() in str(doc).lower() for word in re.findall(r'"((?:[^"\\]|\\.)*)"', body["query"]))


def aggregated(docs: list[Doc], aggs: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, agg in aggs.items():
        below = agg.get("aggs") or {}
        if "filter" in agg:
            found[name] = {"doc_count": sum(matches(doc, agg["filter"]) for doc in docs)}
            continue
        groups: dict[Any, list[Doc]] = defaultdict(list)
        for doc in docs:
            if "terms" in agg:
                groups[text(doc, agg["terms"]["field"])].append(doc)
            else:
                step = int(agg["date_histogram"]["fixed_interval"].removesuffix("s")) * 1_000
                groups[stamp(doc) // step * step].append(doc)
        found[name] = {
            "buckets": [
                {"key": key, "doc_count": len(held), **aggregated(held, below)} for key, held in sorted(groups.items())
            ]
        }
    return found
