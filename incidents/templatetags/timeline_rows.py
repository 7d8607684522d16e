"""The timeline's lines as HTML: escaped strings built in Python, because a page shows a hundred of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from itertools import groupby, takewhile
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.templatetags.ui import icon
from incidents import chat_line
from incidents.models import TimelineEntry
from incidents.reading import RecordGap
from telemetry.signals import BY_NAME

register = template.Library()
ICONS = {
    "event": "box",
    "change": "git-compare",
    "alert": "bell",
    "log": "file-text",
    "trace": "list-tree",
    "metric": "chart-line",
    "backup": "archive",
    "annotation": "bookmark",
    "chat": "message",
    "note": "pencil",
}
WORDS = {
    "event": "Kubernetes Event",
    "change": "State change",
    "alert": "Alert",
    "log": "Log",
    "trace": "Trace",
    "metric": "Metric",
    "backup": "Backup",
    "annotation": "Annotation",
    "chat": "Chat",
    "note": "Note",
}
TONES = {"error": " is-bad", "warning": " is-warn", "normal": " is-min"}
MILESTONE_TONES = {"impact_started": " is-bad", "mitigated": " is-ok", "resolved": " is-ok", "closed": " is-ok"}
FOLD_ALIKE = 3


@register.simple_tag(takes_context=True)
def timeline_lines(
    context: template.Context,
    lines: Iterable[TimelineEntry],
    number: int,
    may_change: bool,
    gaps: Iterable[RecordGap] = (),
) -> SafeString:
    """All lines of one page: minute heads, milestones, folded Normal Events, runs of alike lines folded, gaps."""
    zone, token = timezone.get_current_timezone(), _token(context, may_change)
    parts: list[str] = []
    waiting = list(gaps)
    for minute, group in groupby(lines, key=lambda entry: entry.occurred_at.replace(second=0, microsecond=0)):
        rows = list(group)
        parts += _gaps_until(waiting, minute, zone)
        parts.append(_minute(minute, len(rows), zone))
        for folded, chunk in _folds(rows):
            parts += _gaps_until(waiting, chunk[0].occurred_at, zone)
            rendered = "".join(_row(entry, number, token, zone) for entry in chunk)
            parts.append(_fold(chunk, rendered) if folded else rendered)
    parts += [_gap(gap, zone) for gap in waiting]
    return mark_safe("".join(parts))  # noqa: S308 - every value passed escape()


@register.simple_tag(takes_context=True)
def timeline_line(context: template.Context, entry: TimelineEntry, number: int, may_change: bool) -> SafeString:
    """One line, as htmx swaps it after a pin or a hide."""
    row = _row(entry, number, _token(context, may_change), timezone.get_current_timezone())
    return mark_safe(row)  # noqa: S308 - escaped within


def _token(context: template.Context, may_change: bool) -> str:
    """What the small forms send along, so that they work without scripts; empty for who may not change a line."""
    return escape(str(context.get("csrf_token") or "-")) if may_change else ""


def _folds(rows: list[TimelineEntry]) -> Iterator[tuple[bool, list[TimelineEntry]]]:
    """Neighbours that are alike: any two Normal Events, or the same title of the same source."""

    def alike(entry: TimelineEntry) -> Any:
        if entry.pinned or entry.hidden or entry.source in {"milestone", "note", "chat"}:
            return entry.pk
        signal = _signal(entry)
        return "normal" if entry.level == "normal" and not signal else (entry.source, entry.title, signal)

    for key, group in groupby(rows, key=alike):
        chunk = list(group)
        yield (key == "normal" and len(chunk) > 1) or len(chunk) >= FOLD_ALIKE, chunk


def _minute(minute: datetime, count: int, zone: tzinfo) -> str:
    local, utc = minute.astimezone(zone), minute.astimezone(UTC)
    lines = "1 line" if count == 1 else f"{count} lines"
    return f'<li class="tl-min"><h3 title="{utc:%Y-%m-%d %H:%M} UTC">{local:%H:%M}</h3><span>{lines}</span></li>'


def _gaps_until(waiting: list[RecordGap], moment: datetime, zone: tzinfo) -> list[str]:
    """Takes those that began by then out of `waiting`."""
    found = []
    while waiting and waiting[0].start <= moment:
        found.append(_gap(waiting.pop(0), zone))
    return found


def _gap(gap: RecordGap, zone: tzinfo) -> str:
    start, end = (
        f'<time datetime="{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" title="{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC">'
        f"{at.astimezone(zone):%H:%M:%S}</time>"
        for at in (gap.start, gap.end)
    )
    return (
        f'<li class="tl-gap">Gap in the record {start}–{end}: {escape(gap.reason)}. '
        f"It concerns {escape(gap.what)} of {escape(gap.source)}.</li>"
    )


def _fold(chunk: list[TimelineEntry], rendered: str) -> str:
    titles = Counter(entry.title for entry in chunk)
    named = [f"{escape(title)}{f' ×{count}' if count > 1 else ''}" for title, count in titles.most_common(3)]
    more = " …" if len(titles) > 3 else ""
    badge = _signal(chunk[0], linked=False)
    what = "Normal events" if chunk[0].level == "normal" and not badge else "alike"
    return (
        f'<li><details class="tl-folded"><summary class="tl-fold">{icon("chevron-right")}'
        f"<span>{len(chunk)} {what}: {', '.join(named)}{more}{badge}</span></summary><ol>{rendered}</ol></details></li>"
    )


def _row(entry: TimelineEntry, number: int, token: str, zone: tzinfo) -> str:
    if entry.source == "milestone":
        return _milestone(entry, zone)
    local, utc = entry.occurred_at.astimezone(zone), entry.occurred_at.astimezone(UTC)
    tone = TONES.get(entry.level, "") if entry.source != "note" else ""
    tone += " is-pin" if entry.pinned else ""
    tone += " is-off" if entry.hidden else ""
    symbol = (
        {"error": "alert-circle", "warning": "alert-triangle"}.get(entry.level) if entry.source == "event" else None
    )
    chip = "<span></span>"
    if entry.evidence is not None:
        key = entry.evidence.number
        chip = f'<a class="ev" href="/incidents/{number}/evidence/{key}/">E-{key}</a>'
    return (
        f'<li class="tl-row{tone}" id="line-{entry.pk}">'
        f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}" title="{utc:%Y-%m-%d %H:%M:%S} UTC">{local:%H:%M:%S}</time>'
        f"{icon(symbol or ICONS.get(entry.source, 'point'))}"
        f'<div class="tl-b"><div class="tl-h"><span class="visually-hidden">{WORDS.get(entry.source, "")}: </span>'
        f"<b>{escape(entry.title)}</b>{_subject(entry)}{_span(entry, zone)}{_signal(entry)}{_marks(entry)}</div>{_detail(entry)}</div>"
        f"{chip}{_deeds(entry, number, token) if token else '<span></span>'}</li>"
    )


def _milestone(entry: TimelineEntry, zone: tzinfo) -> str:
    local, utc = entry.occurred_at.astimezone(zone), entry.occurred_at.astimezone(UTC)
    tone = MILESTONE_TONES.get(str(entry.detail.get("milestone")), "")
    by = f"<small>set by {escape(entry.actor.display_name)}</small>" if entry.actor else ""
    return (
        f'<li class="tl-mile{tone}">{icon("point")}<span>{escape(entry.title)} '
        f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}" title="{utc:%Y-%m-%d %H:%M:%S} UTC">{local:%H:%M:%S}</time></span>{by}</li>'
    )


def _subject(entry: TimelineEntry) -> str:
    return f" <code>{escape(entry.subject)}</code>" if entry.subject else ""


def _span(entry: TimelineEntry, zone: tzinfo) -> str:
    parts = [f"×{entry.count}"] if entry.count > 1 else []
    if entry.until is not None and (entry.until - entry.occurred_at).total_seconds() >= 1:
        parts.append(f"until {entry.until.astimezone(zone):%H:%M:%S}")
    return f' <span class="x">{" ".join(parts)}</span>' if parts else ""


def _signal(entry: TimelineEntry, *, linked: bool = True) -> str:
    """The badge of the rule that recognised it; a name of another release stays itself."""
    name = entry.detail.get("signal") if isinstance(entry.detail, dict) else None
    if not name:
        return ""
    rule = BY_NAME.get(str(name))
    if rule is None or not linked:
        return f' <span class="tagx sig">{escape(rule.label if rule else name)}</span>'
    return f' <a class="tagx sig" href="/signals/#{rule.name}" title="{escape(rule.why)}">{escape(rule.label)}</a>'


def _marks(entry: TimelineEntry) -> str:
    return chat_line.marks(entry.detail) if entry.source == "chat" else ""


def _detail(entry: TimelineEntry) -> str:
    if entry.source == "chat":
        return chat_line.body(entry.text, entry.detail)
    rows = entry.detail.get("diff") if isinstance(entry.detail, dict) else None
    if rows:
        shown = "".join(
            f"<dt>{escape(row.get('path', ''))}</dt><dd>{_side('del', before)}{_side('ins', after)}</dd>"
            for row in rows[:8]
            for before, after in [_without_path(row.get("before"), row.get("after"))]
        )
        more = f'<p class="xs mut">and {len(rows) - 8} more</p>' if len(rows) > 8 else ""
        return f'<div class="tl-d"><dl class="diff">{shown}</dl>{more}</div>'
    if not entry.text:
        return ""
    whole = entry.detail.get("update") if isinstance(entry.detail, dict) else None
    text = entry.text if whole or len(entry.text) <= 400 else f"{entry.text[:400]}…"
    return f'<div class="tl-d tl-text">{escape(text)}</div>'


def _without_path(before: Any, after: Any) -> tuple[Any, Any]:
    """Two images of one repository differ in their tag: the folders they share are left to the evidence page."""
    if not isinstance(before, str) or not isinstance(after, str):
        return before, after
    shared = "".join(
        one for one, other in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    ).rpartition("/")[0]
    if len(shared) < 8:
        return before, after
    return f"…{before[len(shared) :]}", f"…{after[len(shared) :]}"


def _side(tag: str, value: Any) -> str:
    text = "" if value is None else str(value)
    return f"<{tag}>{escape(text if len(text) <= 120 else text[:120] + '…') or '–'}</{tag}>"


def _deeds(entry: TimelineEntry, number: int, token: str) -> str:
    """Two small forms: they work without scripts, and htmx swaps the line alone."""
    pin = ("Unpin", "pinned", "0", "true") if entry.pinned else ("Pin", "pin", "1", "false")
    hide = ("Show again", "eye", "0", "true") if entry.hidden else ("Hide from the timeline", "eye-off", "1", "false")
    forms = "".join(
        f'<button class="ib" name="{name}" value="{value}" aria-label="{label}" title="{label}" '
        f'aria-pressed="{pressed}">{icon(symbol)}</button>'
        for name, (label, symbol, value, pressed) in (("pinned", pin), ("hidden", hide))
    )
    address = f"/incidents/{number}/timeline/{entry.pk}/"
    return (
        f'<form class="tl-act" method="post" action="{address}" hx-post="{address}" hx-target="#line-{entry.pk}" '
        f'hx-swap="outerHTML"><input type="hidden" name="csrfmiddlewaretoken" value="{token}">{forms}</form>'
    )
