"""Log lines grouped by what they say: how often, since when, and whether that is new. docs/decisions/0014-log-patterns.md"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from telemetry.observations import Level

LONGEST_PATTERN = 240
SHAPES = 2_000
TOKENS = 48
ANY = "<*>"
# So many different values at one place of lines that are otherwise alike are values and not words.
WORDS_VARY, VALUES_VARY = 6, 3
TREND_SECONDS = 60.0
TREND_COUNT = 5
TREND_RATIO = 3.0

_UNITS = r"(?:ns|us|µs|ms|s|m|h|d|[kKMGT]i?B?)"
_TIMES = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?"
    r"|\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
)
_CHANGING = re.compile(
    # The status of a request tells two stories apart; it stays.
    r"(?P<stays>(?:(?<=\" )|(?<=status=)|(?<=status: )|(?<=code=)|(?<=code: ))[1-5]\d\d\b)"
    rf"|{_TIMES}"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b0x[0-9a-fA-F]+\b"
    r"|(?<=\w\?)[\w%.~+=&-]+"
    r"|(?<=-)(?=[a-z]*\d)[a-z0-9]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b"
    r"|\b(?=[a-f]*\d)[0-9a-f]{6,64}\b|\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z_]{20,}\b"
    rf"|(?:\d+(?:\.\d+)?{_UNITS})+\b|\d+(?:[.:,]\d+)*"
)
_TOKEN = re.compile(r'"[^"]*"[^\s"]*|\'[^\']*\'[^\s\']*|\S+')
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*[:,.;]?")
_STATUS = re.compile(r"(?:.*[=:])?[1-5]\d\d[,;]?")
_REPEATED = re.compile(r"<\*>(?:[.,:/ -]?<\*>)+")


@dataclass(slots=True)
class Pattern:
    """Lines that say the same. `first` is the place of the first of them; `early` counts those of the first quarter."""

    text: str
    level: Level
    count: int
    first: int
    last: int
    early: int


def shape_of(message: str) -> str:
    """The message with `<*>` for times, numbers, ids, addresses and sizes."""
    return _REPEATED.sub(ANY, _CHANGING.sub(_masked, message[:LONGEST_PATTERN]))


def _masked(found: re.Match[str]) -> str:
    return found.group("stays") or ANY


def patterns_of(lines: Sequence[tuple[datetime, str, Level]]) -> list[Pattern]:
    """The groups of (time, message, level) in order of time; the loudest first, then the most frequent."""
    early_until = lines[0][0] + (lines[-1][0] - lines[0][0]) / 4 if lines else None
    shapes: dict[tuple[Level, str], Pattern] = {}
    for place, (at, message, level) in enumerate(lines):
        shape = shape_of(message)
        found = shapes.get((level, shape))
        if found is None:
            # What comes after so many different shapes is one group: better one row that says so than thousands.
            shape = shape if len(shapes) < SHAPES else ANY
            found = shapes.setdefault((level, shape), Pattern(shape, level, 0, place, place, 0))
        found.count += 1
        found.last = place
        found.early += early_until is not None and at <= early_until
    loudness = {Level.ERROR: 0, Level.WARNING: 1}
    merged = _merged(shapes.values())
    return sorted(merged, key=lambda one: (loudness.get(one.level, 2), -one.count, one.first))


def trend_of(pattern: Pattern, seconds: float) -> str:
    """`new` where the first quarter of the time has none, `more`, `fewer` or `steady`; "" where nothing can be said."""
    if seconds < TREND_SECONDS:
        return ""
    later = pattern.count - pattern.early
    if not pattern.early:
        return "new"
    if pattern.count < TREND_COUNT:
        return ""
    rate = later / 3
    if rate >= pattern.early * TREND_RATIO:
        return "more"
    return "fewer" if rate * TREND_RATIO <= pattern.early else "steady"


def _merged(shapes: Iterable[Pattern]) -> list[Pattern]:
    """Shapes that differ at one place, in more values than a word would have there, become one."""
    groups: dict[tuple[Level, int], list[tuple[list[str], Pattern]]] = defaultdict(list)
    for pattern in shapes:
        tokens = _TOKEN.findall(pattern.text)[:TOKENS]
        groups[pattern.level, len(tokens)].append((tokens, pattern))
    found: list[Pattern] = []
    for (_, length), members in groups.items():
        for place in range(length if len(members) >= VALUES_VARY and length > 2 else 0):
            members = _merged_at(place, members)
        found += [pattern for _, pattern in members]
    return found


def _merged_at(place: int, members: list[tuple[list[str], Pattern]]) -> list[tuple[list[str], Pattern]]:
    alike: dict[tuple[str, ...], list[tuple[list[str], Pattern]]] = defaultdict(list)
    for tokens, pattern in members:
        alike[(*tokens[:place], "", *tokens[place + 1 :])].append((tokens, pattern))
    kept: list[tuple[list[str], Pattern]] = []
    for group in alike.values():
        values = sorted({tokens[place] for tokens, _ in group})
        most = WORDS_VARY if any(map(_PLAIN_WORD.fullmatch, values)) else VALUES_VARY
        if len(values) < most or any(map(_STATUS.fullmatch, values)):
            kept += group
            continue
        tokens = list(group[0][0])
        tokens[place] = _common(values)
        kept.append((tokens, _summed(" ".join(tokens), [pattern for _, pattern in group])))
    return kept


def _common(values: Sequence[str]) -> str:
    """`took=<*>` for values under one name, quotes around what was quoted, else `<*>`."""
    names = {value.partition("=")[0] for value in values if "=" in value}
    if len(names) == 1 and all("=" in value for value in values):
        return f"{names.pop()}={ANY}"
    return f'"{ANY}"' if all(value.startswith('"') for value in values) else ANY


def _summed(text: str, group: Sequence[Pattern]) -> Pattern:
    return Pattern(
        text=text,
        level=group[0].level,
        count=sum(one.count for one in group),
        first=min(one.first for one in group),
        last=max(one.last for one in group),
        early=sum(one.early for one in group),
    )
