"""Failing and slow traces of a window from Jaeger. https://www.jaegertracing.io/docs/latest/architecture/apis/"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from telemetry.collectors.jaeger.answers import all_failed, spans_of_v1, spans_of_v3
from telemetry.collectors.pulled import Cleaner, asked, checks_of, retold
from telemetry.collectors.pulled_traces import Traces, traces_outcome, whole_number
from telemetry.collectors.pushed import Origin
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
from telemetry.rows import SpanRow

MOST_SERVICES = 10
LIMIT, MOST = 20, 200
SLOW_MS = 1_000
ERRORS = {"error": "true"}
NOT_BY_ERROR = "This Jaeger does not search by error: its traces are whatever it answered with, of which the failing are kept first."
REMEDIES = {
    Status.UNAUTHENTICATED: "Renew the credentials of the proxy before Jaeger.",
    Status.DENIED: "Let these credentials read /api/v3 or /api/traces and /api/services.",
    Status.NOT_INSTALLED: "Check the address: it is Jaeger's query service, usually port 16686, with its base path.",
    Status.INVALID_QUERY: "Check the options of this source: services, limit, slow_ms.",
}


class JaegerCollector:
    kind = "jaeger"
    label = "Jaeger"
    facts = Facts(
        collects="failing and slow traces as waterfalls with the critical path",
        limits="20 traces a search, for each of 10 services; 20 of all are kept",
        tested="a stand-in built from its API, versions 1 and 3",
        address="http://jaeger-query.tracing:16686",
        gives=(EvidenceType.TRACE,),
        options={
            "services": "what to ask where the incident names no service, as Jaeger calls them",
            "limit": f"traces a search, {LIMIT} unless told",
            "slow_ms": f"from how many milliseconds on a span is slow, {SLOW_MS:,} unless told",
            "link_url": "the address that people open",
            "redact": "patterns of your own, by name",
        },
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        return checks_of(self.connection, [("reachable", self._reached)], explain=self._explained)

    def _reached(self, http: Http) -> str:
        services, version = _services(http)
        return f"It answers with its API {version}; {len(services)} services have traces."

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        services = list(scope.names()) or _texts(self.connection.options.get("services"))
        told = ", ".join(services) or f"the first {MOST_SERVICES} services that Jaeger knows"
        slow = whole_number(self.connection.options, "slow_ms", SLOW_MS, 3_600_000)
        text = f"{told}: tags={json.dumps(ERRORS, separators=(',', ':'))}, then minDuration={slow}ms"
        return [Query("traces", "Traces", text, {"services": services, "slow_ms": slow})]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        return asked(
            query,
            lambda: self._collected(query, window, budget, sink),
            explain=self._explained,
            backend="Jaeger",
        )

    def _collected(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        cleaner, traces = Cleaner(self.connection), Traces()
        request = f"GET traces {query.text} {iso(window.start)}/{iso(window.end)}"
        root = check_url(str(self.connection.options.get("link_url") or self.connection.url))
        with Http.for_connection(self.connection, budget) as http:
            searching = _Searching(http, window, whole_number(self.connection.options, "limit", LIMIT, MOST), traces)
            services = list(query.params.get("services") or ())
            if not services:
                known, _ = _services(http)
                services = known[:MOST_SERVICES]
                if len(known) > MOST_SERVICES:
                    traces.partial[f"asked for {MOST_SERVICES} of the {len(known)} services that Jaeger knows"] = None
            try:
                for service in services:
                    searching.service(service, int(query.params["slow_ms"]), budget.items)
            except SourceError as error:
                traces.stopped = self._explained(error)
            if not traces.spans:
                return self._nothing(http, traces, services, window, request)
        origin = Origin(
            query=query.text,
            trace_links=lambda trace_id: ({"title": "Open in Jaeger", "url": f"{root}/trace/{trace_id}"},),
        )
        return traces_outcome(traces, origin=origin, window=window, sink=sink, request=request, cleaner=cleaner)

    def _nothing(self, http: Http, traces: Traces, services: Sequence[str], window: Window, request: str) -> Outcome:
        """Jaeger does not say how long it keeps traces, so what it knows of the services is told beside."""
        if traces.stopped is not None:
            raise traces.stopped
        covered: dict[str, Any] = {"covered_from": window.start, "covered_to": window.end, "request": request}
        if traces.partial:
            return Outcome(Status.PARTIAL, reason="; ".join(traces.partial), retryable=True, **covered)
        known, _ = _services(http)
        if missing := [name for name in services if name not in known]:
            reason = f"Jaeger knows no service of the name {', '.join(missing)}."
            remedy = "Name the services as Jaeger does, in the incident's scope or this source's option services."
            return Outcome(Status.EMPTY, reason=reason, remedy=remedy, **covered)
        words = "Jaeger does not say how long it keeps traces."
        warnings = (words, *traces.warnings)
        return Outcome(Status.EMPTY, reason="No trace of these services.", warnings=warnings, **covered)

    def _explained(self, error: SourceError) -> SourceError:
        if not isinstance(error, Refusal):
            return error
        words = _words(error.json())
        changes: dict[str, Any] = {"remedy": REMEDIES.get(error.status, error.remedy)}
        if error.code == 504 or "deadline exceeded" in words:
            changes = {"status": Status.TIMEOUT, "remedy": "Narrow the window.", "retryable": True}
        return retold(error, self.connection, words=words, **changes)


class _Searching:
    """The searches of one query, in version 3 of the API or, where that is not served, in version 1."""

    def __init__(self, http: Http, window: Window, limit: int, traces: Traces) -> None:
        self.http, self.window, self.limit, self.traces = http, window, limit, traces
        self.v3: bool | None = None
        # Whether version 1 finds errors where version 3 does not look for them; None as long as nobody knows.
        self.errors_by_v1: bool | None = None

    def service(self, service: str, slow_ms: int, most: int) -> None:
        """What failed, what was slow, and where neither is found whatever there is."""
        found = self._failing(service, most)
        found += self._search(service, "slow", {}, slow_ms, most)
        if not found:
            self._search(service, "any", {}, 0, most)

    def _failing(self, service: str, most: int) -> int:
        """What failed. Versions differ in whether their API v3 looks at attributes: one that answers with traces
        without an error does not, and then version 1 is asked."""
        if self._full(most):
            return 0
        if self.errors_by_v1:
            return self._add(service, "failing", self._of_v1(service, ERRORS, 0))
        rows = self._asked(service, ERRORS, 0)
        if not self.v3 or all_failed(rows):
            return self._add(service, "failing", rows)
        if self.errors_by_v1 is None:
            try:
                by_v1 = self._of_v1(service, ERRORS, 0)
            except SourceError:
                self.errors_by_v1 = False
            else:
                self.errors_by_v1 = True
                return self._add(service, "failing", by_v1)
        self.traces.warnings[NOT_BY_ERROR] = None
        return self._add(service, "any", rows)

    def _search(self, service: str, what: str, tags: Mapping[str, str], slow_ms: int, most: int) -> int:
        return 0 if self._full(most) else self._add(service, what, self._asked(service, tags, slow_ms))

    def _full(self, most: int) -> bool:
        if len(self.traces.spans) < most:
            return False
        self.traces.cut = "items"
        self.traces.sampled = f"stopped at the limit of {most:,} spans in this source's budget"
        return True

    def _add(self, service: str, what: str, rows: Sequence[SpanRow]) -> int:
        count = self.traces.add(rows)
        if count >= self.limit and not self.traces.cut:
            self.traces.cut = "limit"
            self.traces.sampled = f"a search for {what} traces of {service} ended at its limit of {self.limit}"
        return count

    def _asked(self, service: str, tags: Mapping[str, str], slow_ms: int) -> list[SpanRow]:
        if self.v3 is not False:
            try:
                body = self.http.get("/api/v3/traces", self._v3(service, tags, slow_ms)).body
                self.v3 = True
                return spans_of_v3(body, self.traces)
            except Refusal as error:
                if error.code not in {404, 405, 501}:
                    raise
                # Version 3 answers 404 as well where no trace matches, with words of its own.
                if "no traces found" in _words(error.json()).lower():
                    self.v3 = True
                    return []
                if self.v3:
                    raise
                self.v3 = False
        return self._of_v1(service, tags, slow_ms)

    def _of_v1(self, service: str, tags: Mapping[str, str], slow_ms: int) -> list[SpanRow]:
        return spans_of_v1(self.http.get("/api/traces", self._v1(service, tags, slow_ms)).json_object(), self.traces)

    def _v3(self, service: str, tags: Mapping[str, str], slow_ms: int) -> dict[str, str]:
        fields = {
            "query.service_name": service,
            "query.start_time_min": iso(self.window.start),
            "query.start_time_max": iso(self.window.end),
            "query.search_depth": str(self.limit),
            # Many versions know the depth by this name alone.
            "query.num_traces": str(self.limit),
        }
        if tags:
            fields["query.attributes"] = json.dumps(dict(tags))
        if slow_ms:
            fields["query.duration_min"] = f"{slow_ms}ms"
        return fields

    def _v1(self, service: str, tags: Mapping[str, str], slow_ms: int) -> dict[str, str]:
        fields = {
            "service": service,
            "start": str(int(self.window.start.timestamp() * 1_000_000)),
            "end": str(int(self.window.end.timestamp() * 1_000_000)),
            "limit": str(self.limit),
        }
        if tags:
            fields["tags"] = json.dumps(dict(tags))
        if slow_ms:
            fields["minDuration"] = f"{slow_ms}ms"
        return fields


def _services(http: Http) -> tuple[list[str], str]:
    """The services that Jaeger knows, in order, and by which version of its API."""
    try:
        return sorted(_texts(http.get("/api/v3/services").json_object().get("services"))), "v3"
    except Refusal as error:
        if error.code not in {404, 405, 501}:
            raise
    return sorted(_texts(http.get("/api/services").json_object().get("data"))), "v1"


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value if item] if isinstance(value, list) else []


def _words(body: Mapping[str, Any]) -> str:
    """Jaeger's own words: `{"error": {"message"}}` of version 3, `{"errors": [{"msg"}]}` of version 1."""
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or "")
    errors = body.get("errors")
    told = [str(one.get("msg") or "") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return "; ".join(told)
