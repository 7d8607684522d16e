"""What was pushed to one source, read back from our own tables, with what is there no longer told beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Q, QuerySet

from telemetry.collectors.pushed import log_observations, trace_observations
from telemetry.collectors.times import iso
from telemetry.models import LogRecord, Removal, Span
from telemetry.models.intake import IntakeQuerySet
from telemetry.observations import (
    Budget,
    Check,
    Connection,
    Outcome,
    Query,
    Scope,
    Sink,
    Status,
    Window,
)
from telemetry.rows import LogRow, SpanRow

LOGS, TRACES = "logs", "traces"
# The names of Removal.what, and what people call them.
WORDS = {"logs": "log records", "spans": "spans", "points": "points of metrics"}


def scope_params(scope: Scope) -> dict[str, list[str]]:
    return {"services": list(scope.names()), "namespaces": list(scope.namespaces)}


def narrowed(params: dict[str, list[str]]) -> str:
    return ", ".join([*params["services"], *params["namespaces"]]) or "every service"


@dataclass(frozen=True, slots=True)
class Asking:
    """One query under way. `remedy` says how something would come to be there."""

    connection: Connection
    kind: str
    query: Query
    window: Window
    budget: Budget
    remedy: str

    def rows(self, manager: Any) -> Any:
        found: IntakeQuerySet = manager.all()
        return found.of_source(self.connection.source_id, kind=self.kind)

    def scoped(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        services, namespaces = self.query.params.get("services") or [], self.query.params.get("namespaces") or []
        wanted = Q()
        if services:
            wanted |= Q(service__in=services)
        if namespaces:
            wanted |= Q(namespace__in=namespaces)
        return rows.filter(wanted) if wanted else rows

    def logs(self, sink: Sink) -> Outcome:
        mine = self.rows(LogRecord.objects)
        inside = mine.filter(at__gte=self.window.start, at__lt=self.window.end)
        rows = [_log(row) for row in self.scoped(inside).order_by("at", "id")[: self.budget.items + 1]]
        if rows:
            sink(log_observations(rows[: self.budget.items]))
        return self.outcome("logs", len(rows), inside, mine)

    def traces(self, sink: Sink) -> Outcome:
        """Whole traces: those with a span of the scope in the window, then all their spans."""
        mine = self.rows(Span.objects)
        inside = mine.filter(start_at__gte=self.window.start, start_at__lt=self.window.end)
        touched = self.scoped(inside).values("trace_id").distinct()
        rows = inside.filter(trace_id__in=touched).order_by("start_at", "id")[: self.budget.items + 1]
        spans = [_span(row) for row in rows]
        if spans:
            sink(trace_observations(spans[: self.budget.items]))
        return self.outcome("spans", len(spans), inside, mine)

    def outcome(self, what: str, found: int, inside: QuerySet[Any], mine: QuerySet[Any]) -> Outcome:
        kept, gone = min(found, self.budget.items), self.removed(what)
        common = self.common(fetched=found, kept=kept, since=gone.until_at if gone else None)
        lost = _told(gone) if gone else ""
        if found > kept:
            reason = f"The first {kept:,} {WORDS[what]} of more; narrow the scope or raise the budget."
            common |= {"truncated_by": "items", "dropped": found - kept}
            return Outcome(Status.TRUNCATED, reason=f"{reason} {lost}".strip(), **common)
        if gone:
            return Outcome(Status.PARTIAL if found else Status.GONE, reason=lost, remedy=_remedy(gone), **common)
        if found:
            return Outcome(Status.COMPLETE, **common)
        return self.nothing(WORDS[what], inside, mine, common)

    def common(self, *, fetched: int, kept: int, since: datetime | None = None) -> dict[str, Any]:
        start, end = self.window.start, self.window.end
        covered = {"covered_from": min(max(start, since or start), end), "covered_to": end}
        return {"fetched": fetched, "kept": kept, "request": self.query.text, **covered}

    def nothing(self, words: str, inside: QuerySet[Any], mine: QuerySet[Any], common: dict[str, Any]) -> Outcome:
        """Empty is said only where something of others arrived in the window, or arrived before it."""
        if inside.exists():
            return Outcome(Status.EMPTY, reason=f"No {words} of this scope; others sent some in the window.", **common)
        first = mine.order_by("id").values_list("received_at", flat=True).first()
        if first is None or first > self.window.end:
            reason = f"Nobody had sent {words} yet when this happened."
            return Outcome(Status.NOT_CONFIGURED, reason=reason, remedy=self.remedy, request=self.query.text)
        return Outcome(Status.EMPTY, reason=f"No {words} arrived in the window.", **common)

    def removed(self, what: str) -> Removal | None:
        """What has gone since that the window would have shown."""
        if self.connection.source_id is None:
            return None
        found = Removal.objects.filter(source=self.connection.source_id, what=what, until_at__gt=self.window.start)
        return found.order_by("-until_at").first()


def _told(gone: Removal) -> str:
    words, until = WORDS[gone.what], iso(gone.until_at.replace(microsecond=0))
    if gone.because == "quota":
        return f"{words.capitalize()} up to {until} went to make room for newer ones: {gone.rows:,} until now."
    return f"{words.capitalize()} up to {until} are past the days that this source keeps them."


def _remedy(gone: Removal) -> str:
    option = "keep_rows" if gone.because == "quota" else "keep_days"
    return f"Raise {option} of this source to keep more."


def guarded(act: Callable[[], Outcome]) -> Outcome:
    try:
        return act()
    except DatabaseError as problem:
        reason = f"The database did not answer ({type(problem).__name__})."
        return Outcome(Status.UNREACHABLE, reason=reason, retryable=True)


def arrival_check(name: str, rows: IntakeQuerySet, remedy: str) -> Check:
    """Whether anything has arrived yet, and when the last did."""
    last = rows.order_by("-id").values_list("received_at", flat=True).first()
    detail = f"last {last:%Y-%m-%d %H:%M:%S} UTC" if last else "nothing has arrived yet"
    return Check(name=name, ok=True, detail=detail, remedy="" if last else remedy)


def _span(row: Span) -> SpanRow:
    names = ("trace_id", "span_id", "parent_span_id", "service", "name", "kind", "start_at", "end_at")
    more = ("status_code", "status_message", "attributes", "resource")
    return SpanRow(**{name: getattr(row, name) for name in (*names, *more)})


def _log(row: LogRecord) -> LogRow:
    names = ("at", "severity_number", "severity_text", "body", "service", "trace_id", "span_id")
    found = {name: getattr(row, name) for name in (*names, "attributes", "resource")}
    return LogRow(observed_at=row.received_at, digest=row.digest.hex, **found)
