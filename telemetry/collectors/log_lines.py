"""Log lines made readable: levels, an excerpt around the errors, counts over time, patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telemetry.collectors.times import iso
from telemetry.observations import Level

SHOWN = 200
AROUND = 2
PATTERNS = 20
BUCKETS = 60
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400)
LONGEST_LINE = 2_000
LONGEST_PATTERN = 240

ERROR_WORD = re.compile(
    r"(?i)(?<![a-z0-9])(?:error|err|fatal|critical|crit|panic|severe|emerg|exception|traceback)(?![a-z0-9])"
)
WARNING_WORD = re.compile(r"(?i)(?<![a-z0-9])(?:warn|warning)(?![a-z0-9])")
NAMED_LEVEL = re.compile(r"(?i)\b(?:level|lvl|severity)\\?[\"']?\s?[:=]\s?\\?[\"']?([a-z]{1,10})")
KLOG = re.compile(r"([IWEF])\d{4} \d\d:")
OPENING = 160
CHANGING = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[a-f]*[0-9])[0-9a-f]{12,64}\b|\d+(?:[.:]\d+)*"
)
WORDS = {
    "error": Level.ERROR,
    "err": Level.ERROR,
    "fatal": Level.ERROR,
    "critical": Level.ERROR,
    "panic": Level.ERROR,
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "info": Level.INFO,
    "notice": Level.INFO,
}
KLOG_LEVELS = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.ERROR}


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str
    level: Level


def level_of(text: str) -> Level:
    """How loud a line is: by its named level, klog's letter, or a word near its start."""
    start = text[:OPENING]
    if named := NAMED_LEVEL.search(start):
        return WORDS.get(named.group(1).lower(), Level.NORMAL)
    if letter := KLOG.match(start):
        return KLOG_LEVELS[letter.group(1)]
    if ERROR_WORD.search(start):
        return Level.ERROR
    if WARNING_WORD.search(start):
        return Level.WARNING
    return Level.INFO


def log_payload(lines: Sequence[LogLine]) -> dict[str, Any]:
    """What evidence keeps of lines in order of time; at least one line is needed.

    `lines` are `{"at", "text", "level"}`; `histogram` is over all lines, `{"at", "count", "errors"}`;
    `patterns` are the most frequent shapes, those with errors first, `{"pattern", "count",
    "first_at", "level"}`; `shown` of `total` lines are in the excerpt.
    """
    excerpt = _excerpt(lines)
    return {
        "lines": [
            {"at": iso(line.at), "text": line.text[:LONGEST_LINE], "level": line.level.value} for line in excerpt
        ],
        "shown": len(excerpt),
        "total": len(lines),
        "errors": sum(line.level is Level.ERROR for line in lines),
        "first_at": iso(lines[0].at),
        "last_at": iso(lines[-1].at),
        "histogram": _histogram(lines),
        "patterns": _patterns(lines),
    }


def loudest(lines: Sequence[LogLine]) -> Level:
    present = {line.level for line in lines}
    return next((level for level in (Level.ERROR, Level.WARNING) if level in present), Level.INFO)


def _excerpt(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """All lines if they are few; else the first errors and warnings with their surroundings, then the end."""
    if len(lines) <= SHOWN:
        return lines
    chosen: set[int] = set()
    for level in (Level.ERROR, Level.WARNING):
        for index, line in enumerate(lines):
            if len(chosen) >= SHOWN - 2 * AROUND:
                break
            if line.level is level:
                chosen.update(range(max(0, index - AROUND), min(len(lines), index + AROUND + 1)))
    for index in range(len(lines) - 1, -1, -1):
        if len(chosen) >= SHOWN:
            break
        chosen.add(index)
    return [lines[index] for index in sorted(chosen)]


def _histogram(lines: Sequence[LogLine]) -> list[dict[str, Any]]:
    first, last = lines[0].at.timestamp(), lines[-1].at.timestamp()
    step = next((step for step in STEPS if (last - first) / step < BUCKETS), STEPS[-1])
    start = int(first // step)
    counts = [[0, 0] for _ in range(min(int(last // step) - start + 1, 10 * BUCKETS))]
    for line in lines:
        bucket = counts[max(0, min(int(line.at.timestamp() // step) - start, len(counts) - 1))]
        bucket[0] += 1
        bucket[1] += line.level is Level.ERROR
    return [
        {"at": iso(datetime.fromtimestamp((start + place) * step, UTC)), "count": count, "errors": errors}
        for place, (count, errors) in enumerate(counts)
    ]


def _patterns(lines: Sequence[LogLine]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        shape = CHANGING.sub("<*>", line.text[:LONGEST_PATTERN])
        entry = found.setdefault(
            shape, {"pattern": shape, "count": 0, "first_at": iso(line.at), "level": line.level.value}
        )
        entry["count"] += 1
    loudness = {Level.ERROR.value: 0, Level.WARNING.value: 1}
    ordered = sorted(found.values(), key=lambda one: (loudness.get(one["level"], 2), -one["count"], one["first_at"]))
    return ordered[:PATTERNS]
