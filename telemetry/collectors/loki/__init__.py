"""Lines of a window from Loki. https://grafana.com/docs/loki/latest/reference/loki-http-api/"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from telemetry.collectors.links import explore_links
from telemetry.collectors.loki.reading import Lines, Names, counted, retention, seen_by_others
from telemetry.collectors.pulled import Cleaner, asked, checks_of, logs_outcome, retold, told_version, unkept
from telemetry.collectors.pushed import Origin
from telemetry.collectors.queries import LONGEST_EXPRESSION, asked_of, filled, namespaces_of, regexp_of
from telemetry.collectors.times import iso
from telemetry.http import Http, Refusal, SourceError
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

ENCODING = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
USUAL_LABELS = {"namespace": "namespace", "app": "app", "pod": "pod", "container": "container"}
REMEDIES = {
    Status.UNAUTHENTICATED: "Renew the credentials of this source; a Loki of several tenants needs the header "
    "X-Scope-OrgID as well.",
    Status.DENIED: "Grant these credentials read access to logs (Grafana Cloud: logs:read) for the tenant in "
    "X-Scope-OrgID.",
    Status.NOT_INSTALLED: "Check the address: it is Loki's, without /loki/api/v1 at its end.",
    Status.INVALID_QUERY: "Correct the query in this source's settings.",
    Status.TRUNCATED: "Narrow the scope or the window, or raise the limit that it names in Loki's limits_config.",
}
# Loki answers 400 to what is over a limit of its own; these are its words for that, not for a malformed query.
OVER_LIMIT = re.compile(
    r"(?i)max(?:imum)?(?: number)? of series|too many bytes|number of chunks|too large to execute|exceeds the limit"
    r"|cardinality limit|entries limit|max streams matchers"
)


class LokiCollector:
    kind = "loki"
    label = "Loki"
    facts = Facts(
        collects="log lines by service with patterns, first occurrences and a count of all",
        limits="5,000 lines a query, errors first where there are more",
        tested="a stand-in built from its HTTP API",
        address="http://loki-gateway.logging",
        language="LogQL",
        gives=(EvidenceType.LOG,),
        options={
            "queries": "a list of {name, title, expr, services, namespaces} in place of the usual one",
            "labels": 'the names of your labels: {"namespace": …, "app": …, "pod": …, "container": …}',
            "link_url": "Grafana's address, for links that people open",
            "datasource_uid": "the uid of this Loki in Grafana",
            "redact": "patterns of your own, by name",
        },
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = replace(connection, headers={**ENCODING, **connection.headers})

    def preflight(self) -> list[Check]:
        return checks_of(
            self.connection,
            [
                ("reachable", lambda http: told_version(http, "/loki/api/v1/status/buildinfo")),
                ("authenticated", _labels),
                ("permitted", lambda http: "Reading is allowed."),
            ],
            explain=self._explained,
        )

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        names = label_names(self.connection.options)
        usual = [{"name": "logs", "title": "Logs", "expr": selector(scope, names)}]
        found = []
        for one in asked_of(self.connection.options, scope, usual):
            # A matcher for anything has to ask for one letter at least, or Loki refuses the query.
            text = filled(one.expr, scope, lambda values: regexp_of(values, otherwise=".+")).replace("{range}", "1m")
            found.append(Query(name=one.name, title=one.title, text=text, params={"expr": text}))
        return found

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        return asked(
            query,
            lambda: self._collected(query, window, budget, sink),
            explain=self._explained,
            backend="Loki",
        )

    def _collected(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        expr = str(query.params.get("expr") or "")
        if not expr or len(expr) > LONGEST_EXPRESSION:
            reason = f"query {query.name}: expr: expected 1 to {LONGEST_EXPRESSION:,} characters"
            raise SourceError(Status.INVALID_QUERY, reason, remedy=REMEDIES[Status.INVALID_QUERY])
        names = label_names(self.connection.options)
        cleaner = Cleaner(self.connection)
        links = explore_links(self.connection, "loki", {"expr": expr}, window)
        request = f"GET query_range query={expr} {iso(window.start)}/{iso(window.end)}"
        with Http.for_connection(self.connection, budget) as http:
            found = counted(http, expr, window, names, cleaner)
            lines = Lines(http, expr, window, budget, names, cleaner)
            read = lines.read(total=found.total, expected=found.expected)
            read.counts = found.counts
            if read.stopped is not None:
                read.stopped = self._explained(read.stopped)
            if not read.rows:
                if read.stopped is not None:
                    raise read.stopped
                return self._nothing(http, window, names, request)
        return logs_outcome(
            read,
            origin=Origin(kind=f"loki:{query.name}", query=expr, links=links),
            window=window,
            sink=sink,
            request=request,
            cleaner=cleaner,
        )

    def _nothing(self, http: Http, window: Window, names: Names, request: str) -> Outcome:
        """Empty only where the window is kept: others' lines in it prove that, or Loki says how long it keeps them."""
        covered: dict[str, Any] = {"covered_from": window.start, "covered_to": window.end, "request": request}
        if seen_by_others(http, window, names):
            return Outcome(
                Status.EMPTY,
                reason="No line matches; others wrote some in the window.",
                remedy="If there should be lines, look whether this source's option labels names yours.",
                **covered,
            )
        oldest = retention(http)
        if oldest is None:
            words = "Loki does not say how long it keeps lines, and nobody's are there from this window."
            return Outcome(Status.EMPTY, reason="No line matches.", warnings=(words,), **covered)
        before = unkept(window, oldest, "Loki keeps lines", "Raise retention_period in Loki.", request)
        if before is not None:
            return before
        return Outcome(Status.EMPTY, reason="No line matches.", **covered)

    def _explained(self, error: SourceError) -> SourceError:
        """Loki's limits are truncation and its queue is throttling, whatever the HTTP code."""
        if not isinstance(error, Refusal):
            return error
        status = error.status
        if "too many outstanding" in error.reason.lower():
            return retold(error, self.connection, status=Status.THROTTLED, retryable=True)
        if error.code == 400 and OVER_LIMIT.search(error.reason):
            return retold(
                error,
                self.connection,
                status=Status.TRUNCATED,
                remedy=REMEDIES[Status.TRUNCATED],
                limit="backend",
            )
        if error.code == 504 or (error.code == 500 and "deadline exceeded" in error.reason):
            remedy = "Narrow the scope or the window, or make the query cheaper."
            return retold(error, self.connection, status=Status.TIMEOUT, remedy=remedy, retryable=True)
        return retold(error, self.connection, remedy=REMEDIES.get(status, error.remedy))


def label_names(options: Mapping[str, Any]) -> Names:
    """The source's own label names; letters that no label may have become `_`."""
    given = options.get("labels")
    known = {**USUAL_LABELS, **(given if isinstance(given, Mapping) else {})}
    return Names(**{key: re.sub(r"[^A-Za-z0-9_]", "_", str(known[key]))[:64] or key for key in USUAL_LABELS})


def selector(scope: Scope, names: Names) -> str:
    """Streams of the scope; every stream that has a namespace where it is not narrowed."""
    matchers = []
    if namespaces := namespaces_of(scope):
        matchers.append(f'{names.namespace}=~"{regexp_of(namespaces)}"')
    if services := scope.names():
        matchers.append(f'{names.app}=~"{regexp_of(services)}"')
    return "{" + (", ".join(matchers) or f'{names.namespace}=~".+"') + "}"


def _labels(http: Http) -> str:
    http.get("/loki/api/v1/labels").json_object()
    return "It accepts the credentials."
