"""The incident at a glance: what lasted and what happened, one row each, to scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from incidents.drawing import (
    Band,
    TimeAxis,
    band_of,
    box,
    clock,
    epoch,
    in_zone,
    label,
    place,
    smallest_step,
    svg,
    time_axis,
    words,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted; `level` is normal, info, warning or error."""

    start: datetime
    end: datetime
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Point:
    """Something that happened, such as a rollout."""

    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A milestone: a dashed line through all lanes; `good` draws it green."""

    at: datetime
    text: str
    good: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    label: str
    spans: Sequence[Span] = ()
    points: Sequence[Point] = ()
    # (time, count) a step, drawn as bars instead of spans
    bars: Sequence[tuple[datetime, int]] = ()


# Pixels a letter of a label takes, and the least and most room that labels get.
LETTER = 5.7
LABELS = (96.0, 196.0)

_LEVELS = {"error": "bar-b", "warning": "bar-w", "info": "bar-a", "normal": "bar"}


def lanes(
    rows_: Sequence[Lane],
    window: tuple[datetime, datetime],
    marks: Sequence[Mark] = (),
    *,
    band: Band | None = None,
    zone: tzinfo | str | None = None,
    width: int = 690,
) -> str:
    """The incident at a glance: one row for each thing that lasted or happened, to scale."""
    zone = in_zone(zone)
    longest = max((len(row.label) for row in rows_), default=0)
    room = min(max(longest * LETTER + 12, LABELS[0]), LABELS[1])
    axis = time_axis(epoch(window[0]), epoch(window[1]), room, width - 8, zone)
    if axis is None or not rows_:
        return ""
    tall = [26 if row.bars else 15 for row in rows_]
    top = 16.0
    bottom = top + sum(tall) + 2
    parts = band_of(axis, band, top, bottom) if band else []
    parts += axis.hairlines(top, bottom, most=6) + axis.words(bottom + 12, most=6)
    parts += _marks(axis, marks, bottom)
    y = top
    told = []
    for row, size in zip(rows_, tall, strict=True):
        parts.append(label(0, y + size - 4, words(row.label, int((room - 8) / LETTER)), kind="lab"))
        parts += _bars(row, axis, y, size) if row.bars else _stretches(row, axis, y)
        told.append(_lane_in_words(row, zone))
        y += size
    head = f"Incident at a glance, {clock(axis.start, zone)} to {clock(axis.end, zone)}."
    return svg(width, bottom + 16, words(f"{head} {' '.join(told)}", 1_500), parts, wide=True)


def _marks(axis: TimeAxis, marks: Sequence[Mark], bottom: float) -> list[str]:
    parts: list[str] = []
    free = float("-inf")
    for mark in sorted(marks, key=lambda one: one.at):
        at = epoch(mark.at)
        if at is None or not axis.start <= at <= axis.end:
            continue
        x, text = axis.x(at), words(mark.text, 24)
        parts.append(f'<path class="edge{" ok" if mark.good else ""}" d="M{place(x)} 12V{place(bottom)}"/>')
        size = 6.2 * len(text)
        kind = "fine" if mark.good else "hot"
        if x - size - 4 > free and x - size > axis.left - 60 and (x + size > axis.right or not parts[:-1]):
            parts.append(label(x - 4, 9, text, kind=kind, anchor="end"))
            free = x
        elif x + 4 > free:
            parts.append(label(x + 4, 9, text, kind=kind))
            free = x + 4 + size
    return parts


def _bars(row: Lane, axis: TimeAxis, y: float, size: float) -> list[str]:
    bars = [(at, max(0, count)) for when, count in row.bars[:400] if (at := epoch(when)) is not None]
    most = max((count for _, count in bars), default=0) or 1
    step = smallest_step([at for at, _ in bars], 15.0)
    wide = max(1.0, axis.x(axis.start + step) - axis.left - 1)
    return [
        box("bar-w", axis.x(at), y + size - 3 - (size - 6) * count / most, wide, (size - 6) * count / most, 0.8)
        for at, count in bars
        if count and axis.start <= at <= axis.end
    ]


def _stretches(row: Lane, axis: TimeAxis, y: float) -> list[str]:
    parts = []
    for span in row.spans[:200]:
        start, end = epoch(span.start), epoch(span.end)
        if start is None or end is None or end < axis.start or start > axis.end:
            continue
        wide = max(3.0, axis.x(end) - axis.x(start))
        parts.append(box(_LEVELS.get(span.level, "bar-a"), axis.x(start), y + 4, wide, 7))
    return parts + _diamonds(row, axis, y)


def _diamonds(row: Lane, axis: TimeAxis, y: float) -> list[str]:
    """Points with their words at the right, else at the left, else without: words never cover anything."""
    known = [
        (axis.x(at), words(point.text, 20)) for point in row.points[:60] if (at := _inside(axis, point)) is not None
    ]
    known.sort()
    parts = []
    free = axis.left - 40
    for place_, (x, text) in enumerate(known):
        parts.append(f'<path class="bar-a" d="M{place(x)} {place(y + 2.5)}l5 5l-5 5l-5 -5z"/>')
        following = known[place_ + 1][0] - 8 if place_ + 1 < len(known) else axis.right
        size = 6.0 * len(text)
        if text and x + 8 + size < following:
            parts.append(label(x + 8, y + 11, text, kind="lab"))
            free = x + 12 + size
            continue
        if text and x - 8 - size > free:
            parts.append(label(x - 8, y + 11, text, kind="lab", anchor="end"))
        free = x + 8
    return parts


def _inside(axis: TimeAxis, point: Point) -> float | None:
    at = epoch(point.at)
    return at if at is not None and axis.start <= at <= axis.end else None


def _lane_in_words(row: Lane, zone: tzinfo) -> str:
    told = []
    for span in row.spans[:3]:
        start, end = epoch(span.start), epoch(span.end)
        if start is not None and end is not None:
            told.append(f"{clock(start, zone)} to {clock(end, zone)}")
    for point in row.points[:4]:
        if (at := epoch(point.at)) is not None:
            told.append(f"{words(point.text, 20)} at {clock(at, zone)}".strip())
    if row.bars:
        told.append(f"{sum(count for _, count in row.bars)} in all")
    return f"{words(row.label, 40)}: {', '.join(told)}." if told else ""
