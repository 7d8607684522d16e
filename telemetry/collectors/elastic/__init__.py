"""Lines of a window from Elasticsearch (7.10 and later) and OpenSearch (2.4 and later).

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-open-point-in-time and
https://docs.opensearch.org/latest/search-plugins/searching-data/point-in-time-api/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from telemetry.collectors.elastic.fields import Fields, Mappings
from telemetry.collectors.elastic.questions import Asking
from telemetry.collectors.elastic.reading import ELASTICSEARCH, OPENSEARCH, Dialect, Documents, absent, opened
from telemetry.collectors.pulled import Cleaner, Read, asked, checks_of, logs_outcome, retold, unkept
from telemetry.collectors.pushed import Origin
from telemetry.collectors.queries import LONGEST_EXPRESSION, asked_of, filled, lucene_of, namespaces_of
from telemetry.collectors.times import iso
from telemetry.http import Http, Refusal, SourceError, check_url
from telemetry.observations import (
    Budget,
    Check,
    Connection,
    EvidenceType,
    Facts,
    Outcome,
    Query,
    Scope,
    Sink,
    Status,
    Window,
)

USUAL_INDEX = "logs-*,filebeat-*,logstash-*"
SCOPE = "scope"
OPTIONS = {
    "index": f"the indices to search, {USUAL_INDEX} unless told",
    "queries": "a list of {name, title, expr, services, namespaces} in place of the usual one",
    "time_field": "@timestamp unless told",
    "message_field": "where the line is: message, log, body.text, body, msg unless told",
    "level_field": "where its level is: log.level, level, severity_text unless told",
    "service_fields": "where the service is, a list",
    "namespace_fields": "where the namespace is, a list",
    "redact": "patterns of your own, by name",
}
LINK_OPTIONS = {
    "link_url": "the address of {}, for links that people open",
    "data_view": "the id of the data view (index pattern) to open there",
}


class _SearchCollector:
    """What both have in common; they differ in their dialect and in words."""

    kind = ""
    label = ""
    dialect = ELASTICSEARCH
    people = ""
    oldest_version = ""
    permission = ""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.index = str(connection.options.get("index") or USUAL_INDEX)

    def preflight(self) -> list[Check]:
        steps = [("reachable", self._version), ("permitted", self._probed)]
        return checks_of(self.connection, steps, explain=self._explained)

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        namespaces, services = namespaces_of(scope), scope.names()
        text = " AND ".join(
            f"{what}:{lucene_of(names)}" for what, names in (("namespace", namespaces), ("service", services)) if names
        )
        usual = [{"name": "logs", "title": "Logs", "expr": SCOPE}]
        found = []
        for one in asked_of(self.connection.options, scope, usual):
            if one.expr == SCOPE:
                params: dict[str, Any] = {"namespaces": list(namespaces), "services": list(services)}
                found.append(Query(one.name, one.title, f"{self.index}: {text or '*'}", params))
                continue
            expr = filled(one.expr, scope, lucene_of)
            found.append(Query(one.name, one.title, f"{self.index}: {expr}", {"expr": expr}))
        return found

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        return asked(
            query,
            lambda: self._collected(query, window, budget, sink),
            explain=self._explained,
            backend=self.label,
        )

    def _collected(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        expr = query.params.get("expr")
        if expr is not None and not 0 < len(str(expr)) <= LONGEST_EXPRESSION:
            reason = f"query {query.name}: expr: expected 1 to {LONGEST_EXPRESSION:,} characters"
            raise SourceError(Status.INVALID_QUERY, reason, remedy=self._remedies()[Status.INVALID_QUERY])
        cleaner, fields = Cleaner(self.connection), Fields.of(self.connection.options)
        with Http.for_connection(self.connection, budget) as http:
            asking = Asking(
                fields=fields,
                mappings=self._mappings(http, fields),
                window=window,
                expr=str(expr or ""),
                namespaces=query.params.get("namespaces") or (),
                services=query.params.get("services") or (),
            )
            lucene = asking.lucene()
            links = self._links(lucene, window)
            request = f"POST _search {self.index}: {lucene} {iso(window.start)}/{iso(window.end)}"
            with opened(http, self.dialect, self.index, self._client) as pit:
                documents = Documents(pit, asking, budget, cleaner)
                read = documents.read()
                if read.stopped is not None:
                    read.stopped = self._explained(read.stopped)
                if not read.rows:
                    return self._nothing(documents, read, window, request)
        read.partial += [f"no field of the index holds the {what}, so it did not narrow" for what in asking.unheld()]
        return logs_outcome(
            read,
            origin=Origin(kind=f"{self.kind}:{query.name}", query=lucene, links=links),
            window=window,
            sink=sink,
            request=request,
            cleaner=cleaner,
        )

    def _client(self, budget: Budget) -> Http:
        return Http.for_connection(self.connection, budget)

    def _nothing(self, documents: Documents, read: Read, window: Window, request: str) -> Outcome:
        """Empty only where the index reaches back to the window."""
        if read.stopped is not None:
            raise read.stopped
        covered: dict[str, Any] = {"covered_from": window.start, "covered_to": window.end, "request": request}
        if read.partial:
            return Outcome(Status.PARTIAL, reason="; ".join(read.partial), retryable=True, **covered)
        oldest = documents.oldest()
        if oldest is None:
            return Outcome(Status.EMPTY, reason=f"There is not one line in {self.index}.", **covered)
        remedy = "Keep indices longer, or name the older ones in the option index."
        before = unkept(window, oldest, "Lines are there", remedy, request)
        if before is not None:
            return before
        return Outcome(Status.EMPTY, reason="No line matches.", **covered)

    def _mappings(self, http: Http, fields: Fields) -> Mappings:
        """What the index holds; a pattern that matches nothing answers as if it were empty, so it is looked at."""
        if not re.fullmatch(r"[^\s\"\\<>|?#/%]{1,500}", self.index):
            raise SourceError(
                Status.NOT_CONFIGURED,
                "index: expected names or patterns with commas between, without spaces",
                remedy="Correct this source's option index.",
            )
        names = [field for name in fields.all() for field in (name, f"{name}.keyword")]
        query = {"fields": ",".join(names), "ignore_unavailable": "false", "allow_no_indices": "true"}
        path = f"/{quote(self.index, safe='*,-_.:+@')}/_field_caps"
        told = http.get(path, query).json_object()
        if not told.get("indices"):
            raise absent(self.index)
        return Mappings(told.get("fields") or {})

    def _version(self, http: Http) -> str:
        """Some proxies do not let people see it, which is no fault."""
        try:
            version = http.get("/").json_object().get("version")
        except Refusal as error:
            if error.code == 401:
                raise
            return "It answers; the version is not told."
        number = version.get("number") if isinstance(version, dict) else None
        return f"It answers; version {str(number or 'not told')[:40]}, {self.oldest_version} or later is needed."

    def _probed(self, http: Http) -> str:
        fields = Fields.of(self.connection.options)
        mappings = self._mappings(http, fields)
        held = mappings.present((fields.time, *fields.message, *fields.namespaces, *fields.services))
        with opened(http, self.dialect, self.index, self._client):
            pass
        return f"Reading {self.index} is allowed; found {', '.join(held[:8]) or 'none of the fields that are asked'}."

    def _links(self, lucene: str, window: Window) -> tuple[dict[str, str], ...]:
        link_url = self.connection.options.get("link_url")
        if not link_url:
            return ()
        root = check_url(str(link_url))
        span = f"(time:(from:{_rison(iso(window.start))},to:{_rison(iso(window.end))}))"
        view = self.connection.options.get("data_view")
        index = f"index:{_rison(str(view))}," if view else ""
        state = f"({index}query:(language:lucene,query:{_rison(lucene)}))"
        url = f"{root}/app/discover#/?_g={quote(span, safe='')}&_a={quote(state, safe='')}"
        return ({"title": f"Open in {self.people}", "url": url},)

    def _remedies(self) -> Mapping[Status, str]:
        return {
            Status.UNAUTHENTICATED: "Renew the user and password, the API key or the token of this source.",
            Status.DENIED: self.permission,
            Status.NOT_INSTALLED: f"Check the address and the option index; {self.label} {self.oldest_version} or "
            "later is needed.",
            Status.INVALID_QUERY: "Correct the query in this source's settings.",
            Status.THROTTLED: "Collect again later, or narrow the scope.",
        }

    def _explained(self, error: SourceError) -> SourceError:
        """The deepest reason of an error in place of the bare code."""
        if not isinstance(error, Refusal):
            return error
        kind, words = _reason(error.json())
        if kind == "index_not_found_exception":
            remedy = "Correct this source's option index, or grant read on it."
            return retold(error, self.connection, words=words, status=Status.NOT_INSTALLED, remedy=remedy)
        if kind == "search_context_missing_exception":
            words = "the point in time was gone before it was read to its end"
            return retold(error, self.connection, words=words, status=Status.ERROR, remedy="", retryable=True)
        if error.code == 405:
            return retold(
                error,
                self.connection,
                words=words,
                status=Status.NOT_INSTALLED,
                remedy=self._remedies()[Status.NOT_INSTALLED],
            )
        return retold(error, self.connection, words=words, remedy=self._remedies().get(error.status, error.remedy))


def _reason(body: Mapping[str, Any]) -> tuple[str, str]:
    """(type, the reason that lies deepest) of `{"error": {...}}`; empty where the body is something else."""
    error = body.get("error")
    if not isinstance(error, dict):
        return "", error if isinstance(error, str) else ""
    kind = str(error.get("type") or "")
    shards = error.get("failed_shards")
    causes = [*(error.get("root_cause") or []), *((shard or {}).get("reason") for shard in shards or [])]
    deepest = next((cause for cause in causes if isinstance(cause, dict) and cause.get("reason")), error)
    while isinstance(deepest.get("caused_by"), dict) and deepest["caused_by"].get("reason"):
        deepest = deepest["caused_by"]
    return kind, str(deepest.get("reason") or kind)


def _rison(text: str) -> str:
    """Text as Kibana's addresses quote it."""
    return "'" + text.replace("!", "!!").replace("'", "!'") + "'"


def _facts(address: str, people: str) -> Facts:
    return Facts(
        collects="log lines by service with patterns, first occurrences and a count of all",
        limits="5,000 lines a query, errors first where there are more",
        tested="a stand-in built from its API",
        address=address,
        language="Lucene",
        gives=(EvidenceType.LOG,),
        options={**OPTIONS, **{key: words.format(people) for key, words in LINK_OPTIONS.items()}},
    )


class ElasticsearchCollector(_SearchCollector):
    kind = "elasticsearch"
    label = "Elasticsearch"
    dialect: Dialect = ELASTICSEARCH
    people = "Kibana"
    oldest_version = "7.10"
    permission = "Give the role of these credentials the index privilege read on the indices of the option index."
    facts = _facts("https://elasticsearch.logging:9200", "Kibana")


class OpenSearchCollector(_SearchCollector):
    kind = "opensearch"
    label = "OpenSearch"
    dialect: Dialect = OPENSEARCH
    people = "OpenSearch Dashboards"
    oldest_version = "2.4"
    permission = (
        "Give the role of these credentials the action groups read and search on the indices of the option index, "
        "with indices:data/read/point_in_time/create, and indices:data/read/point_in_time/delete on the cluster."
    )
    facts = _facts("https://opensearch.logging:9200", "OpenSearch Dashboards")
