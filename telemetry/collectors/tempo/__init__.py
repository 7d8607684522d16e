"""Failing and slow traces of a window from Tempo. https://grafana.com/docs/tempo/latest/api_docs/"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from telemetry.collectors.links import explore_links
from telemetry.collectors.pulled import Cleaner, asked, checks_of, kept_since, retold, told_version, unkept
from telemetry.collectors.pulled_traces import Traces, otlp_spans, traces_outcome, whole_number, with_hex_ids
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
from telemetry.redaction import redact_text

LIMIT, MOST = 20, 200
KEPT = 20
SLOW_MS = 1_000
AROUND_SECONDS = 3_600
USUAL = "traces"
NAMESPACE = "k8s.namespace.name"
LACKING = (
    "If there should be traces, look whether their resources carry service.name and k8s.namespace.name; this source's "
    "option namespace_attribute names the latter, or leaves it out where it is empty."
)
REMEDIES = {
    Status.UNAUTHENTICATED: "Renew the credentials of this source; a Tempo of several tenants needs the header "
    "X-Scope-OrgID as well.",
    Status.DENIED: "Grant these credentials read access to traces (Grafana Cloud: traces:read) for the tenant in "
    "X-Scope-OrgID.",
    Status.NOT_INSTALLED: "Check the address: it is Tempo's query frontend, usually port 3200, without /api at its end.",
    Status.INVALID_QUERY: "Correct the query in this source's settings.",
}


class TempoCollector:
    kind = "tempo"
    label = "Tempo"
    facts = Facts(
        collects="failing and slow traces as waterfalls with the critical path",
        limits=f"the {LIMIT} traces that a search finds first; {KEPT} of all are fetched",
        tested="a stand-in built from its HTTP API",
        address="http://tempo-query-frontend.tracing:3200",
        language="TraceQL",
        gives=(EvidenceType.TRACE,),
        options={
            "queries": "a list of {name, title, expr, services, namespaces} in place of the usual ones",
            "limit": f"traces a search, {LIMIT} unless told",
            "namespace_attribute": f"the resource attribute of the namespace, {NAMESPACE} unless told; empty leaves it out",
            "slow_ms": f"from how many milliseconds on a span is slow, {SLOW_MS:,} unless told",
            "link_url": "Grafana's address, for links that people open",
            "datasource_uid": "the uid of this Tempo in Grafana",
            "redact": "patterns of your own, by name",
        },
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        steps = [("reachable", lambda http: told_version(http, "/api/status/buildinfo")), ("permitted", _searched)]
        return checks_of(self.connection, steps, explain=self._explained)

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        slow = whole_number(self.connection.options, "slow_ms", SLOW_MS, 3_600_000)
        attribute = _namespace_attribute(self.connection.options)
        found = []
        for one in asked_of(self.connection.options, scope, [{"name": USUAL, "title": "Traces", "expr": USUAL}]):
            exprs = [filled(one.expr, scope, lambda names: regexp_of(names, otherwise=".+"))]
            if one.expr == USUAL:
                exprs = [
                    _spanset(scope, attribute, condition) for condition in ("status = error", f"duration > {slow}ms")
                ]
            found.append(Query(one.name, one.title, "; ".join(exprs), {"exprs": exprs}))
        return found

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        return asked(
            query,
            lambda: self._collected(query, window, budget, sink),
            explain=self._explained,
            backend="Tempo",
        )

    def _collected(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        exprs = [str(expr) for expr in query.params.get("exprs") or ()]
        if not exprs or not all(0 < len(expr) <= LONGEST_EXPRESSION for expr in exprs):
            reason = f"query {query.name}: expr: expected 1 to {LONGEST_EXPRESSION:,} characters"
            raise SourceError(Status.INVALID_QUERY, reason, remedy=REMEDIES[Status.INVALID_QUERY])
        cleaner, traces = Cleaner(self.connection), Traces()
        limit = whole_number(self.connection.options, "limit", LIMIT, MOST)
        request = f"GET search q={query.text} {iso(window.start)}/{iso(window.end)}"
        with Http.for_connection(self.connection, budget) as http:
            reading = _Reading(http, window, limit, traces)
            try:
                reading.fetch(reading.search(exprs), budget.items)
            except SourceError as error:
                traces.stopped = error
            if traces.stopped is not None:
                traces.stopped = self._explained(traces.stopped)
            if not traces.spans:
                return self._nothing(http, traces, window, request)
        origin = Origin(query=query.text, trace_links=lambda trace_id: self._links(trace_id, window))
        return traces_outcome(traces, origin=origin, window=window, sink=sink, request=request, cleaner=cleaner)

    def _links(self, trace_id: str, window: Window) -> tuple[dict[str, str], ...]:
        return explore_links(self.connection, "tempo", {"queryType": "traceql", "query": trace_id}, window)

    def _nothing(self, http: Http, traces: Traces, window: Window, request: str) -> Outcome:
        if traces.stopped is not None:
            raise traces.stopped
        covered: dict[str, Any] = {"covered_from": window.start, "covered_to": window.end, "request": request}
        if traces.partial:
            return Outcome(Status.PARTIAL, reason="; ".join(traces.partial), retryable=True, **covered)
        oldest = kept_since(http, ("/status/config",), "block_retention")
        if oldest is None:
            words = "Tempo does not say how long it keeps traces."
            return Outcome(Status.EMPTY, reason="No trace matches.", remedy=LACKING, warnings=(words,), **covered)
        before = unkept(window, oldest, "Tempo keeps traces", "Raise block_retention in Tempo.", request)
        return before or Outcome(Status.EMPTY, reason="No trace matches.", remedy=LACKING, **covered)

    def _explained(self, error: SourceError) -> SourceError:
        if not isinstance(error, Refusal):
            return error
        changes: dict[str, Any] = {"remedy": REMEDIES.get(error.status, error.remedy)}
        if error.code == 504 or (error.code == 500 and "deadline exceeded" in error.reason):
            remedy = "Narrow the scope or the window, or make the query cheaper."
            changes = {"status": Status.TIMEOUT, "remedy": remedy, "retryable": True}
        return retold(error, self.connection, **changes)


class _Reading:
    """One query under way: searches first, then each trace as a whole."""

    def __init__(self, http: Http, window: Window, limit: int, traces: Traces) -> None:
        self.http, self.window, self.limit, self.traces = http, window, limit, traces
        self.v2 = True

    def search(self, exprs: list[str]) -> list[str]:
        """The ids of what the searches found, one of each in turn, so that errors do not crowd out what was slow. A
        search that fails ends the searching; what those before it found is fetched."""
        answers: list[list[str]] = []
        try:
            for expr in exprs:
                answers.append(self._search(expr))
        except SourceError as error:
            self.traces.stopped = error
        longest = max(map(len, answers), default=0)
        ids = [answer[place] for place in range(longest) for answer in answers if place < len(answer)]
        return list(dict.fromkeys(ids))

    def _search(self, expr: str) -> list[str]:
        fields = {
            "q": expr,
            "start": str(math.floor(self.window.start.timestamp())),
            "end": str(math.ceil(self.window.end.timestamp())),
            "limit": str(self.limit),
            "spss": "1",
        }
        answer = self.http.get("/api/search", fields).json_object()
        found = answer.get("traces")
        if (found is not None and not isinstance(found, list)) or not (
            found or "traces" in answer or "metrics" in answer
        ):
            raise SourceError(Status.ERROR, "the answer is not Tempo's", remedy="Check that the address is Tempo's.")
        self._partial(answer, "the search")
        metrics = answer.get("metrics") or {}
        done, jobs = metrics.get("completedJobs"), metrics.get("totalJobs")
        listed = found or []
        if len(listed) >= self.limit:
            self.traces.cut = "limit"
            self.traces.sampled = f"a search ended at its limit of {self.limit}, with those that Tempo found first"
        elif isinstance(done, int) and isinstance(jobs, int) and done < jobs:
            self.traces.partial[f"the search did {done:,} of {jobs:,} jobs"] = None
        ids = [str(one["traceID"]).lower() for one in listed]
        return [one for one in ids if one.isalnum() and len(one) <= 32]

    def fetch(self, ids: list[str], most: int) -> None:
        if len(ids) > KEPT and not self.traces.cut:
            self.traces.cut = "traces"
            self.traces.sampled = f"{KEPT} of the {len(ids)} traces that were found are fetched"
        for trace_id in ids[:KEPT]:
            if len(self.traces.spans) >= most:
                self.traces.cut = "items"
                self.traces.sampled = f"stopped at the limit of {most:,} spans in this source's budget"
                return
            self._fetch(trace_id)

    def _fetch(self, trace_id: str) -> None:
        # A trace may have begun before the window; without any time Tempo would look through all of its blocks.
        span = {
            "start": str(math.floor(self.window.start.timestamp()) - AROUND_SECONDS),
            "end": str(math.ceil(self.window.end.timestamp()) + AROUND_SECONDS),
        }
        answer = self._asked(trace_id, span)
        if answer is None:
            return
        self._partial(answer, f"trace {trace_id}")
        trace = answer.get("trace") if "trace" in answer else answer
        rows = otlp_spans(with_hex_ids(as_otlp(trace)), self.traces) if trace else []
        if not rows:
            self.traces.partial[f"trace {trace_id} was found but is not there"] = None
        self.traces.add(rows)

    def _asked(self, trace_id: str, span: Mapping[str, str]) -> dict[str, Any] | None:
        """By version 2 of the API, or by the first where Tempo is older; None if there is no such trace."""
        path = f"traces/{quote(trace_id, safe='')}"
        for version in ("/api/v2/", "/api/") if self.v2 else ("/api/",):
            try:
                answer = self.http.get(version + path, span).json_object()
            except Refusal as error:
                if error.code in {413, 422} or "exceeds max size" in error.reason:
                    self.traces.partial[f"trace {trace_id} is larger than Tempo hands out"] = None
                    return None
                if error.code != 404:
                    raise
                continue
            self.v2 = version == "/api/v2/"
            return answer
        self.traces.partial[f"trace {trace_id} was found but is not there"] = None
        return None

    def _partial(self, answer: Mapping[str, Any], what: str) -> None:
        if str(answer.get("status") or "").upper() == "PARTIAL":
            words = redact_text(str(answer.get("message") or "Tempo does not say why")[:300]).text
            self.traces.partial[f"{what} is partial: {words}"] = None


def as_otlp(trace: Any) -> dict[str, Any]:
    """Tempo's older names, `batches` and `instrumentationLibrarySpans`, as OTLP calls them."""
    if not isinstance(trace, dict):
        raise SourceError(Status.ERROR, "the answer is no trace", remedy="Check that the address is Tempo's.")
    groups = trace.get("resourceSpans") or trace.get("batches") or []
    return {
        "resourceSpans": [
            {**group, "scopeSpans": group.get("scopeSpans") or group.get("instrumentationLibrarySpans") or []}
            for group in groups
        ]
    }


def _namespace_attribute(options: Mapping[str, Any]) -> str:
    """The resource attribute of the namespace; "" leaves it out, and so does what is no name of one."""
    given = options.get("namespace_attribute", NAMESPACE)
    return given if isinstance(given, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", given) else ""


def _spanset(scope: Scope, attribute: str, condition: str) -> str:
    parts = []
    if services := scope.names():
        parts.append(f'resource.service.name =~ "{regexp_of(services)}"')
    if attribute and (namespaces := namespaces_of(scope)):
        parts.append(f'resource.{attribute} =~ "{regexp_of(namespaces)}"')
    return "{ " + " && ".join([*parts, condition]) + " }"


def _searched(http: Http) -> str:
    http.get("/api/search", {"q": "{ }", "limit": "1"}).json_object()
    return "Searching is allowed."
