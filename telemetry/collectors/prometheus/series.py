"""Matrices as Prometheus answers them, made plain: finite numbers or null, few enough to draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telemetry.collectors.times import iso
from telemetry.http import SourceError
from telemetry.observations import Status
from telemetry.redaction import Redactor

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """Points are (seconds since the epoch, value or None) in order of time."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]

    @property
    def peak(self) -> Point | None:
        """The highest point; None if no value is finite."""
        finite = [point for point in self.points if point[1] is not None]
        return max(finite, key=lambda point: point[1] or 0.0, default=None)

    def payload(self) -> dict[str, Any]:
        return {"labels": dict(self.labels), "points": [list(point) for point in self.points]}


@dataclass(frozen=True, slots=True)
class Matrix:
    series: tuple[Series, ...]
    warnings: tuple[str, ...]
    hits: Mapping[str, int]


def parse_matrix(answer: Mapping[str, Any], redactor: Redactor, *, start: float, end: float) -> Matrix:
    """The series of a `query_range` answer with points in [start, end); raises `SourceError`."""
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict) or data.get("resultType") != "matrix":
        raise SourceError(
            Status.ERROR, "the answer is not a Prometheus matrix", remedy="Check that the address is Prometheus's."
        )
    hits: dict[str, int] = {}
    series = []
    for result in data.get("result") or []:
        metric = result.get("metric")
        trimmed = redactor.value(metric if isinstance(metric, dict) else {})
        hits |= {name: hits.get(name, 0) + count for name, count in trimmed.hits.items()}
        points = [point for point in map(_point, result.get("values") or []) if start <= point[0] < end]
        if points:
            labels = {key: str(value) for key, value in sorted(trimmed.value.items())}
            series.append(Series(labels, tuple(points)))
    warnings = [redactor.text(str(words)[:300]).text for words in answer.get("warnings") or []]
    if answer.get("isPartial") is True:
        # The cluster of VictoriaMetrics says so without words.
        warnings.append("a storage node did not answer, so series may be missing")
    return Matrix(tuple(series), tuple(warnings), hits)


def _point(pair: Sequence[Any]) -> Point:
    value = float(pair[1])
    return float(pair[0]), value if math.isfinite(value) else None


def capped(series: Sequence[Series], count: int) -> tuple[list[Series], int]:
    """The `count` series with the highest peaks, and how many were left out."""
    ordered = sorted(
        series, key=lambda one: (-(one.peak[1] or 0.0) if one.peak else math.inf, sorted(one.labels.items()))
    )
    return ordered[:count], max(0, len(ordered) - count)


def highest(series: Sequence[Series]) -> dict[str, Any] | None:
    """The highest point of all, as `{"at", "value", "labels"}`."""
    peaks = [(one.peak, one.labels) for one in series if one.peak]
    if not peaks:
        return None
    (at, value), labels = max(peaks, key=lambda pair: pair[0][1] or 0.0)
    return {"at": iso(datetime.fromtimestamp(at, UTC)), "value": value, "labels": dict(labels)}


def median(series: Sequence[Series]) -> float | None:
    values = sorted(value for one in series for _, value in one.points if value is not None)
    return values[len(values) // 2] if values else None


def in_words(value: float, unit: str) -> str:
    """A value as people read it: `63 %`, `0.18 s`, `42 requests/s`."""
    if unit == "ratio":
        return f"{value * 100:.3g} %"
    return f"{value:.3g} {unit}".strip()


def spans(points: Sequence[Point], step: float) -> list[tuple[float, float]]:
    """Where a series that is only there while something lasts has its stretches, in seconds."""
    found: list[tuple[float, float]] = []
    for at, value in points:
        if value is None:
            continue
        if found and at - found[-1][1] <= step * 1.5:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found
