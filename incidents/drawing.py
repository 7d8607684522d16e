"""What charts are made of: safe readings of payloads, times and numbers in words, a time axis, SVG text.

Payloads come from backends and are hostile until read here: every reader gives a value of the right type or
None, and every text is escaped on its way out. Geometry stands in attributes, colour in classes, so that the
same markup serves pages (no inline style under their policy) and exports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Band = tuple[datetime | None, datetime | None]
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
EARLIEST, LATEST = 0.0, 4_102_444_800.0  # 1970 to 2100: what datetime and people can show
LARGEST = 1e18


def number(value: Any) -> float | None:
    """A finite number of a size that can be drawn; None for anything else, NaN, infinities and booleans."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) < LARGEST else None


def epoch(value: Any) -> float | None:
    """Seconds since the epoch from an aware datetime, an ISO text or a number."""
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        try:
            value = datetime.fromisoformat(value[:40])
        except ValueError:
            return None
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    found = number(value)
    return found if found is not None and EARLIEST <= found <= LATEST else None


def rows(value: Any, most: int = 10_000) -> list[Mapping[str, Any]]:
    """The mappings in a list, at most `most`; an empty list for anything else."""
    return [row for row in value[:most] if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def words(value: Any, most: int = 200) -> str:
    """Plain text on one line, at most `most` characters, without control characters."""
    if value is None:
        return ""
    text = " ".join(str(value)[: most * 2].split())
    text = "".join(sign for sign in text if sign.isprintable())
    return text if len(text) <= most else text[: most - 1] + "…"


def in_zone(zone: tzinfo | str | None) -> tzinfo:
    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone or "UTC")
    except (ValueError, OSError):
        return UTC


def clock(at: float, zone: tzinfo, *, seconds: bool = True) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def quantity(value: float, unit: str = "") -> str:
    """`63 %`, `0.18 s`, `42 requests/s`: three significant figures, large and small ones shortened."""
    if unit == "ratio":
        return f"{significant(value * 100)} %"
    if unit == "bytes":
        size, names = abs(value), ["B", "KiB", "MiB", "GiB", "TiB"]
        while size >= 1024 and len(names) > 1:
            size, value = size / 1024, value / 1024
            names.pop(0)
        return f"{significant(value)} {names[0]}"
    return f"{significant(value)} {unit}".strip()


def significant(value: float) -> str:
    if value and abs(value) < 0.001:
        return f"{value:.1e}"
    for size, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1000 if name == 'k' else size):.3g}{name}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def milliseconds(value: float) -> str:
    return f"{value / 1000:.3g} s" if value >= 10_000 else f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def place(value: float) -> str:
    """A coordinate: one decimal is a tenth of a pixel."""
    return f"{value:.1f}"


def label(x: float, y: float, text: str, *, kind: str = "", anchor: str = "") -> str:
    attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text{attributes} x="{place(x)}" y="{place(y)}">{escape(text)}</text>'


def box(kind: str, x: float, y: float, width: float, height: float, radius: float = 2) -> str:
    size = f'width="{place(max(width, 0.8))}" height="{place(max(height, 0.5))}"'
    return f'<rect class="{kind}" x="{place(x)}" y="{place(y)}" {size} rx="{radius:g}"/>'


def svg(
    width: float, height: float, description: str, parts: Sequence[str], *, data: str = "", wide: bool = False
) -> str:
    kind = "viz viz-w" if wide else "viz"
    about = f'role="img" aria-label="{escape(description)}"'
    return f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" {about}{data}>{"".join(parts)}</svg>'


def smallest_step(times: Sequence[float], default: float) -> float:
    """The smallest distance between two of `times`, which are in order."""
    return min((later - earlier for earlier, later in pairwise(times) if later > earlier), default=default)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Times from `start` to `end` (seconds) drawn from `left` to `right`."""

    start: float
    end: float
    left: float
    right: float
    zone: tzinfo

    def x(self, at: float) -> float:
        share = (at - self.start) / (self.end - self.start)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def ticks(self, most: int = 5) -> Iterator[tuple[float, str]]:
        """Round times of the zone, at most `most`, with their words."""
        length = self.end - self.start
        step = next((size for size in TICKS if length / size <= most), length / most)
        offset = datetime.fromtimestamp(self.start, self.zone).utcoffset()
        shift = offset.total_seconds() if offset else 0.0
        at = math.ceil((self.start + shift) / step) * step - shift
        while at <= self.end:
            local = datetime.fromtimestamp(at, self.zone)
            yield at, local.strftime("%-d %b" if step >= 86_400 else "%H:%M:%S" if step < 60 else "%H:%M")
            at += step

    def words(self, y: float, *, most: int = 5) -> list[str]:
        """The times under the drawing, on the base line `y`."""
        parts = []
        for at, text in self.ticks(most):
            x = self.x(at)
            anchor = "start" if x < self.left + 14 else "end" if x > self.right - 14 else "middle"
            parts.append(label(x, y, text, anchor=anchor))
        return parts

    def hairlines(self, top: float, bottom: float, *, most: int = 5) -> list[str]:
        xs = (place(self.x(at)) for at, _ in self.ticks(most))
        return [f'<path class="ax" d="M{x} {place(top)}V{place(bottom)}"/>' for x in xs]


def time_axis(start: float | None, end: float | None, left: float, right: float, zone: tzinfo) -> TimeAxis | None:
    """None where there is no stretch of time to draw."""
    if start is None or end is None or end <= start:
        return None
    return TimeAxis(start, end, left, right, zone)


def band_of(axis: TimeAxis, band: Band | None, top: float, bottom: float) -> list[str]:
    """The incident; a start before the window or an end that is not there yet draws no edge."""
    start, end = (epoch(band[0]), epoch(band[1])) if band else (None, None)
    if start is None or start >= axis.end or (end is not None and end <= axis.start):
        return []
    left, right = axis.x(start), axis.x(end if end is not None else axis.end)
    parts = [box("band", left, top, right - left, bottom - top, 0)]
    if start >= axis.start:
        parts.append(f'<path class="edge" d="M{place(left)} {place(top - 3)}V{place(bottom)}"/>')
    if end is not None and end <= axis.end:
        parts.append(f'<path class="edge ok" d="M{place(right)} {place(top - 3)}V{place(bottom)}"/>')
    return parts
