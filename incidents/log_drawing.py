"""A log as an item of evidence: its counts over time, what its lines say in groups, and the lines that tell most.

Payloads are hostile: every value is read through incidents/drawing.py and escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from html import escape
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
    rows,
    smallest_step,
    svg,
    words,
)
from incidents.parts import Part, WrongPart

# Beside its groups an excerpt may be short; without them it says all that there is.
LINES_ALONE, LINES_BESIDE = 14, 8
GROUPS = 4
FEW = 5
MOST_GROUPS = 20
TRENDS = ("new", "more", "steady", "fewer")
_LOUD = {"error": 0, "warning": 2}
_TOLD = {"new": 0, "more": 1, "fewer": 3}
_REDACTED = re.compile(r"\[redacted:([\w.-]{1,60})\]")

Line = tuple[float | None, Mapping[str, Any]]


def log_html(
    payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part, *, whole: bool, folds: bool
) -> str:
    """Where it `folds`, groups beyond the first few wait behind a press; `whole` shows everything that was kept."""
    lines = _chosen_lines(payload, part)
    is_excerpt = not part.lines and not part.most
    groups = "" if part.window or not is_excerpt else _groups(payload, zone, whole=whole, folds=folds)
    most = part.most or (LINES_BESIDE if groups else LINES_ALONE)
    shown = lines if part.lines or whole else _around_errors(lines, most)
    chart = log_histogram(payload, zone=zone, band=band) if is_excerpt else ""
    excerpt = "".join(_line(at, row, zone) for at, row in shown)
    body = (
        f'<pre class="log" tabindex="0" aria-label="Lines of the log">{excerpt}</pre>'
        if excerpt
        else '<p class="sm mut">No line in this stretch.</p>'
    )
    facts = "".join(f"<span>{escape(fact)}</span>" for fact in _facts(payload, len(shown)))
    return (f"<div>{chart}</div>" if chart else "") + groups + body + f'<div class="evd-f">{facts}</div>'


def _facts(payload: Mapping[str, Any], shown: int) -> list[str]:
    total, errors = number(payload.get("total")), number(payload.get("errors"))
    facts = [f"{shown} of {total:,.0f} lines" if total else f"{shown} lines"]
    if errors:
        facts.append(f"{errors:,.0f} with errors")
    pod, container = words(payload.get("pod"), 80), words(payload.get("container"), 60)
    if pod:
        life = ", the container before" if payload.get("previous") is True else ""
        facts.append(f"{container or 'container'} of {pod}{life}")
    return facts


def _groups(payload: Mapping[str, Any], zone: tzinfo, *, whole: bool, folds: bool) -> str:
    """Lines that say the same, once each; "" where nothing is grouped."""
    found = [row for row in rows(payload.get("patterns"), MOST_GROUPS) if words(row.get("pattern"), 10)]
    if not found:
        return ""
    found.sort(key=_weight)
    total = max(number(payload.get("patterns_total")) or 0, len(found))
    first, rest = (found, []) if whole else (found[:GROUPS], found[GROUPS:])
    drawn = _list(first, zone)
    if not rest and total <= len(found):
        return f'<div class="pats">{drawn}</div>'
    more = f"{total - len(first):,.0f} more groups of lines"
    if not rest or not folds:
        return f'<div class="pats">{drawn}<p class="xs mut">{more}</p></div>'
    left = f'<p class="xs mut">{total - len(found):,.0f} more were not kept</p>' if total > len(found) else ""
    return f'<div class="pats">{drawn}<details><summary>{more}</summary>{_list(rest, zone)}{left}</details></div>'


def _weight(row: Mapping[str, Any]) -> tuple[int, float]:
    """The loudest and the newest first: a new warning tells as much as an error that was always there."""
    level, trend, count = str(row.get("level")), str(row.get("trend")), number(row.get("count")) or 0.0
    # A quiet line or two that were not there before are no news.
    told = 2 if level not in _LOUD and count < FEW else _TOLD.get(trend, 2)
    return _LOUD.get(level, 4) + told, -count


def _list(found: list[Mapping[str, Any]], zone: tzinfo) -> str:
    return f'<ul aria-label="Groups of lines">{"".join(_group(row, zone) for row in found)}</ul>'


def _group(row: Mapping[str, Any], zone: tzinfo) -> str:
    count, trend = number(row.get("count")) or 0.0, str(row.get("trend"))
    first, last = epoch(row.get("first_at")), epoch(row.get("last_at"))
    told = [f'<b class="num">{count:,.0f}×</b>']
    if trend in TRENDS:
        told.append(f'<span class="trend trend-{trend}">{trend}</span>')
    level = str(row.get("level"))
    if level in _LOUD:
        told.append(f"<span>{level}</span>")
    if first is not None:
        until = f" to {clock(last, zone)}" if last is not None and last - first >= 1 else ""
        told.append(f"<span>{clock(first, zone)}{until}</span>")
    text = _REDACTED.sub(r"<b>redacted:\1</b>", escape(words(row.get("pattern"), 240)))
    text = text.replace("&lt;*&gt;", "<i>…</i>")
    kind = {"error": ' class="e"', "warning": ' class="w"'}.get(level, "")
    return f"<li{kind}><code>{text}</code><div>{''.join(told)}</div></li>"


def _around_errors(lines: list[Line], most: int) -> list[Line]:
    """The stretch of `most` lines that starts two before the first error, or the last ones where there is none."""
    if len(lines) <= most:
        return lines
    first = next((at for at, (_, row) in enumerate(lines) if row.get("level") == "error"), None)
    start = len(lines) - most if first is None else min(max(0, first - 2), len(lines) - most)
    return lines[start : start + most]


def _line(at: float | None, row: Mapping[str, Any], zone: tzinfo) -> str:
    time = f"<i>{clock(at, zone)}</i> " if at is not None else ""
    text = "".join(sign if sign.isprintable() else " " for sign in str(row.get("text") or "")[:2_000].rstrip())
    marked = _REDACTED.sub(r"<b>redacted:\1</b>", escape(text))
    kind = ' class="e"' if row.get("level") == "error" else ""
    return f"<span{kind}>{time}{marked}</span>"


def _chosen_lines(payload: Mapping[str, Any], part: Part) -> list[Line]:
    lines = [(epoch(row.get("at")), row) for row in rows(payload.get("lines"), 2_000)]
    if part.lines:
        if part.lines[0] > len(lines):
            first, last = part.lines
            raise WrongPart(f"lines={first}-{last}: this log has {len(lines)} lines; expected numbers up to that.")
        lines = lines[part.lines[0] - 1 : part.lines[1]]
    if part.window:
        start, end = part.window
        lines = [(at, row) for at, row in lines if at is not None and start <= at <= end]
    return lines


def log_histogram(
    payload: Mapping[str, Any],
    *,
    band: Band | None = None,
    zone: tzinfo | str | None = None,
    width: int = 420,
    height: int = 54,
) -> str:
    """Lines a step, errors in front, with the first error named."""
    zone = in_zone(zone)
    bars = _log_bars(payload)
    if not bars:
        return ""
    step = smallest_step([at for at, _, _ in bars], 60.0)
    axis = TimeAxis(bars[0][0], bars[-1][0] + step, 2, width - 2, zone)
    top, bottom = 12.0, height - 16.0
    most = max(count for _, count, _ in bars) or 1.0
    wide = max(1.0, (axis.right - axis.left) / max(1, round((axis.end - axis.start) / step)) - 1)
    parts = band_of(axis, band, top, bottom)
    for at, count, errors in bars:
        size, bad = (bottom - top) * count / most, (bottom - top) * errors / most
        if count > errors:
            parts.append(box("bar", axis.x(at), bottom - size, wide, size, 0.8))
        if errors:
            parts.append(box("bar-b", axis.x(at), bottom - bad, wide, bad, 0.8))
    first = _first_error(payload, bars)
    if first is not None:
        anchor = "end" if axis.x(first) > axis.right - 130 else ""
        parts.append(label(axis.x(first), 8, f"first error {clock(first, zone)}", kind="hot", anchor=anchor))
    parts += axis.words(height - 4, most=4)
    return svg(width, height, _log_in_numbers(bars, axis, first), parts)


def _log_bars(payload: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    """(time, lines, of them errors) in order of time."""
    bars = []
    for row in rows(payload.get("histogram"), 400):
        at, count = epoch(row.get("at")), number(row.get("count"))
        if at is not None and count is not None and count >= 0:
            bars.append((at, count, min(max(number(row.get("errors")) or 0.0, 0.0), count)))
    return sorted(bars)


def _first_error(payload: Mapping[str, Any], bars: list[tuple[float, float, float]]) -> float | None:
    """When the first line with an error was written; where that one was counted but not read, its bar's beginning."""
    bar = next((at for at, _, errors in bars if errors), None)
    known = [*rows(payload.get("patterns"), 50), *rows(payload.get("lines"), 2_000)]
    times = [epoch(row.get("first_at") or row.get("at")) for row in known if row.get("level") == "error"]
    first = min((at for at in times if at is not None), default=None)
    step = smallest_step([at for at, _, _ in bars], 60.0)
    return bar if first is None or (bar is not None and first >= bar + step) else first


def _log_in_numbers(bars: list[tuple[float, float, float]], axis: TimeAxis, first: float | None) -> str:
    total, wrong = sum(count for _, count, _ in bars), sum(errors for _, _, errors in bars)
    stretch = f"{clock(axis.start, axis.zone)} to {clock(axis.end, axis.zone)}"
    told = f"{total:,.0f} lines from {stretch}, {wrong:,.0f} with errors"
    return told + (f", the first at {clock(first, axis.zone)}." if first is not None else ".")
