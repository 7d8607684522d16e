"""What services pushed over OTLP, read back from our own tables: traces, logs and metrics of the scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from telemetry.collectors.stored import LOGS, TRACES, Asking, arrival_check, guarded, narrowed, scope_params
from telemetry.collectors.stored_metrics import metrics
from telemetry.models import LogRecord, MetricPoint, Span
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

METRICS = "metrics"
REMEDY = "Point an OTLP/HTTP exporter at this address with a token of the scope ingest."


class OtlpCollector:
    kind = "otlp"
    label = "OpenTelemetry (pushed)"
    facts = Facts(
        collects="traces, logs and metrics pushed over OTLP/HTTP",
        limits="20 MiB and 50,000 records a request; 5,000 rows and 12 charts an incident",
        tested="the Python and the JavaScript exporter",
        pushed=True,
        gives=(EvidenceType.LOG, EvidenceType.TRACE, EvidenceType.METRIC),
        options={
            "keep_days": "how long what was pushed is kept",
            "keep_rows": "the most log records, spans and points of metrics that are kept, of each",
            "max_series": "the most series of metrics that are taken",
        },
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        return [
            arrival_check(name, model.objects.of_source(self.connection.source_id, kind=self.kind), REMEDY)
            for name, model in (("traces arrive", Span), ("logs arrive", LogRecord), ("metrics arrive", MetricPoint))
        ]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        params = scope_params(scope)
        told = narrowed(params)
        return [
            Query(TRACES, "Traces", f"spans of {told}", params),
            Query(LOGS, "Pushed logs", f"log records of {told}", params),
            Query(METRICS, "Pushed metrics", f"metrics of {told}, the most changed first", params),
        ]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        asking = Asking(self.connection, self.kind, query, window, budget, REMEDY)
        acts: dict[str, Callable[[Sink], Outcome]] = {
            TRACES: asking.traces,
            LOGS: asking.logs,
            METRICS: partial(metrics, asking),
        }
        if query.name not in acts:
            return Outcome(Status.INVALID_QUERY, reason=f"Unknown question {query.name!r}.")
        return guarded(lambda: acts[query.name](sink))
