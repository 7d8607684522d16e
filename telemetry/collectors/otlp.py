"""What services pushed over OTLP, read back from our own tables: traces and logs of the scope."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.db.models import Min, Q, QuerySet

from telemetry.collectors.pushed import log_observations, trace_observations
from telemetry.models import LogRecord, Span
from telemetry.observations import (
    Budget,
    Check,
    Connection,
    Facts,
    Observation,
    Outcome,
    Query,
    Scope,
    Sink,
    Status,
    Window,
)
from telemetry.otlp.decode import LogRow, SpanRow

TRACES, LOGS = "traces", "logs"


class OtlpCollector:
    kind = "otlp"
    label = "OpenTelemetry (pushed)"
    facts = Facts(
        collects="traces and logs pushed over OTLP/HTTP",
        limits="20 MiB and 50,000 records a request; 5,000 rows an incident",
        tested="the Python and the JavaScript exporter",
        pushed=True,
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        """Whether anything has arrived yet."""
        checks = []
        for name, rows in (("traces arrive", Span.objects), ("logs arrive", LogRecord.objects)):
            last = rows.order_by("-received_at").values_list("received_at", flat=True).first()
            remedy = "" if last else "Point an OTLP/HTTP exporter at this address with a token of the scope ingest."
            detail = f"last {last:%Y-%m-%d %H:%M:%S} UTC" if last else "nothing has arrived yet"
            checks.append(Check(name=name, ok=True, detail=detail, remedy=remedy))
        return checks

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        params = {"services": list(scope.names()), "namespaces": list(scope.namespaces)}
        narrowed = ", ".join([*params["services"], *params["namespaces"]]) or "every service"
        return [
            Query(TRACES, "Traces", f"spans of {narrowed}", params),
            Query(LOGS, "Pushed logs", f"log records of {narrowed}", params),
        ]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        try:
            if query.name == TRACES:
                return self._traces(query, window, budget, sink)
            if query.name == LOGS:
                return self._logs(query, window, budget, sink)
        except DatabaseError as problem:
            reason = f"The database did not answer ({type(problem).__name__})."
            return Outcome(Status.UNREACHABLE, reason=reason, retryable=True)
        return Outcome(Status.INVALID_QUERY, reason=f"Unknown question {query.name!r}.")

    def _traces(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        """Whole traces: those with a span of the scope in the window, then all their spans."""
        inside = Span.objects.filter(start_at__gte=window.start, start_at__lt=window.end)
        touched = _scoped(inside, query).values("trace_id").distinct()
        rows = Span.objects.filter(trace_id__in=touched, start_at__gte=window.start, start_at__lt=window.end)
        spans = [_span(row) for row in rows.order_by("start_at", "id")[: budget.items + 1]]
        return _sent(query, window, budget, spans, trace_observations(spans[: budget.items]), sink, inside, "spans")

    def _logs(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        inside = LogRecord.objects.filter(at__gte=window.start, at__lt=window.end)
        rows = _scoped(inside, query).order_by("at", "id")[: budget.items + 1]
        logs = [_log(row) for row in rows]
        return _sent(query, window, budget, logs, log_observations(logs[: budget.items]), sink, inside, "log records")


def _sent(
    query: Query,
    window: Window,
    budget: Budget,
    rows: list[Any],
    observations: list[Observation],
    sink: Sink,
    inside: QuerySet[Any],
    what: str,
) -> Outcome:
    if observations:
        sink(observations)
    kept = min(len(rows), budget.items)
    common: dict[str, Any] = {
        "fetched": len(rows),
        "kept": kept,
        "covered_from": window.start,
        "covered_to": window.end,
        "request": query.text,
    }
    if len(rows) > budget.items:
        reason = f"The first {budget.items:,} {what} of more; narrow the scope or raise the budget."
        return Outcome(Status.TRUNCATED, reason=reason, truncated_by="items", dropped=len(rows) - kept, **common)
    if rows:
        return Outcome(Status.COMPLETE, **common)
    return _nothing(query, window, inside, what, common)


def _nothing(query: Query, window: Window, inside: QuerySet[Any], what: str, common: dict[str, Any]) -> Outcome:
    """Empty is said only where something of others arrived in the window, or arrived before it."""
    if inside.exists():
        return Outcome(Status.EMPTY, reason=f"No {what} of this scope; others sent some in the window.", **common)
    first = inside.model._default_manager.aggregate(first=Min("received_at"))["first"]
    if first is None or first > window.end:
        reason = f"Nobody had sent {what} yet when this happened."
        return Outcome(
            Status.NOT_CONFIGURED, reason=reason, remedy="Point an OTLP/HTTP exporter at Debrief.", request=query.text
        )
    return Outcome(Status.EMPTY, reason=f"No {what} arrived in the window.", **common)


def _scoped(rows: QuerySet[Any], query: Query) -> QuerySet[Any]:
    services, namespaces = query.params.get("services") or [], query.params.get("namespaces") or []
    wanted = Q()
    if services:
        wanted |= Q(service__in=services)
    if namespaces:
        wanted |= Q(namespace__in=namespaces)
    return rows.filter(wanted) if wanted else rows


def _span(row: Span) -> SpanRow:
    names = ("trace_id", "span_id", "parent_span_id", "service", "name", "kind", "start_at", "end_at")
    more = ("status_code", "status_message", "attributes", "resource")
    return SpanRow(**{name: getattr(row, name) for name in (*names, *more)})


def _log(row: LogRecord) -> LogRow:
    names = ("at", "severity_number", "severity_text", "body", "service", "trace_id", "span_id")
    more = ("attributes", "resource", "digest")
    return LogRow(observed_at=row.received_at, **{name: getattr(row, name) for name in (*names, *more)})
