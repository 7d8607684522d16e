"""The charts of Debrief, as strings of SVG: metric lines here, the others by their own names from beside it.

Each takes a payload as it was frozen, with whatever is missing or odd in it, and gives a picture or "": it never
raises. `zone` is the reader's time zone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from html import escape
from typing import Any

from incidents.drawing import (
    Band,
    TimeAxis,
    band_of,
    clock,
    epoch,
    in_zone,
    label,
    number,
    place,
    quantity,
    rows,
    svg,
    time_axis,
    words,
)
from incidents.lanes import Lane, Mark, Point, Span, lanes
from incidents.log_drawing import log_histogram
from incidents.waterfall import trace_waterfall

__all__ = [
    "Lane",
    "Mark",
    "Point",
    "Span",
    "common_labels",
    "lanes",
    "line_chart",
    "log_histogram",
    "series_name",
    "trace_waterfall",
]

DRAWN_SERIES = 5
READINGS = 160


@dataclass(frozen=True, slots=True)
class Line:
    """One series on the grid of the chart: a value or None for each step."""

    name: str
    values: list[float | None]

    @property
    def peak(self) -> float:
        return max((value for value in self.values if value is not None), default=float("-inf"))


def series_name(labels: Any, common: Mapping[str, str] | None = None) -> str:
    """What tells this series from its neighbours: the labels that they do not share."""
    if not isinstance(labels, Mapping):
        return ""
    own = [words(labels[name], 40) for name in sorted(labels, key=str) if (common or {}).get(name) != labels[name]]
    return words(" ".join(own), 60)


def line_chart(
    payload: Mapping[str, Any],
    *,
    band: Band | None = None,
    zone: tzinfo | str | None = None,
    width: int = 420,
    height: int = 122,
) -> str:
    """A metric over its window: the highest series in front, the median before as a dashed line, the peak named."""
    zone = in_zone(zone)
    window = payload.get("window")
    window = window if isinstance(window, Mapping) else {}
    series = rows(payload.get("series"), 50)
    times = [at for row in series for at, _ in _points(row)]
    start, end = epoch(window.get("start")), epoch(window.get("end"))
    axis = time_axis(
        start if start is not None else min(times, default=None),
        end if end is not None else max(times, default=None),
        38,
        width - 6,
        zone,
    )
    if axis is None or not times:
        return ""
    lines, step = _on_grid(series, axis, number(payload.get("step_seconds")))
    unit, before = words(payload.get("unit"), 20), _median_before(payload)
    top = max([line.peak for line in lines] + ([before] if before is not None else []))
    low = min([value for line in lines for value in line.values if value is not None] + [0.0])
    if top == float("-inf"):
        return ""
    scale = Scale(low, _round_up(top, low), 16, height - 18)
    parts = _grid(scale, axis, unit) + band_of(axis, band, scale.top, scale.bottom)
    if before is not None:
        y = place(scale.y(before))
        parts.append(f'<path class="base" d="M{place(axis.left)} {y}H{place(axis.right)}"/>')
    for line in reversed(lines[1:]):
        parts.append(_path(line, axis, scale, "line soft", unit))
    parts += [_area(lines[0], axis, scale), _path(lines[0], axis, scale, "line", unit)]
    parts += _peak(lines[0], axis, scale, unit)
    steps = len(lines[0].values)
    data = (
        f' data-t0="{axis.start:.0f}" data-dt="{step:g}" data-n="{steps}" data-x0="{place(axis.left)}"'
        f' data-x1="{place(axis.right)}" data-unit="{escape(" %" if unit == "ratio" else f" {unit}".rstrip())}"'
        f' data-zone="{escape(str(getattr(zone, "key", "UTC")))}"'
    )
    return svg(width, height, _in_numbers(lines, axis, unit, before), parts, data=data)


@dataclass(frozen=True, slots=True)
class Scale:
    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top)


def _points(row: Mapping[str, Any]) -> list[tuple[float, float | None]]:
    found = []
    points = row.get("points")
    for point in points[:20_000] if isinstance(points, list | tuple) else ():
        if isinstance(point, list | tuple) and len(point) == 2 and (at := epoch(point[0])) is not None:
            found.append((at, number(point[1])))
    return found


def _on_grid(series: list[Mapping[str, Any]], axis: TimeAxis, step: float | None) -> tuple[list[Line], float]:
    """Series on one grid of at most READINGS steps; where several points fall into one, the highest stays."""
    length = axis.end - axis.start
    step = max(step or 0.0, length / (READINGS - 1), 1e-3)
    count = int(length / step) + 1
    labels = [row["labels"] for row in series if isinstance(row.get("labels"), Mapping)]
    common = common_labels(labels) if len(labels) > 1 else {}
    lines = []
    for row in series:
        values: list[float | None] = [None] * count
        for at, value in _points(row):
            place_ = round((at - axis.start) / step)
            if value is None or not 0 <= place_ < count:
                continue
            there = values[place_]
            values[place_] = value if there is None else max(there, value)
        name = series_name(row.get("labels"), common) if len(series) > 1 else ""
        lines.append(Line(name, values))
    lines.sort(key=lambda line: -line.peak)
    return lines[:DRAWN_SERIES], step


def common_labels(labels: list[Mapping[str, Any]]) -> dict[str, str]:
    """What all of these series share, so that it tells none of them from the others."""
    return dict(set.intersection(*(_pairs(one) for one in labels)))


def _pairs(labels: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(str(name), value) for name, value in labels.items() if isinstance(value, str)}


def _median_before(payload: Mapping[str, Any]) -> float | None:
    told = number(payload.get("baseline_median"))
    if told is not None:
        return told
    values = sorted(
        value for row in rows(payload.get("baseline"), 50) for _, value in _points(row) if value is not None
    )
    return values[len(values) // 2] if values else None


def _round_up(top: float, low: float) -> float:
    """The next round value from `top` on, so that the scale ends on a number that reads well."""
    if top <= low:
        return low + 1.0
    if top <= 0:
        return 0.0
    size = 10.0 ** math.floor(math.log10(top))
    return next((size * step for step in (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 10) if size * step >= top), top)


def _grid(scale: Scale, axis: TimeAxis, unit: str) -> list[str]:
    parts = []
    for value in (scale.low, (scale.low + scale.high) / 2, scale.high):
        y = scale.y(value)
        text = quantity(value, unit) if unit in ("ratio", "bytes") else quantity(value)
        parts.append(f'<path class="ax" d="M{place(axis.left)} {place(y)}H{place(axis.right)}"/>')
        parts.append(label(axis.left - 5, y + 3.5, text, anchor="end"))
    parts += axis.words(scale.bottom + 14)
    return parts


def _runs(line: Line, axis: TimeAxis, scale: Scale) -> list[list[tuple[float, float]]]:
    """Stretches without a gap, as coordinates."""
    runs: list[list[tuple[float, float]]] = [[]]
    steps = max(1, len(line.values) - 1)
    for index, value in enumerate(line.values):
        if value is None:
            if runs[-1]:
                runs.append([])
            continue
        runs[-1].append((axis.left + (axis.right - axis.left) * index / steps, scale.y(value)))
    return [run for run in runs if run]


def _path(line: Line, axis: TimeAxis, scale: Scale, kind: str, unit: str) -> str:
    drawn = []
    for run in _runs(line, axis, scale):
        points = "L".join(f"{place(x)} {place(y)}" for x, y in run)
        drawn.append(f"M{points}" if len(run) > 1 else f"M{points}h1.5")
    factor = 100 if unit == "ratio" else 1
    values = ",".join("" if value is None else f"{value * factor:.4g}" for value in line.values)
    name = f' data-name="{escape(line.name)}"' if line.name else ""
    return f'<path class="{kind}" d="{"".join(drawn)}" data-v="{values}"{name}/>'


def _area(line: Line, axis: TimeAxis, scale: Scale) -> str:
    base = place(scale.y(max(scale.low, 0.0)))
    drawn = []
    for run in _runs(line, axis, scale):
        points = "L".join(f"{place(x)} {place(y)}" for x, y in run)
        drawn.append(f"M{points}L{place(run[-1][0])} {base}L{place(run[0][0])} {base}Z")
    return f'<path class="area" d="{"".join(drawn)}"/>'


def _peak(line: Line, axis: TimeAxis, scale: Scale, unit: str) -> list[str]:
    index = line.values.index(line.peak)
    x = axis.left + (axis.right - axis.left) * index / max(1, len(line.values) - 1)
    y = scale.y(line.peak)
    end = x > axis.right - 60
    ring = f'<circle class="ring" cx="{place(x)}" cy="{place(y)}" r="3"/>'
    text = label(
        x - 7 if end else x + 7, max(y - 4, 9), quantity(line.peak, unit), kind="hot", anchor="end" if end else ""
    )
    return [ring, text]


def _in_numbers(lines: list[Line], axis: TimeAxis, unit: str, before: float | None) -> str:
    front = lines[0]
    at = axis.start + (axis.end - axis.start) * front.values.index(front.peak) / max(1, len(front.values) - 1)
    told = [f"From {clock(axis.start, axis.zone)} to {clock(axis.end, axis.zone)}"]
    told.append(
        f"peak {quantity(front.peak, unit)} at {clock(at, axis.zone)}" + (f" in {front.name}" if front.name else "")
    )
    if before is not None:
        told.append(f"median before {quantity(before, unit)}")
    if len(lines) > 1:
        told.append(f"{len(lines)} series")
    return ", ".join(told) + "."
