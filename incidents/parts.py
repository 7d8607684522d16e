"""Which part of an item an embed shows: `from` and `to`, `lines`, `series`. Plain Python.

The text is one for all its readers, so its times are UTC whatever zone a reader has. Options that cannot be read
raise `WrongPart` with a sentence that stands in place of the figure: nothing is ignored in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST_LINES = 100
ALLOWED = {
    "metric": ("from", "to", "series", "caption"),
    "log": ("from", "to", "lines", "caption"),
    "timeline": ("from", "to", "source", "pinned", "caption"),
}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?Z?")
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{1,2}):(\d{2})(?::(\d{2}))?Z?")
_TIMES = "a time in UTC such as 06:37, 06:37:20 or 2026-11-21T06:37"


class WrongPart(ValueError):
    """The message is a whole sentence: which option, and what is expected."""


@dataclass(frozen=True, slots=True)
class Part:
    """`window` in seconds since the epoch; `lines` counted from 1, both ends included; `most` lines where no range is
    named."""

    window: tuple[float, float] | None = None
    lines: tuple[int, int] | None = None
    most: int | None = None
    series: str = ""


def check_options(type: str, options: Mapping[str, str]) -> None:
    """`options[""]` is what could not be read as name=value."""
    allowed = ALLOWED.get(type, ("caption",))
    if rest := options.get(""):
        raise WrongPart(f"“{_short(rest)}” cannot be read here: expected {_listed(allowed)}, each as name=value.")
    for name in options:
        if name not in allowed:
            noun = "The timeline" if type == "timeline" else f"An item of the kind {type.replace('_', ' ')}"
            raise WrongPart(f"{noun} has no option {_short(name)}: expected {_listed(allowed)}.")


def part_of(type: str, options: Mapping[str, str], start: float | None, end: float | None) -> Part:
    """The part that `options` name of an item that covers `start` to `end`."""
    check_options(type, options)
    lines, most = _lines(options.get("lines"))
    series = options.get("series", "")
    if "series" in options and not series.strip():
        raise WrongPart("The option series is empty: expected the name of a series as the chart shows it.")
    return Part(window_of(options, start, end), lines, most, series.strip())


def window_of(options: Mapping[str, str], start: float | None, end: float | None) -> tuple[float, float] | None:
    """The stretch that `from` and `to` name; a time without a date is the one nearest to what the item covers."""
    if "from" not in options and "to" not in options:
        return None
    if start is None or end is None:
        raise WrongPart("This item says no times, so from and to choose nothing of it: leave them out.")
    left = _at("from", options["from"], start, start, end) if "from" in options else start
    right = _at("to", options["to"], max(left, start), start, end) if "to" in options else end
    if left >= right:
        raise WrongPart(f"from={_spoken(left, start)} to={_spoken(right, start)}: expected from before to.")
    if right < start or left > end:
        covers = f"{_spoken(start, start, dated=True)} to {_spoken(end, start, dated=True)} UTC"
        raise WrongPart(f"Nothing lies between from and to: expected times within {covers}.")
    return left, right


def _at(name: str, text: str, after: float, start: float, end: float) -> float:
    text = text.strip()
    try:
        if found := _MOMENT.fullmatch(text):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        if found := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in found.groups())
            day_of = datetime.fromtimestamp(after, UTC)
            moment = day_of.replace(hour=hour, minute=minute, second=second, microsecond=0)
            days = [(moment + timedelta(days=shift)).timestamp() for shift in (-1, 0, 1)]
            return min(days, key=lambda at: (max(start - at, at - end, 0.0), at < after, abs(at - after)))
    except (ValueError, OverflowError):
        pass
    raise WrongPart(f"{name}={_short(text) or 'nothing'} cannot be read: expected {_TIMES}.")


def _lines(text: str | None) -> tuple[tuple[int, int] | None, int | None]:
    if text is None:
        return None, None
    found = re.fullmatch(r"\s*(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?\s*", text)
    if not found:
        raise WrongPart(f"lines={_short(text) or 'nothing'} cannot be read: expected a count such as 3, or 12-14.")
    first, last = int(found[1]), int(found[2] or 0)
    if found[2] is None:
        if not 1 <= first <= MOST_LINES:
            raise WrongPart(f"lines={first}: expected 1 to {MOST_LINES} lines.")
        return None, first
    if not 1 <= first <= last or last - first >= MOST_LINES:
        raise WrongPart(f"lines={first}-{last}: expected two line numbers in order, at most {MOST_LINES} lines apart.")
    return (first, last), None


def _spoken(at: float, start: float, *, dated: bool = False) -> str:
    moment, day = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(start, UTC)
    if dated or moment.date() != day.date():
        return f"{moment:%Y-%m-%dT%H:%M:%S}"
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 40 else f"{flat[:39]}…"
