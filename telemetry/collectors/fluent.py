"""What Fluent Bit and Fluentd pushed, read back from our own tables: the logs of the scope."""

from __future__ import annotations

from telemetry.collectors.stored import LOGS, Asking, arrival_check, guarded, narrowed, scope_params
from telemetry.models import LogRecord
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

REMEDY = "Point the http output of Fluent Bit or Fluentd at /ingest/fluent/ with a token of the scope ingest."


class FluentCollector:
    kind = "fluent"
    label = "Fluent Bit, Fluentd (pushed)"
    facts = Facts(
        collects="logs pushed over HTTP",
        limits="20 MiB and 50,000 records a request; 5,000 rows an incident",
        tested="bodies in every documented format",
        pushed=True,
        gives=(EvidenceType.LOG,),
        options={
            "keep_days": "how long log records are kept",
            "keep_rows": "the most log records that are kept",
        },
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        return [
            arrival_check("logs arrive", LogRecord.objects.of_source(self.connection.source_id, kind=self.kind), REMEDY)
        ]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        params = scope_params(scope)
        return [Query(LOGS, "Pushed logs", f"log records of {narrowed(params)}", params)]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        if query.name != LOGS:
            return Outcome(Status.INVALID_QUERY, reason=f"Unknown question {query.name!r}.")
        asking = Asking(self.connection, self.kind, query, window, budget, REMEDY)
        return guarded(lambda: asking.logs(sink))
