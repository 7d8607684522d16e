"""Matrices as Prometheus answers them, made plain: finite numbers or null, few enough to draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.collectors.chart_series import Point, Series, capped, highest, in_words, median
from telemetry.http import SourceError
from telemetry.observations import Status
from telemetry.redaction import Redactor

__all__ = ["Matrix", "Point", "Series", "capped", "highest", "in_words", "joined", "median", "parse_matrix", "spans"]


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


def joined(series: Sequence[Series], more: Sequence[Series]) -> list[Series]:
    """The same series with the points of those in `more` that carry the same labels, in order of time."""
    added = {tuple(sorted(one.labels.items())): one.points for one in more}
    found = []
    for one in series:
        points = dict((*added.get(tuple(sorted(one.labels.items())), ()), *one.points))
        found.append(Series(one.labels, tuple(sorted(points.items()))))
    return found
