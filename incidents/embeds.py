"""The inside of an evidence item: what the incident page, the figures of a post-mortem and the exports show.

Payloads are hostile: every value is read through incidents/drawing.py and escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from html import escape
from typing import Any

from incidents.charts import common_labels, line_chart, series_name, trace_waterfall
from incidents.drawing import Band, clock, epoch, in_zone, milliseconds, number, quantity, rows, words
from incidents.log_drawing import log_html
from incidents.parts import Part, WrongPart, part_of
from incidents.strips import STATES, alert_span, recovery_legend, recovery_strip
from telemetry.collectors import recovery

LISTED = 12


def evidence_html(
    type: str,
    title: str,
    payload: Any,
    *,
    zone: tzinfo | str | None = None,
    band: Band | None = None,
    options: Mapping[str, str] | None = None,
    whole: bool = False,
) -> str:
    """Trusted HTML for one item of evidence; never raises, whatever the payload holds.

    `options` are those of an embed (incidents/parts.py): which part is shown. Times in them are UTC, whatever `zone`
    the reader has. Where they cannot be read, the sentence that says so stands in place of the item. Without them it is
    an item on a page, where what is long is folded, or with `whole` shown in full.
    """
    body = payload if isinstance(payload, Mapping) else {}
    place = in_zone(zone)
    draw = _DRAWN.get(str(type), _facts)
    try:
        part = part_of(str(type), options or {}, *covered(body))
        if str(type) == "log":
            drawn = log_html(body, place, band, part, whole=whole, folds=options is None)
        else:
            drawn = draw(body, place, band, part)
    except WrongPart as problem:
        return wrong(str(problem))
    return drawn or f'<p class="sm mut">{escape(words(title) or "No details.")}</p>'


def wrong(sentence: str) -> str:
    """What stands in place of a figure whose options cannot be read."""
    return f'<p class="sm warn">{escape(sentence)}</p>'


def _metric(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
    if part.series:
        payload = _one_series(payload, part.series)
    if part.window:
        payload = {**payload, "window": {"start": part.window[0], "end": part.window[1]}}
    chart = line_chart(payload, zone=zone, band=band)
    if not chart:
        return '<p class="sm mut">No finite value in this window.</p>'
    unit = words(payload.get("unit"), 20)
    series = rows(payload.get("series"), 50)
    facts = [series_name(series[0].get("labels"))] if part.series else []
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
    expr = payload.get("expr")
    query = words(expr, 600) if isinstance(expr, str) else ""
    code = f'<code class="q" title="{escape(query)}">{escape(query)}</code>' if query else ""
    return f"<div>{chart}{code}{_foot(facts)}</div>"


def _trace(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
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
    if isinstance(payload.get("critical"), list) and payload["critical"]:
        facts.append("heavy: on the critical path")
    failed = [row for row in rows(payload.get("spans"), 2_000) if row.get("error") is True]
    if failed:
        facts.append(f"✕ failed: {len(failed)} of {len(rows(payload.get('spans'), 2_000))} spans")
    told = words(max(failed, key=lambda row: number(row.get("start_ms")) or 0.0).get("message"), 200) if failed else ""
    message = f'<p class="xs bad">{escape(told)}</p>' if told else ""
    return f"<div>{chart}{message}{_foot(facts)}</div>"


def _change(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
    differences = rows(payload.get("diff"), 60)
    if not differences:
        return _facts(payload, zone, band, part)
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


def _event(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
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


def _alert(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
    """How long it fired, its words and its labels."""
    annotations, labels = payload.get("annotations"), payload.get("labels")
    told = annotations if isinstance(annotations, Mapping) else {}
    sentence = words(told.get("description") or told.get("summary") or told.get("message"), 600)
    left_out = words(told.get("truncated_alerts"), 10)
    facts = [f"{words(name, 40)}={words(value, 80)}" for name, value in _pairs(labels) if name != "alertname"][:LISTED]
    first, last = epoch(payload.get("first_at")), epoch(payload.get("last_at"))
    if first is not None and last is not None:
        facts.insert(0, f"{recovery.lasted(last - first)}{', still firing' if payload.get('ongoing') is True else ''}")
    elif first is not None:
        facts.insert(0, f"began {clock(first, zone)}")
    if left_out:
        facts.append(f"{left_out} more alerts of its group were left out by the sender")
    text = f'<p class="sm">{escape(sentence)}</p>' if sentence else ""
    return f"<div>{alert_span(payload, zone=zone, band=band)}{text}{_foot(facts)}</div>"


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return sorted((str(name), item) for name, item in list(value.items())[:60]) if isinstance(value, Mapping) else []


def _backup(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
    """A strip of recovery points; a restore in words."""
    if payload.get("restore") is True:
        shown = {name: payload.get(name) for name in ("state", "of", "covers", "started_at", "finished_at", "reason")}
        return _facts(shown, zone, band, part)
    if not isinstance(payload.get("points"), list):
        return _facts(payload, zone, band, part)
    age = number(payload.get("age_seconds"))
    newest = payload.get("newest_usable")
    name = words(newest.get("name"), 120) if isinstance(newest, Mapping) else ""
    told = (
        f'<p class="sm">Newest usable before the incident: <b>{escape(recovery.lasted(age))}</b> before, {escape(name)}</p>'
        if age is not None
        else '<p class="sm bad">No usable recovery point before the incident.</p>'
        if payload.get("is_known") is not False
        else '<p class="sm warn">Not known: no object from before the incident is left.</p>'
    )
    bad = [row for row in rows(payload.get("points"), 200) if str(row.get("state")) in {"failed", "partial", "unknown"}]
    listed = "".join(
        f"<dt>{escape(words(row.get('name'), 120))}</dt><dd>{STATES[str(row.get('state'))]}: "
        f"{escape(words(row.get('reason'), 300) or 'no reason told')}</dd>"
        for row in bad[-4:]
    )
    facts = [tool] if (tool := words(payload.get("tool"), 40)) else []
    total, shown_ = number(payload.get("points_total")), len(rows(payload.get("points"), 200))
    facts.append(f"{shown_} of {total:.0f} points" if total and total > shown_ else f"{shown_} points")
    if cron := words(payload.get("schedule"), 60):
        facts.append(f"schedule {cron}{', paused' if payload.get('paused') is True else ''}")
    notes = payload.get("notes")
    facts += [words(note, 200) for note in notes[:4]] if isinstance(notes, list) else []
    chart = recovery_strip(payload, zone=zone) + recovery_legend(payload)
    details = f'<dl class="kv">{listed}</dl>' if listed else ""
    return f"<div>{chart}{told}{details}{_foot(facts)}</div>"


def _annotation(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
    text = words(payload.get("text"), 1_000)
    first, last = epoch(payload.get("first_at")), epoch(payload.get("last_at"))
    facts = []
    if first is not None:
        lasted = last is not None and last - first >= 1
        facts.append(clock(first, zone) + (f" until {clock(last, zone)}" if lasted and last is not None else ""))
    tags = payload.get("tags")
    facts += [words(tag, 60) for tag in tags[:LISTED]] if isinstance(tags, list) else []
    if dashboard := words(payload.get("dashboard"), 120):
        facts.append(f"dashboard {dashboard}")
    return f'<div><p class="sm">{escape(text) or "No text."}</p>{_foot(facts)}</div>'


def _link(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
    """A dashboard at its times; the address itself stands with the item."""
    name, (start, end) = words(payload.get("dashboard"), 120), covered(payload)
    if not name or start is None or end is None:
        return _facts(payload, zone, band, part)
    return f'<p class="sm">{clock(start, zone)} to {clock(end, zone)} on the dashboard {escape(name)}</p>'


def _facts(payload: Mapping[str, Any], zone: tzinfo, band: Band | None, part: Part) -> str:
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


def covered(payload: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """From when to when the item speaks, as far as its payload says so."""
    whole = payload.get("window")
    whole = whole if isinstance(whole, Mapping) else {}
    start = epoch(whole.get("start")) or epoch(payload.get("first_at"))
    end = epoch(whole.get("end")) or epoch(payload.get("last_at"))
    if start is None or end is None:
        times = [at for row in rows(payload.get("lines"), 2_000) if (at := epoch(row.get("at"))) is not None]
        start, end = start or min(times, default=None), end or max(times, default=None)
    return start, end


def _one_series(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The payload with the one series that bears `name`: as the chart tells it from its neighbours, or in full."""
    series = rows(payload.get("series"), 50)
    known = named_series(payload)
    found = [row for row, own in zip(series, known, strict=True) if name in (own, series_name(row.get("labels")))]
    if not found:
        told = "; ".join(known[:6]) if any(known) else ""
        expected = f"expected one of: {told}" if told else "it has one series without a name, so leave the option out"
        raise WrongPart(f"This chart has no series “{name[:60]}”: {expected}.")
    return {**payload, "series": found[:1], "peak": None, "dropped_series": None, "baseline_median": None}


def named_series(payload: Mapping[str, Any]) -> list[str]:
    """What each series of a metric is called beside its neighbours, in the order of the payload."""
    series = rows(payload.get("series"), 50)
    labels = [row["labels"] for row in series if isinstance(row.get("labels"), Mapping)]
    common = common_labels(labels) if len(labels) > 1 else {}
    return [series_name(row.get("labels"), common) or series_name(row.get("labels")) for row in series]


_DRAWN: dict[str, Callable[[Mapping[str, Any], tzinfo, Band | None, Part], str]] = {
    "metric": _metric,
    "trace": _trace,
    "state_change": _change,
    "event": _event,
    "alert": _alert,
    "backup": _backup,
    "annotation": _annotation,
    "link": _link,
}
