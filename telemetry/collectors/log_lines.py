"""Log lines made readable: levels, an excerpt around the errors, counts over time, patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telemetry.collectors.log_messages import level_of, message_of
from telemetry.collectors.log_patterns import Pattern, patterns_of, trend_of
from telemetry.collectors.times import iso
from telemetry.observations import Level

__all__ = ["LogLine", "histogram", "level_of", "log_payload", "loudest", "step_for"]

SHOWN = 200
AROUND = 2
PATTERNS = 20
BUCKETS = 60
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400)
LONGEST_LINE = 2_000


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str
    level: Level


def log_payload(lines: Sequence[LogLine]) -> dict[str, Any]:
    """What evidence keeps of lines in order of time; at least one line is needed.

    `lines` are `{"at", "text", "level"}`; `histogram` is over all lines, `{"at", "count", "errors"}`;
    `patterns` are the most frequent shapes, those with errors first, `{"pattern", "count", "first_at", "last_at",
    "level", "trend"}` with trend `new`, `more`, `fewer`, `steady` or ""; `shown` of `total` lines are in the excerpt.
    """
    patterns = patterns_of([(line.at, message_of(line.text), line.level) for line in lines])
    excerpt = _excerpt(lines, patterns)
    return {
        "lines": [
            {"at": iso(line.at), "text": line.text[:LONGEST_LINE], "level": line.level.value} for line in excerpt
        ],
        "shown": len(excerpt),
        "total": len(lines),
        "errors": sum(line.level is Level.ERROR for line in lines),
        "first_at": iso(lines[0].at),
        "last_at": iso(lines[-1].at),
        "histogram": histogram([(line.at.timestamp(), 1, int(line.level is Level.ERROR)) for line in lines]),
        "patterns": [_pattern_payload(pattern, lines) for pattern in patterns[:PATTERNS]],
        "patterns_total": len(patterns),
    }


def loudest(lines: Sequence[LogLine]) -> Level:
    present = {line.level for line in lines}
    return next((level for level in (Level.ERROR, Level.WARNING) if level in present), Level.INFO)


def _pattern_payload(pattern: Pattern, lines: Sequence[LogLine]) -> dict[str, Any]:
    return {
        "pattern": pattern.text,
        "count": pattern.count,
        "first_at": iso(lines[pattern.first].at),
        "last_at": iso(lines[pattern.last].at),
        "level": pattern.level.value,
        "trend": trend_of(pattern, (lines[-1].at - lines[0].at).total_seconds()),
    }


def _excerpt(lines: Sequence[LogLine], patterns: Sequence[Pattern]) -> Sequence[LogLine]:
    """All lines if they are few; else where each kind of error and warning began, then more of them with their
    surroundings, then the end."""
    if len(lines) <= SHOWN:
        return lines
    chosen: set[int] = set()
    begun = [pattern.first for pattern in patterns if pattern.level in {Level.ERROR, Level.WARNING}]
    wanted = [*begun[:PATTERNS], *_places(lines, Level.ERROR), *_places(lines, Level.WARNING)]
    for index in wanted:
        if len(chosen) >= SHOWN - 2 * AROUND:
            break
        chosen.update(range(max(0, index - AROUND), min(len(lines), index + AROUND + 1)))
    for index in range(len(lines) - 1, -1, -1):
        if len(chosen) >= SHOWN:
            break
        chosen.add(index)
    return [lines[index] for index in sorted(chosen)]


def _places(lines: Sequence[LogLine], level: Level) -> list[int]:
    return [index for index, line in enumerate(lines) if line.level is level]


def step_for(seconds: float) -> int:
    """The seconds of a bucket, so that a time has at most about sixty."""
    return next((step for step in STEPS if seconds / step < BUCKETS), STEPS[-1])


def histogram(counts: Iterable[tuple[float, int, int]]) -> list[dict[str, Any]]:
    """(seconds since the epoch, lines, errors) in buckets `{"at", "count", "errors"}` without holes."""
    found = sorted(counts)
    first, last = found[0][0], found[-1][0]
    step = step_for(last - first)
    start = int(first // step)
    buckets = [[0, 0] for _ in range(min(int(last // step) - start + 1, 10 * BUCKETS))]
    for at, count, errors in found:
        bucket = buckets[max(0, min(int(at // step) - start, len(buckets) - 1))]
        bucket[0] += count
        bucket[1] += errors
    return [
        {"at": iso(datetime.fromtimestamp((start + place) * step, UTC)), "count": count, "errors": errors}
        for place, (count, errors) in enumerate(buckets)
    ]
