"""The inside of an evidence item: what the incident page, the figures of a post-mortem and the exports show.

Payloads are hostile: every value is read through incidents/drawing.py and escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from html import escape
from typing import Any

from incidents.charts import line_chart, log_histogram, series_name, trace_waterfall
from incidents.drawing import Band, clock, epoch, in_zone, milliseconds, number, quantity, rows, words

LOG_LINES = 14
LISTED = 12
_REDACTED = re.compile(r"\[redacted:([\w.-]{1,60})\]")


def evidence_html(
    type: str,
    title: str,
    payload: Any,
    *,
    zone: tzinfo | str | None = None,
    band: Band | None = None,
    options: Mapping[str, str] | None = None,
) -> str:
    """Trusted HTML for one item of evidence; never raises, whatever the payload holds.

    `options` are those of an embed: `from` and `to` as HH:MM or HH:MM:SS in `zone` narrow a chart or a log,
    `lines` says how many log lines are shown (1 to 100).
    """
    body = payload if isinstance(payload, Mapping) else {}
    place = in_zone(zone)
    draw = _DRAWN.get(str(type), _facts)
    return draw(body, place, band, options or {}) or f'<p class="sm mut">{escape(words(title) or "No details.")}</p>'


def _metric(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, options: Mapping[str, str]) -> str:
    chart = line_chart(_narrowed(payload, zone, options), zone=zone, band=band)
    if not chart:
        return '<p class="sm mut">No finite value in this window.</p>'
    unit = words(payload.get("unit"), 20)
    series = rows(payload.get("series"), 50)
    facts = []
    if len(series) > 1:
        dropped = number(payload.get("dropped_series"))
        facts.append(f"{len(series)} series{f', {dropped:.0f} more left out' if dropped else ''}")
    peak = payload.get("peak")
    if isinstance(peak, Mapping) and (value := number(peak.get("value"))) is not None:
        name = series_name(peak.get("labels")) if len(series) > 1 else ""
        facts.append(f"peak {quantity(value, unit)}{f' in {name}' if name else ''}")
    if (usual := number(payload.get("baseline_median"))) is not None:
        facts.append(f"median before {quantity(usual, unit)}, dashed")
    if (step := number(payload.get("step_seconds"))) is not None:
        facts.append(f"step {step:g} s")
    query = words(payload.get("expr"), 600)
    code = f'<code class="q" title="{escape(query)}">{escape(query)}</code>' if query else ""
    return f"<div>{chart}{code}{_foot(facts)}</div>"


def _log(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, options: Mapping[str, str]) -> str:
    window = _window(payload, zone, options)
    wanted = number(options.get("lines"))
    most = int(min(max(wanted, 1), 100)) if wanted is not None else LOG_LINES
    lines = []
    for row in rows(payload.get("lines"), 2_000):
        at = epoch(row.get("at"))
        if window is None or (at is not None and window[0] <= at <= window[1]):
            lines.append((at, row))
    shown = _around_errors(lines, most)
    excerpt = "".join(_log_line(at, row, zone) for at, row in shown)
    total = number(payload.get("total"))
    facts = [f"{len(shown)} of {total:,.0f} lines" if total else f"{len(shown)} lines"]
    pod, container = words(payload.get("pod"), 80), words(payload.get("container"), 60)
    if pod:
        life = ", the container before" if payload.get("previous") is True else ""
        facts.append(f"{container or 'container'} of {pod}{life}")
    chart = log_histogram(payload, zone=zone, band=band)
    body = (
        f'<pre class="log" tabindex="0">{excerpt}</pre>'
        if excerpt
        else '<p class="sm mut">No line in this stretch.</p>'
    )
    return (f"<div>{chart}</div>" if chart else "") + body + f"<div>{_foot(facts)}</div>"


def _around_errors(
    lines: list[tuple[float | None, Mapping[str, Any]]], most: int
) -> list[tuple[float | None, Mapping[str, Any]]]:
    """The stretch of `most` lines that starts two before the first error, or the last ones where there is none."""
    if len(lines) <= most:
        return lines
    first = next((at for at, (_, row) in enumerate(lines) if row.get("level") == "error"), None)
    start = len(lines) - most if first is None else min(max(0, first - 2), len(lines) - most)
    return lines[start : start + most]


def _log_line(at: float | None, row: Mapping[str, Any], zone: tzinfo) -> str:
    time = f"<i>{clock(at, zone)}</i> " if at is not None else ""
    text = "".join(sign if sign.isprintable() else " " for sign in str(row.get("text") or "")[:2_000].rstrip())
    marked = _REDACTED.sub(r"<b>redacted:\1</b>", escape(text))
    kind = ' class="e"' if row.get("level") == "error" else ""
    return f"<span{kind}>{time}{marked}</span>"


def _trace(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, options: Mapping[str, str]) -> str:
    chart = trace_waterfall(payload)
    if not chart:
        return ""
    facts = []
    if name := words(payload.get("trace_id"), 64):
        facts.append(f"trace {name[:16]}")
    if (start := epoch(payload.get("start_at"))) is not None:
        facts.append(f"began {clock(start, zone)}")
    if (length := number(payload.get("duration_ms"))) is not None:
        facts.append(f"took {milliseconds(length)}")
    failed = [row for row in rows(payload.get("spans"), 2_000) if row.get("error") is True]
    told = words(failed[0].get("message"), 200) if failed else ""
    message = f'<p class="xs bad">{escape(told)}</p>' if told else ""
    return f"<div>{chart}{message}{_foot(facts)}</div>"


def _change(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, options: Mapping[str, str]) -> str:
    differences = rows(payload.get("diff"), 60)
    if not differences:
        return _facts(payload, zone, band, options)
    parts = []
    for row in differences:
        before, after = words(row.get("before"), 200), words(row.get("after"), 200)
        old = f"<del>{escape(before)}</del>" if before else '<span class="dim">none</span>'
        new = f"<ins>{escape(after)}</ins>" if after else '<span class="dim">none</span>'
        at = epoch(row.get("at"))
        path = (f"{clock(at, zone)} " if at is not None else "") + words(row.get("path"), 120)
        parts.append(f"<dt>{escape(path)}</dt><dd>{old}{new}</dd>")
    facts = [f"cause: {cause}"] if (cause := words(payload.get("cause"), 200)) else []
    if (count := number(payload.get("replicas"))) is not None:
        facts.append(f"{count:.0f} replicas")
    return f'<div><dl class="diff">{"".join(parts)}</dl>{_foot(facts)}</div>'


def _event(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, options: Mapping[str, str]) -> str:
    message = words(payload.get("message"), 1_000)
    first, last, count = epoch(payload.get("first_at")), epoch(payload.get("last_at")), number(payload.get("count"))
    facts = [f"×{count:.0f}"] if count and count > 1 else []
    if first is not None:
        lasted = last is not None and last - first >= 1
        facts.append(clock(first, zone) + (f" until {clock(last, zone)}" if lasted and last is not None else ""))
    for name in ("reporter", "node"):
        if told := words(payload.get(name), 120):
            facts.append(f"{name} {told}")
    if payload.get("combined") is True:
        facts.append("Kubernetes wrote similar Events into one")
    return f'<div><p class="sm">{escape(message) or "No message."}</p>{_foot(facts)}</div>'


def _facts(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, options: Mapping[str, str]) -> str:
    """Whatever the payload says in words, as name and value; times in the reader's zone."""
    parts = []
    for name, value in list(payload.items())[:60]:
        if isinstance(value, Mapping):
            value = ", ".join(f"{words(key, 60)}={words(inner, 120)}" for key, inner in list(value.items())[:LISTED])
        elif isinstance(value, list | tuple):
            value = ", ".join(_listed(inner) for inner in value[:LISTED])
        elif isinstance(value, bool):
            value = "yes" if value else ""
        elif str(name).endswith("_at") or name in ("at", "since"):
            at = epoch(value)
            value = clock(at, zone) if at is not None else value
        text = words(value, 400)
        if text and name != "change":
            told = words(str(name).removesuffix("_at").replace("_", " "), 60)
            parts.append(f"<dt>{escape(told)}</dt><dd>{escape(text)}</dd>")
    return f'<dl class="kv">{"".join(parts[:24])}</dl>' if parts else ""


def _listed(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(words(inner, 80) for inner in list(value.values())[:5])
    return words(value, 120)


def _foot(facts: list[str]) -> str:
    inside = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
    return f'<div class="evd-f">{inside}</div>' if inside else ""


def _narrowed(payload: Mapping[str, Any], zone: tzinfo, options: Mapping[str, str]) -> Mapping[str, Any]:
    window = _window(payload, zone, options)
    return {**payload, "window": {"start": window[0], "end": window[1]}} if window else payload


def _window(payload: Mapping[str, Any], zone: tzinfo, options: Mapping[str, str]) -> tuple[float, float] | None:
    """The stretch that `from` and `to` name on the day the payload begins; None where they name none."""
    whole = payload.get("window")
    whole = whole if isinstance(whole, Mapping) else {}
    start = epoch(whole.get("start")) or epoch(payload.get("first_at"))
    end = epoch(whole.get("end")) or epoch(payload.get("last_at"))
    if start is None or end is None or not (options.get("from") or options.get("to")):
        return None
    left = _at(options.get("from"), start, zone) or start
    right = _at(options.get("to"), max(left, start), zone) or end
    return (left, right) if left < right else None


def _at(text: str | None, after: float, zone: tzinfo) -> float | None:
    """HH:MM as the first such time from the hour of `after` on."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text or "")
    if not found or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        return None
    day = datetime.fromtimestamp(after, zone)
    moment = day.replace(hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0), microsecond=0)
    if (day - moment) > timedelta(hours=12):
        moment += timedelta(days=1)
    return moment.timestamp()


_DRAWN: dict[str, Callable[[Mapping[str, Any], tzinfo, Band | None, Mapping[str, str]], str]] = {
    "metric": _metric,
    "log": _log,
    "trace": _trace,
    "state_change": _change,
    "event": _event,
}
