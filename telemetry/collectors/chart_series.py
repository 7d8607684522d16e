"""Series as charts keep them: finite numbers or null, few enough to draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telemetry.collectors.times import iso

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
