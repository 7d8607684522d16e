"""What every collector of pulled logs and traces does alike: it cleans, checks, and says how it ended."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.pushed import Counts, Origin, log_observations
from telemetry.collectors.times import iso, seconds_of
from telemetry.http import Http, Refusal, SourceError, outcome_of, public_words
from telemetry.observations import Budget, Check, Connection, Outcome, Query, Sink, Status, Window
from telemetry.redaction import InvalidPattern, Redactor
from telemetry.rows import LogRow

PREFLIGHT_BUDGET = Budget(deadline_seconds=15, requests=8, bytes=1024 * 1024)
LONGEST_BODY = 16_000
# How much before its first error a log is read that is too long to be read as a whole; the same for every window, so
# that a longer one reads the same lines.
LEAD = timedelta(minutes=5)
SEVERITY_NUMBERS = {
    "trace": 1,
    "debug": 5,
    "info": 9,
    "information": 9,
    "notice": 9,
    "warn": 13,
    "warning": 13,
    "error": 17,
    "err": 17,
    "critical": 21,
    "crit": 21,
    "fatal": 21,
    "panic": 21,
    "alert": 21,
    "emerg": 21,
    "emergency": 21,
}

Explain = Callable[[SourceError], SourceError]


class Cleaner:
    """The source's redactor with a count of what it took out: of all, and of each thing that evidence is made of."""

    def __init__(self, connection: Connection) -> None:
        self._redactor = Redactor(connection.options.get("redact"))
        self.hits: Counter[str] = Counter()
        self.of: dict[Hashable, Counter[str]] = defaultdict(Counter)

    def told(self, of: Hashable, before: Mapping[str, int]) -> None:
        """What was taken out since `hits` were `before` was taken out of that thing."""
        if self.hits != before:
            self.of[of].update({name: count - before.get(name, 0) for name, count in self.hits.items()})

    def text(self, text: str) -> str:
        found = self._redactor.text(text)
        self.hits.update(found.hits)
        return found.text

    def value(self, value: Any) -> Any:
        found = self._redactor.value(value)
        self.hits.update(found.hits)
        return found.value


def asked(query: Query, ask: Callable[[], Outcome], *, explain: Explain, backend: str) -> Outcome:
    """The outcome of `ask`, or of what ended it; the backend's faults never get out."""
    try:
        return ask()
    except InvalidPattern as error:
        return Outcome(Status.NOT_CONFIGURED, reason=str(error), remedy="Correct the pattern in this source.")
    except SourceError as error:
        return outcome_of(explain(error), request=query.text)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        words = f"the answer has an unexpected shape ({type(error).__name__})"
        return Outcome(Status.ERROR, reason=words, remedy=f"Check that the address is {backend}'s.", request=query.text)


def checks_of(
    connection: Connection, steps: Sequence[tuple[str, Callable[[Http], str]]], *, explain: Explain
) -> list[Check]:
    """Each step by its name with what it found, up to the first that fails."""
    checks: list[Check] = []
    try:
        with Http.for_connection(connection, PREFLIGHT_BUDGET) as http:
            for name, step in steps:
                checks.append(Check(name, ok=True, detail=step(http)))
    except SourceError as raised:
        error = explain(raised)
        by_status = {Status.UNAUTHENTICATED: "authenticated", Status.DENIED: "permitted"}
        name = by_status.get(error.status, steps[len(checks)][0])
        return [*checks, Check(name, ok=False, detail=error.reason, remedy=error.remedy)]
    return checks


def retold(
    error: Refusal,
    connection: Connection,
    *,
    words: str = "",
    status: Status | None = None,
    remedy: str | None = None,
    retryable: bool | None = None,
    limit: str = "",
) -> SourceError:
    """A refusal in the backend's own words, with another status, remedy or limit."""
    told = public_words(words, [value for value in connection.auth.values() if len(value) > 3])
    return SourceError(
        status or error.status,
        f"answered {error.code}: {told}" if told else error.reason,
        remedy=error.remedy if remedy is None else remedy,
        retryable=error.retryable if retryable is None else retryable,
        limit=limit or error.limit,
    )


def kept_since(http: Http, paths: Sequence[str], key: str) -> datetime | None:
    """From when on data is kept, by the duration under `key` in the first configuration that may be read; None where
    none may be or none says. Zero means that nothing is ever thrown away."""
    for path in paths:
        try:
            body = http.get(path).body.decode(errors="replace")
        except SourceError:
            continue
        if found := re.search(rf"[\"\s]{key}\"?:\s*\"?(\d[0-9a-z.]*)", body):
            seconds = seconds_of(found.group(1))
            return datetime.now(UTC) - timedelta(seconds=seconds) if seconds else datetime(2000, 1, 1, tzinfo=UTC)
    return None


def unkept(window: Window, oldest: datetime, keeps: str, remedy: str, request: str) -> Outcome | None:
    """Gone or partly covered where the window begins before `oldest`; None where all of it is kept."""
    kept_from = iso(oldest.replace(microsecond=0))
    if window.end <= oldest:
        reason = f"{keeps} from {kept_from} on; the window lies before that."
        return Outcome(Status.GONE, reason=reason, remedy=remedy, request=request)
    if window.start < oldest:
        reason = f"{keeps} from {kept_from} on; the window begins before that."
        return Outcome(Status.PARTIAL, reason=reason, covered_from=oldest, covered_to=window.end, request=request)
    return None


@dataclass(slots=True)
class Read:
    """What was read of a log. `cut` is the limit that ended it, `stopped` the fault; `total` are the lines that match,
    None if the backend did not say; `partial` are reasons why some may be missing."""

    rows: list[LogRow] = field(default_factory=list)
    total: int | None = None
    cut: str = ""
    stopped: SourceError | None = None
    partial: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)


def logs_outcome(read: Read, *, origin: Origin, window: Window, sink: Sink, request: str, cleaner: Cleaner) -> Outcome:
    """Hands over what was read and says how much of what there is it was. Call it only with rows."""
    counts = read.counts if read.cut or read.stopped else None
    sink(log_observations(read.rows, origin=replace(origin, redactions=cleaner.of), counts=counts))
    kept = len(read.rows)
    most = max(read.total or 0, kept)
    of_all = f"{kept:,} of {most:,} lines" if most > kept else f"the first {kept:,} lines"
    if read.total is None:
        of_all = f"{kept:,} lines of an unknown number"
    common: dict[str, Any] = {
        "fetched": most,
        "dropped": most - kept,
        "covered_from": window.start,
        "covered_to": window.end,
        "warnings": tuple(read.partial),
        "request": request,
        "redactions": dict(cleaner.hits),
    }
    if read.stopped is not None:
        found = outcome_of(read.stopped, kept=kept, **common)
        return replace(found, reason=f"{found.reason}; kept {of_all}")
    if read.cut:
        reason = f"kept {of_all}; stopped at the limit of {CUTS.get(read.cut, read.cut)}"
        remedy = "Narrow the scope or the window, or raise this source's budget."
        return Outcome(Status.TRUNCATED, reason=reason, remedy=remedy, truncated_by=read.cut, kept=kept, **common)
    if read.partial:
        return Outcome(Status.PARTIAL, reason="; ".join(read.partial), kept=kept, retryable=True, **common)
    return Outcome(Status.COMPLETE, kept=kept, **common)


CUTS = {
    "items": "lines in this source's budget",
    "nanosecond": "one page: more lines than that carry the same nanosecond",
}


def line_row(
    *,
    at: datetime,
    body: str,
    service: str,
    level: str = "",
    trace_id: str = "",
    place: Mapping[str, str] | None = None,
    cleaner: Cleaner,
) -> LogRow:
    """One line as a row. `place` has the keys of OpenTelemetry's resources, such as `k8s.namespace.name`."""
    before = cleaner.hits.copy()
    text = cleaner.text(body[:LONGEST_BODY])
    row = LogRow(
        at=at,
        observed_at=None,
        severity_number=SEVERITY_NUMBERS.get(level.strip().lower(), 0),
        severity_text="",
        body=text,
        service=cleaner.text(service)[:200] or "unknown_service",
        trace_id=trace_id[:64] if trace_id.isalnum() else "",
        resource={key: cleaner.text(value)[:253] for key, value in (place or {}).items() if value},
        digest=hashlib.sha256(f"{at.isoformat()}{text}".encode()).hexdigest(),
    )
    cleaner.told((row.service, row.resource.get("k8s.namespace.name", "")), before)
    return row


def told_version(http: Http, path: str) -> str:
    """Older versions and gateways may not serve it, which is no fault."""
    try:
        version = http.get(path).json_object().get("version")
    except Refusal as error:
        if error.code != 404:
            raise
        return "It answers; the version is not told."
    return f"It answers; version {str(version or 'not told')[:60]}."
