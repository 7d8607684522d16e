"""Pushed points of metrics as charts, the most changed first: rates of counters, percentiles and rates of histograms.

Works on rows in memory; who reads them from where is not decided here.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median as middle
from typing import Any

from telemetry.collectors.chart_series import Point, Series, capped, highest, in_words, median
from telemetry.collectors.times import iso
from telemetry.observations import EvidenceType, Level, Observation, Window
from telemetry.rows import namespace_of

QUANTILE = 0.95
FINEST_STEP = 15.0
LABELS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point of one series, as `telemetry.models.MetricPoint` has it; `at` in seconds."""

    at: float
    started: float | None
    value: float | None
    count: int | None
    distribution: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StoredSeries:
    name: str
    unit: str
    kind: str
    is_delta: bool
    service: str
    labels: Mapping[str, Any]
    resource: Mapping[str, Any]
    points: Sequence[StoredPoint]


@dataclass(frozen=True, slots=True)
class _Chart:
    """One metric in one aspect, before and in the window."""

    name: str
    aspect: str
    unit: str
    inside: Sequence[Series]
    before: Sequence[Series]
    change: float


def chart_observations(
    stored: Iterable[StoredSeries], window: Window, *, charts: int, series: int, points: int
) -> tuple[list[Observation], int]:
    """The charts of the most changed metrics, and how many there were. `series` and `points` bound each.

    Payload: that of Prometheus's charts, so that one drawing serves both.
    """
    by_chart: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
    rows = list(stored)
    step = _step(rows, window, points)
    for one in rows:
        labels = _shown_labels(one)
        for aspect, unit, found in _aspects(one):
            binned = tuple(_binned(found, step))
            if binned:
                by_chart[one.name, aspect, unit].append(Series(labels, binned))
    found_charts = [_chart(*key, members, window) for key, members in by_chart.items()]
    drawn = [chart for chart in found_charts if chart.inside]
    drawn.sort(key=lambda chart: (-chart.change, chart.name, chart.aspect))
    return [_observe(chart, window, step, series) for chart in drawn[:charts]], len(drawn)


def _step(rows: Sequence[StoredSeries], window: Window, points: int) -> float:
    """As far apart as the points mostly are, and no more of them than may be."""
    gaps = [after.at - before.at for one in rows[:50] for before, after in pairwise(one.points) if after.at > before.at]
    usual = middle(gaps) if gaps else FINEST_STEP
    return float(math.ceil(max(FINEST_STEP, usual, window.seconds / max(1, points))))


def _shown_labels(one: StoredSeries) -> dict[str, str]:
    place = {"service": one.service, "namespace": namespace_of(one.resource), "pod": one.resource.get("k8s.pod.name")}
    own = dict(sorted(one.labels.items())[:LABELS_SHOWN])
    return {key: str(value) for key, value in {**place, **own}.items() if value not in {None, ""}}


def _aspects(one: StoredSeries) -> Iterator[tuple[str, str, list[Point]]]:
    """(what of it, unit, points). A counter is worth its rate, a histogram its slowest twentieth and its rate."""
    if one.kind == "gauge":
        yield "", one.unit, [(point.at, point.value) for point in one.points]
    elif one.kind == "counter":
        yield "per second", _per_second(one.unit), list(_rates(one, lambda point: point.value))
    else:
        yield "per second", "1/s", list(_rates(one, lambda point: point.count))
        slow = list(_quantiles(one))
        if slow:
            yield "95th percentile", one.unit, slow


def _per_second(unit: str) -> str:
    bare = unit.strip("{}")
    return f"{bare}/s" if bare and bare != "1" else "1/s"


def _rates(one: StoredSeries, of: Any) -> Iterator[Point]:
    """Increase by second; a counter that fell, or began anew, began at nothing."""
    for before, point in _steps(one):
        now, seconds = of(point), _seconds(before, point)
        if now is None or not seconds:
            continue
        earlier = of(before) if before is not None and not one.is_delta and not _began_anew(before, point) else 0.0
        grown = now - earlier if earlier is not None and now >= earlier else now
        yield point.at, grown / seconds


def _steps(one: StoredSeries) -> Iterator[tuple[StoredPoint | None, StoredPoint]]:
    if one.is_delta and one.points:
        yield None, one.points[0]
    yield from pairwise(one.points)


def _seconds(before: StoredPoint | None, point: StoredPoint) -> float:
    if before is not None:
        return point.at - before.at
    return point.at - point.started if point.started is not None else 0.0


def _began_anew(before: StoredPoint, point: StoredPoint) -> bool:
    return point.started is not None and point.started >= before.at


def _quantiles(one: StoredSeries) -> Iterator[Point]:
    for before, point in _steps(one):
        told = point.distribution or {}
        if "quantiles" in told:
            near = min(told["quantiles"], key=lambda pair: abs(pair[0] - QUANTILE), default=None)
            if near is not None and near[0] >= 0.9:
                yield point.at, near[1]
        elif "bounds" in told:
            fresh = before is None or one.is_delta or _began_anew(before, point)
            grown = _grown({} if fresh or before is None else before.distribution or {}, told)
            value = _quantile(grown)
            if value is not None:
                yield point.at, value


def _grown(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[float, int]:
    """What each bucket took since; all of it where a bucket fell."""
    later, earlier = _buckets(now), _buckets(before)
    grown = {upper: count - earlier.get(upper, 0) for upper, count in later.items()}
    return later if any(count < 0 for count in grown.values()) else grown


def _buckets(told: Mapping[str, Any]) -> dict[float, int]:
    bounds = [*told.get("bounds", ()), math.inf]
    return dict(zip(bounds, told.get("counts", ()), strict=False))


def _quantile(buckets: Mapping[float, int]) -> float | None:
    """Between the bounds of the bucket in which it lies, as Prometheus reckons it."""
    total = sum(buckets.values())
    if total <= 0:
        return None
    wanted, passed, lower = QUANTILE * total, 0, 0.0
    for upper, count in sorted(buckets.items()):
        if passed + count >= wanted and count:
            if math.isinf(upper):
                return lower
            lower = min(lower, upper)
            return lower + (upper - lower) * (wanted - passed) / count
        passed, lower = passed + count, upper
    return lower


def _binned(points: Iterable[Point], step: float) -> Iterator[Point]:
    """The last of each step, at the begin of the step."""
    latest: dict[float, float | None] = {}
    for at, value in points:
        place = at // step * step
        latest[place] = value if value is None or math.isfinite(value) else None
    yield from sorted(latest.items())


def _chart(name: str, aspect: str, unit: str, members: Sequence[Series], window: Window) -> _Chart:
    start, end = window.start.timestamp(), window.end.timestamp()
    earlier = start - window.seconds
    inside = [cut for one in members if (cut := _between(one, start, end))]
    before = [cut for one in members if (cut := _between(one, earlier, start))]
    return _Chart(name, aspect, unit, inside, before, max((_change(one, before) for one in inside), default=0.0))


def _between(one: Series, start: float, end: float) -> Series | None:
    points = tuple(point for point in one.points if start <= point[0] < end)
    return Series(one.labels, points) if any(value is not None for _, value in points) else None


def _change(inside: Series, before: Sequence[Series]) -> float:
    """0 for a series that went on as before, up to 1 for one that came, went or rose beyond comparison."""
    same = next((one for one in before if one.labels == inside.labels), None)
    if same is None:
        return 0.5
    now, then = _mean(inside), _mean(same)
    scale = abs(now) + abs(then)
    return abs(now - then) / scale if scale else 0.0


def _mean(one: Series) -> float:
    values = [value for _, value in one.points if value is not None]
    return sum(values) / len(values) if values else 0.0


def _observe(chart: _Chart, window: Window, step: float, most: int) -> Observation:
    series, dropped = capped(chart.inside, most)
    before, _ = capped(chart.before, most)
    peak, usual = highest(series), median(before)
    expr = f"{chart.name} ({chart.aspect})" if chart.aspect else chart.name
    told = [f"peak {in_words(peak['value'], chart.unit)} at {peak['at'][11:19]}"] if peak else ["no finite value"]
    if usual is not None:
        told.append(f"median before {in_words(usual, chart.unit)}")
    times = [at for one in series for at, _ in one.points]
    services = {one.labels.get("service", "") for one in series}
    namespaces = {one.labels.get("namespace", "") for one in series}
    subject = {"kind": "Service", "name": _only(services), "namespace": _only(namespaces)}
    return Observation(
        type=EvidenceType.METRIC,
        dedup_key=f"metric:pushed:{hashlib.sha256(f'{expr} {chart.unit}'.encode()).hexdigest()[:16]}",
        title=expr[:200],
        first_at=datetime.fromtimestamp(min(times), UTC),
        last_at=datetime.fromtimestamp(max(times), UTC),
        level=Level.INFO,
        subject={key: value for key, value in subject.items() if value} if subject["name"] else {},
        summary=", ".join(told),
        payload={
            "expr": expr,
            "unit": chart.unit,
            "step_seconds": step,
            "series": [one.payload() for one in series],
            "baseline": [one.payload() for one in before],
            "dropped_series": dropped,
            "peak": peak,
            "baseline_median": usual,
            "window": {"start": iso(window.start), "end": iso(window.end)},
        },
        query=expr,
        flags={"truncated": True} if dropped else {},
    )


def _only(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""
