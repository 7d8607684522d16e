"""Points of metrics read back from our own tables, with the same length of time before the window as their baseline."""

from __future__ import annotations

from typing import Any

from telemetry.collectors.pushed_metrics import StoredPoint, StoredSeries, chart_observations
from telemetry.collectors.stored import Asking
from telemetry.models import MetricPoint, MetricSeries
from telemetry.observations import Outcome, Sink, Status

CHARTS = 12
# Of one question: as many as fit into memory easily and are read within a second or two.
POINTS_READ = 300_000


def metrics(asking: Asking, sink: Sink) -> Outcome:
    """Charts of the scope; which metrics and which points were left out is said."""
    window, budget = asking.window, asking.budget
    mine = asking.rows(MetricPoint.objects)
    inside = mine.filter(at__gte=window.start, at__lt=window.end)
    wanted = asking.scoped(_series_of(asking))
    known = {one.pk: one for one in wanted.order_by("pk")}
    start = window.start - (window.end - window.start)
    rows = MetricPoint.objects.filter(series__in=list(known), at__gte=start, at__lt=window.end).order_by("series", "at")
    fields = ("series_id", "at", "start_at", "value", "count", "distribution")
    found: dict[int, list[StoredPoint]] = {}
    read = 0
    for pk, at, started, value, count, distribution in rows.values_list(*fields)[: POINTS_READ + 1].iterator(5_000):
        read += 1
        begun = started.timestamp() if started else None
        found.setdefault(pk, []).append(StoredPoint(at.timestamp(), begun, value, count, distribution))
    stored = [_stored(known[pk], points) for pk, points in found.items()]
    charts, total = chart_observations(
        stored, window, charts=min(CHARTS, budget.items), series=budget.series, points=budget.points
    )
    if charts:
        sink(charts)
    return _outcome(asking, inside, mine, kept=len(charts), total=total, is_cut=read > POINTS_READ)


def _series_of(asking: Asking) -> Any:
    source = asking.connection.source_id
    return MetricSeries.objects.all() if source is None else MetricSeries.objects.filter(source=source)


def _stored(one: MetricSeries, points: list[StoredPoint]) -> StoredSeries:
    return StoredSeries(one.name, one.unit, one.kind, one.is_delta, one.service, one.labels, one.resource, points)


def _outcome(asking: Asking, inside: Any, mine: Any, *, kept: int, total: int, is_cut: bool) -> Outcome:
    if total <= kept and not is_cut:
        return asking.outcome("points", kept, inside, mine)
    reason = f"{kept} charts of {total}, the most changed first; narrow the scope to see others."
    if is_cut:
        reason += f" Only the first {POINTS_READ:,} points were looked at."
    common = asking.common(fetched=total, kept=kept)
    return Outcome(Status.TRUNCATED, reason=reason, truncated_by="items", dropped=total - kept, **common)
