"""Charts and alerts of a window from Prometheus, or from what speaks its API (Mimir, Thanos,
VictoriaMetrics). https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from telemetry.collectors.prometheus.alerts import ALERT_STEP_SECONDS, alert_observations, alert_step, starts_between
from telemetry.collectors.prometheus.dialects import PROMETHEUS, Dialect
from telemetry.collectors.prometheus.queries import DEFAULT_QUERIES, planned
from telemetry.collectors.prometheus.series import (
    Matrix,
    Series,
    capped,
    highest,
    in_words,
    joined,
    median,
    parse_matrix,
)
from telemetry.collectors.pulled import unkept
from telemetry.collectors.queries import LONGEST_EXPRESSION
from telemetry.collectors.times import iso
from telemetry.http import Http, Refusal, SourceError, check_url, outcome_of
from telemetry.observations import (
    Budget,
    Check,
    Connection,
    EvidenceType,
    Facts,
    Level,
    Observation,
    Outcome,
    Query,
    Scope,
    Sink,
    Status,
    Window,
)
from telemetry.redaction import InvalidPattern, Redactor

__all__ = ["DEFAULT_QUERIES", "PrometheusCollector"]

RANGE = "/api/v1/query_range"
SCRAPE_SECONDS = 15.0
# How many coarse starts of alerts are looked at more closely.
CLOSER_LOOKS = 10
PREFLIGHT_BUDGET = Budget(deadline_seconds=15, requests=8, bytes=1024 * 1024)


class PrometheusCollector:
    """One Prometheus. `connection.options`: `queries` as a list of {name, title, expr, unit},
    `scrape_seconds`, `link_url` for people, `redact` with custom patterns by name."""

    kind = "prometheus"
    label = "Prometheus"
    facts = Facts(
        collects="charts with a baseline, alerts",
        limits="20 series of 1,000 points a query; the step widens with the window; alerts to 5 s over 13 hours",
        tested="Debian's Prometheus 2.42, and a stand-in for faults",
        address="http://prometheus.monitoring:9090",
        language="PromQL",
        options={
            "queries": "a list of {name, title, expr, unit} in place of the usual ones",
            "scrape_seconds": "the smallest step, 15 unless told",
            "link_url": "the address that people open",
            "redact": "patterns of your own, by name",
        },
    )

    dialect = PROMETHEUS

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        checks: list[Check] = []
        try:
            with Http.for_connection(self.connection, PREFLIGHT_BUDGET) as http:
                checks.append(_version(http))
                http.post("/api/v1/query", form={"query": "vector(1)"}).json_object()
        except SourceError as raised:
            error = self.dialect.explain(raised)
            refused = error.status in {Status.UNAUTHENTICATED, Status.DENIED}
            name = "authenticated" if refused else "queries" if checks else "reachable"
            return [*checks, Check(name, ok=False, detail=error.reason, remedy=error.remedy)]
        held = [("reachable", "It answers."), ("authenticated", "It accepts the credentials."), ("queries", "Allowed.")]
        return [*(Check(name, ok=True, detail=detail) for name, detail in held), *checks]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        return planned(self.connection.options, scope)

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        try:
            redactor = Redactor(self.connection.options.get("redact"))
            asking = _Asking(query, window, budget, self.connection, redactor, self.dialect)
            with Http.for_connection(self.connection, budget) as http:
                return asking.run(http, sink)
        except InvalidPattern as error:
            return Outcome(Status.NOT_CONFIGURED, reason=str(error), remedy="Correct the pattern in this source.")
        except SourceError as error:
            return outcome_of(self.dialect.explain(error), request=query.text)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            words = f"the answer has an unexpected shape ({type(error).__name__})"
            return Outcome(Status.ERROR, reason=words, remedy=f"Check that the address is {self.label}'s.")


class _Asking:
    """One query under way."""

    def __init__(
        self,
        query: Query,
        window: Window,
        budget: Budget,
        connection: Connection,
        redactor: Redactor,
        dialect: Dialect,
    ) -> None:
        self.query, self.window, self.budget, self.redactor = query, window, budget, redactor
        self.dialect = dialect
        self.unit = str(query.params.get("unit", ""))
        self.is_alerts = bool(query.params.get("alerts"))
        scrape = _positive(connection.options.get("scrape_seconds"), SCRAPE_SECONDS)
        if self.is_alerts:
            self.step = alert_step(window.seconds)
        else:
            self.step = float(math.ceil(max(scrape, window.seconds / min(1_000, max(1, budget.points)))))
        rate_window = f"{math.ceil(max(60.0, scrape * 4, self.step))}s"
        self.expr = str(query.params.get("expr", "")).replace("{range}", rate_window)
        if not self.expr or len(self.expr) > LONGEST_EXPRESSION:
            raise SourceError(
                Status.INVALID_QUERY, f"query {query.name}: expr: expected 1 to {LONGEST_EXPRESSION:,} characters"
            )
        root = check_url(str(connection.options.get("link_url") or connection.url))
        self.links = [{"title": dialect.link_title, "url": dialect.graph(root, self.expr, window)}]
        self.request = f"POST {RANGE} query={self.expr} step={self.step:g} {iso(window.start)}/{iso(window.end)}"

    def run(self, http: Http, sink: Sink) -> Outcome:
        matrix = self._range(http, self.window, self.step)
        if not matrix.series:
            return self._nothing(http, matrix)
        if self.is_alerts:
            return self._alerts(http, matrix, sink)
        baseline, warnings = self._baseline(http)
        observation, dropped = self._chart(matrix, baseline)
        sink([observation])
        return self._outcome(matrix, kept=1, dropped=dropped, limit="series", warnings=warnings)

    def _alerts(self, http: Http, matrix: Matrix, sink: Sink) -> Outcome:
        series, warnings = self._closer(http, matrix.series)
        found = alert_observations(series, self.window, step=self.step, query=self.expr, links=self.links)
        kept = found[: self.budget.items]
        sink(kept)
        return self._outcome(matrix, kept=len(kept), dropped=len(found) - len(kept), limit="items", warnings=warnings)

    def _closer(self, http: Http, series: Sequence[Series]) -> tuple[Sequence[Series], tuple[str, ...]]:
        """The same with the starts of stretches on the finest steps: they are what tells a stretch from others,
        whatever step the length of the window asks for."""
        between = starts_between(series, self.window, self.step)
        skipped = f"{len(between) - CLOSER_LOOKS} starts of alerts are known to {self.step:g} s only"
        try:
            for window in between[:CLOSER_LOOKS]:
                series = joined(series, self._range(http, window, ALERT_STEP_SECONDS).series)
        except SourceError as error:
            words = self.dialect.explain(error).reason
            return series, (f"Starts of alerts are known to {self.step:g} s only: {words}",)
        return series, (skipped,) if len(between) > CLOSER_LOOKS else ()

    def _range(self, http: Http, window: Window, step: float) -> Matrix:
        """The matrix over a window, on steps that are the same whoever asks."""
        start = math.ceil(window.start.timestamp() / step) * step
        end = window.end.timestamp()
        form = {
            "query": self.expr,
            "start": f"{start:.3f}",
            "end": f"{end:.3f}",
            "step": f"{step:g}",
            "timeout": f"{max(1, min(30, math.floor(http.seconds_left)))}s",
            **self.dialect.form,
        }
        answer = http.post(RANGE, form=form).json_object()
        return parse_matrix(answer, self.redactor, start=window.start.timestamp(), end=end)

    def _baseline(self, http: Http) -> tuple[Matrix | None, tuple[str, ...]]:
        """The same length right before the window; a chart without one is still a chart."""
        length = self.window.end - self.window.start
        try:
            return self._range(http, Window(self.window.start - length, self.window.start), self.step), ()
        except SourceError as error:
            return None, (f"No baseline: {self.dialect.explain(error).reason}",)

    def _chart(self, matrix: Matrix, baseline: Matrix | None) -> tuple[Observation, int]:
        series, dropped = capped(matrix.series, self.budget.series)
        before, _ = capped(baseline.series if baseline else (), self.budget.series)
        peak, usual = highest(series), median(before)
        payload: dict[str, Any] = {
            "expr": self.expr,
            "unit": self.unit,
            "step_seconds": self.step,
            "series": [one.payload() for one in series],
            "baseline": [one.payload() for one in before],
            "dropped_series": dropped,
            "peak": peak,
            "baseline_median": usual,
            "window": {"start": iso(self.window.start), "end": iso(self.window.end)},
        }
        told = [f"peak {in_words(peak['value'], self.unit)} at {peak['at'][11:19]}"] if peak else ["no finite value"]
        if usual is not None:
            told.append(f"median before {in_words(usual, self.unit)}")
        times = [point[0] for one in series for point in one.points]
        expression = hashlib.sha256(self.expr.encode()).hexdigest()[:12]
        observation = Observation(
            type=EvidenceType.METRIC,
            dedup_key=f"metric:{self.query.name}:{expression}",
            title=self.query.title,
            first_at=datetime.fromtimestamp(min(times), UTC),
            last_at=datetime.fromtimestamp(max(times), UTC),
            level=Level.INFO,
            subject=_shared_subject([one.labels for one in series]),
            summary=", ".join(told),
            payload=payload,
            links=tuple(self.links),
            query=self.expr,
            redactions=dict(matrix.hits),
            flags={"truncated": True} if dropped else {},
        )
        return observation, dropped

    def _outcome(self, matrix: Matrix, *, kept: int, dropped: int, limit: str, warnings: tuple[str, ...]) -> Outcome:
        status, reason = Status.COMPLETE, ""
        if matrix.warnings:
            status, reason = Status.PARTIAL, "; ".join(matrix.warnings)
        if dropped:
            status = Status.TRUNCATED
            if limit == "series":
                reason = (
                    f"kept the {len(matrix.series) - dropped} series with the highest peaks of {len(matrix.series)}"
                )
            else:
                reason = f"kept the first {kept} alerts of {kept + dropped}"
        return Outcome(
            status=status,
            reason=reason,
            remedy="Aggregate in the query, or raise this source's budget." if dropped else "",
            fetched=len(matrix.series),
            kept=kept,
            dropped=dropped,
            truncated_by=limit if dropped else "",
            covered_from=self.window.start,
            covered_to=self.window.end,
            warnings=(*matrix.warnings, *warnings),
            request=self.request,
            redactions=dict(matrix.hits),
        )

    def _nothing(self, http: Http, matrix: Matrix) -> Outcome:
        """Empty, unless the server says that it has thrown the window's data away."""
        if matrix.warnings:
            return self._outcome(matrix, kept=0, dropped=0, limit="", warnings=())
        retention = self.dialect.retention(http)
        oldest = datetime.now(UTC) - retention if retention else None
        if oldest and (before := unkept(self.window, oldest, "Data is kept", self.dialect.longer, self.request)):
            return before
        return Outcome(Status.EMPTY, covered_from=self.window.start, covered_to=self.window.end, request=self.request)


def _version(http: Http) -> Check:
    """Mimir and Thanos may not serve it, which is no fault."""
    try:
        data = http.get("/api/v1/status/buildinfo").json_object().get("data")
    except Refusal as error:
        if error.code != 404:
            raise
        return Check("version", ok=True, detail="not told")
    version = data.get("version") if isinstance(data, dict) else None
    return Check("version", ok=True, detail=str(version or "not told")[:60])


def _shared_subject(labels: list[Mapping[str, str]]) -> dict[str, str]:
    """What all series are about, where they agree."""
    names = {"namespace": "namespace", "pod": "pod", "container": "container", "node": "node", "job": "name"}
    found = {}
    for label, part in names.items():
        values = {one.get(label, "") for one in labels}
        if len(values) == 1 and (value := values.pop()):
            found[part] = value
    return found


def _positive(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 86_400 else otherwise
