"""Two small charts on a line of time: recovery points before an incident, and how long an alert fired.

As in incidents/charts.py: payloads are hostile, whatever is odd in them gives a picture or "", never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from incidents.drawing import (
    Band,
    TimeAxis,
    band_of,
    box,
    clock,
    epoch,
    in_zone,
    label,
    number,
    place,
    rows,
    svg,
    time_axis,
    words,
)
from telemetry.collectors.recovery import lasted

# Each state has a shape of its own, so that colour is never the only difference.
SHAPES = {
    "usable": ("bar-g", "M{x} {y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z"),
    "partial": ("bar-w", "M{x} {y}l0 -5l5 9l-10 0l5 -9z"),
    "failed": ("cross", "M{x} {y}m-4 -4l8 8m0 -8l-8 8"),
    "running": ("ring", "M{x} {y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z"),
    "unknown": ("none", "M{x} {y}m-4 -4h8v8h-8z"),
}
STATES = {
    "usable": "usable",
    "partial": "in part",
    "failed": "failed",
    "running": "still running",
    "unknown": "not known",
}
MOST = 60


def recovery_strip(
    payload: Mapping[str, Any], *, zone: tzinfo | str | None = None, width: int = 420, height: int = 58
) -> str:
    """The points up to the incident, and how far back the newest usable one lies."""
    zone = in_zone(zone)
    points = [(at, row) for row in rows(payload.get("points"), MOST) if (at := epoch(row.get("at"))) is not None]
    incident = epoch(payload.get("incident_at"))
    if incident is None:
        return ""
    times = [at for at, _ in points] or [incident - 86_400]
    first, last = min(*times, incident - 60), max(*times, incident)
    room = (last - first) * 0.04
    axis = time_axis(first - room, last + room, 4, width - 4, zone)
    if axis is None:
        return ""
    y, bottom = 26.0, height - 16.0
    parts = [f'<path class="ax" d="M{place(axis.left)} {place(y)}H{place(axis.right)}"/>']
    parts += _age(payload, axis, incident, y)
    for at, row in points:
        kind, shape = SHAPES[_state(row)]
        parts.append(f'<path class="{kind}" d="{shape.format(x=place(axis.x(at)), y=place(y))}"/>')
    parts.append(f'<path class="edge" d="M{place(axis.x(incident))} 12V{place(bottom)}"/>')
    near_end = axis.x(incident) > axis.right - 60
    x = axis.x(incident) + (-4 if near_end else 4)
    parts.append(label(x, 9, "incident", kind="hot", anchor="end" if near_end else ""))
    parts += axis.words(height - 3, most=4)
    return svg(width, height, _in_numbers(payload, points, zone, incident), parts)


def recovery_legend(payload: Mapping[str, Any]) -> str:
    """What each shape of the strip means, for the states that it has."""
    present = {_state(row) for row in rows(payload.get("points"), MOST) if epoch(row.get("at")) is not None}
    if not present or epoch(payload.get("incident_at")) is None:
        return ""
    entries = "".join(
        f'<li><svg class="viz" viewBox="0 0 12 12" aria-hidden="true"><path class="{kind}" '
        f'd="{shape.format(x="6", y="6")}"/></svg>{STATES[state]}</li>'
        for state, (kind, shape) in SHAPES.items()
        if state in present
    )
    return f'<ul class="legend" aria-label="What the shapes mean">{entries}</ul>'


def _state(row: Mapping[str, Any]) -> str:
    state = str(row.get("state"))
    return state if state in SHAPES else "unknown"


def _age(payload: Mapping[str, Any], axis: TimeAxis, incident: float, y: float) -> list[str]:
    newest = payload.get("newest_usable")
    at = epoch(newest.get("at")) if isinstance(newest, Mapping) else None
    if at is None or at >= incident:
        return []
    left, right = axis.x(at), axis.x(incident)
    parts = [box("bar-a", left, y - 1, right - left, 2, 0)]
    text = lasted(incident - at)
    if right - left > 6.0 * len(text) + 8:
        parts.append(label((left + right) / 2, y + 16, text, anchor="middle"))
    return parts


def _in_numbers(
    payload: Mapping[str, Any], points: list[tuple[float, Mapping[str, Any]]], zone: tzinfo, incident: float
) -> str:
    counts: dict[str, int] = {}
    for _, row in points:
        state = _state(row)
        counts[state] = counts.get(state, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no recovery point"
    age = number(payload.get("age_seconds"))
    newest = f"the newest usable one {lasted(age)} before" if age is not None else "no usable one before"
    return f"Recovery points of {words(payload.get('covers'), 80)}: {told}; {newest} the incident at {clock(incident, zone)}."


def alert_span(
    payload: Mapping[str, Any],
    *,
    band: Band | None = None,
    zone: tzinfo | str | None = None,
    width: int = 420,
    height: int = 40,
) -> str:
    """From when to when it fired, to scale with the window; open ends run to the edge."""
    zone = in_zone(zone)
    window = payload.get("window")
    window = window if isinstance(window, Mapping) else {}
    first, last = epoch(payload.get("first_at")), epoch(payload.get("last_at"))
    if first is None or last is None:
        return ""
    start, end = epoch(window.get("start")), epoch(window.get("end"))
    room = max(60.0, (last - first) * 0.2)
    axis = time_axis(first - room if start is None else start, last + room if end is None else end, 4, width - 4, zone)
    if axis is None:
        return ""
    ongoing, before = payload.get("ongoing") is True, payload.get("began_before") is True
    left = axis.left if before else axis.x(first)
    right = axis.right if ongoing else axis.x(last)
    parts = band_of(axis, band, 4, height - 16)
    parts.append(box("bar-b" if payload.get("state") == "firing" else "bar-w", left, 8, max(3.0, right - left), 9))
    parts += axis.words(height - 3, most=4)
    began = f"before {clock(axis.start, zone)}" if before else f"at {clock(first, zone)}"
    ended = "still going on" if ongoing else f"over at {clock(last, zone)}"
    name = words(payload.get("alertname"), 80) or "The alert"
    return svg(width, height, f"{name}: began {began}, {ended}, {lasted(last - first)} in the window.", parts)
