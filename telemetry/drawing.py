"""Small SVG pictures of the archive, as strings: counts over time, and what of a day is covered.

Places along the time are in per cent, heights in pixels, so that a picture fills the room that was kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from html import escape

from telemetry.browsing import Bar
from telemetry.coverage import Coverage

TOP, BASE, HEIGHT = 14, 96, 116
LABELS = 6
DAY_SECONDS = 86_400


def counts_chart(bars: Sequence[Bar], *, end: datetime, zone: tzinfo, words: str) -> str:
    """Stacked bars, warnings at the foot; `words` tell the same to who cannot see it. "" where nothing is counted."""
    most = max((bar.warnings + bar.others for bar in bars), default=0)
    if not most:
        return ""
    width = 100 / len(bars)
    parts = [f'<line class="ax" x1="0" x2="100%" y1="{BASE}" y2="{BASE}"/>']
    for place, bar in enumerate(bars):
        foot = float(BASE)
        for count, kind in ((bar.warnings, "bar-w"), (bar.others, "bar")):
            if count:
                height = max(count / most * (BASE - TOP), 1.5)
                foot -= height
                parts.append(
                    f'<rect class="{kind}" x="{place * width:.3f}%" y="{foot:.1f}" '
                    f'width="{width * 0.82:.3f}%" height="{height:.1f}"/>'
                )
    parts.append(f'<text class="lab" x="0" y="10">{most:,}</text>')
    parts += _times(bars, end, zone)
    return f'<svg class="viz counts" width="100%" height="{HEIGHT}" role="img" aria-label="{escape(words)}">{"".join(parts)}</svg>'


def _times(bars: Sequence[Bar], end: datetime, zone: tzinfo) -> list[str]:
    shape = "%a %-d %b" if (end - bars[0].at).total_seconds() > 3 * DAY_SECONDS else "%H:%M"
    every = max(1, -(-len(bars) // LABELS))
    return [
        f'<text x="{place * 100 / len(bars):.2f}%" y="{HEIGHT - 4}">{bar.at.astimezone(zone):{shape}}</text>'
        for place, bar in enumerate(bars)
        if place % every == 0
    ]


def coverage_bar(coverage: Coverage, *, start: datetime, end: datetime, zone: tzinfo) -> str:
    """Solid where recorded, a mark for each gap, dashed where nothing is."""
    parts = []
    if coverage.start is None or coverage.end is None:
        parts.append('<rect class="none" x="0.5%" y="2.5" width="99%" height="7" rx="1"/>')
    else:
        left, right = min(_share(coverage.start, start, end), 99), _share(coverage.end, start, end)
        if left > 1:
            parts.append(f'<rect class="none" x="0.5%" y="2.5" width="{left - 0.5:.2f}%" height="7" rx="1"/>')
        parts.append(
            f'<rect class="bar-g soft" x="{left:.2f}%" y="2" width="{max(right - left, 1):.2f}%" height="8" rx="1"/>'
        )
        if right < 99:
            parts.append(f'<rect class="none" x="{right:.2f}%" y="2.5" width="{99.5 - right:.2f}%" height="7" rx="1"/>')
        for gap in coverage.gaps:
            at, until = _share(gap.start, start, end), _share(gap.end, start, end)
            parts.append(
                f'<rect class="bar-b" x="{at:.2f}%" y="1" width="{max(until - at, 1):.2f}%" height="10" rx="1"/>'
            )
    words = escape(coverage_words(coverage, zone))
    return f'<svg class="viz cover" width="100%" height="12" role="img" aria-label="{words}">{"".join(parts)}</svg>'


def coverage_words(coverage: Coverage, zone: tzinfo) -> str:
    """`recorded 06:10–07:02, gap 06:31–06:33 (the reason)`; days are named where there are several."""
    if coverage.start is None or coverage.end is None:
        return "nothing recorded"
    start, end = coverage.start.astimezone(zone), coverage.end.astimezone(zone)
    dated = start.date() != end.date()
    told = [f"recorded {_stretch(start, end, dated)}"]
    for gap in coverage.gaps[:3]:
        stretch = _stretch(gap.start.astimezone(zone), gap.end.astimezone(zone), dated)
        told.append(f"gap {stretch} ({gap.reason})")
    if len(coverage.gaps) > 3:
        told.append(f"{len(coverage.gaps) - 3} more gaps")
    return ", ".join(told)


def _stretch(start: datetime, end: datetime, dated: bool) -> str:
    """Seconds where minutes would say that nothing lies between; a day is named once."""
    shape = "%H:%M:%S" if (end - start).total_seconds() < 60 else "%H:%M"
    day = "%a %-d %b "
    first = f"{start:{day if dated else ''}{shape}}"
    return f"{first}–{end:{day if dated and start.date() != end.date() else ''}{shape}}"


def _share(at: datetime, start: datetime, end: datetime) -> float:
    """Per cent of the way from start to end."""
    share = (at - start).total_seconds() / max((end - start).total_seconds(), 1)
    return min(max(share, 0.0), 1.0) * 100
