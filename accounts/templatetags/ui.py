"""The words with a shape: `{% load ui %}`. Tags for hot rows are plain functions, without an include."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, HiddenInput, RadioSelect, Select
from django.forms.boundfield import BoundWidget
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.templatetags import words

register = template.Library()


@lru_cache(maxsize=1)
def _digests() -> dict[str, str]:
    found = finders.find("debrief/manifest.json")
    if not isinstance(found, str):
        return {}
    outputs: dict[str, str] = json.loads(Path(found).read_text())["outputs"]
    return outputs


@register.simple_tag
@lru_cache(maxsize=64)
def asset(name: str) -> str:
    """Address of a file of static/debrief with its digest: a new release never meets an old copy."""
    digest = _digests().get(name, "")[:10]
    address = static(f"debrief/{name}")
    return f"{address}?v={digest}" if digest else address


@lru_cache(maxsize=512)
def _icon(name: str, extra: str) -> SafeString:
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#i-{}"/></svg>',
        f" {extra}" if extra else "",
        asset("icons.svg"),
        name,
    )


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """A decorative icon of the sprite; `extra` adds classes, such as `icon-lg` or `spin`."""
    return _icon(str(name), str(extra))


@register.simple_tag
def when(value: datetime | None, style: str = "full", now: datetime | None = None) -> SafeString:
    """`<time>` in the reader's zone, UTC in its title. Styles: time, minute, date, day, full, relative."""
    if value is None:
        return mark_safe('<span class="dim">not set</span>')
    local = value.astimezone(timezone.get_current_timezone())
    shown = words.moment(local, style) if style != "relative" else words.ago(value, now or timezone.now())
    utc = value.astimezone(words.UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        shown,
    )


@register.simple_tag
def zone_name() -> str:
    """The zone that times on this page are shown in, such as UTC or Europe/Berlin."""
    return timezone.get_current_timezone_name()


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as people say them: 38 s, 5 min 19 s, 2 h 5 min, 3 d 4 h; nothing for None."""
    return words.span(seconds)


@register.simple_tag
def repeats(count: int, first_at: datetime | None = None, last_at: datetime | None = None) -> SafeString:
    """`×10 until 06:39:40`; a single thing that lasted is `until …`, a single moment nothing."""
    lasted = first_at is not None and last_at is not None and (last_at - first_at).total_seconds() >= 1
    until = ""
    if lasted and last_at is not None:
        until = f"until {words.moment(last_at.astimezone(timezone.get_current_timezone()), 'time')}"
    parts = [f"×{count}" if count > 1 else "", until]
    text = " ".join(part for part in parts if part)
    return format_html('<span class="x">{}</span>', text) if text else SafeString("")


@register.simple_tag
def severity(value: Any, solid: bool = False) -> SafeString:
    """Anything with `.rank` 1–4 and `.name`; None says that it is not rated yet."""
    if value is None:
        return mark_safe('<span class="sev sev-4 dim">Not rated</span>')
    rank = min(max(int(getattr(value, "rank", 4)), 1), 4)
    shape = " solid" if solid else ""
    return format_html('<span class="sev sev-{}{}">{}{}</span>', rank, shape, _icon(f"sev-{rank}", ""), value.name)


@register.simple_tag
def status(value: Any, solid: bool = False) -> SafeString:
    """An incident, a post-mortem or its status word, as a pie that fills."""
    word = str(getattr(value, "status", value))
    kind, symbol, label = words.STATUS.get(word, ("", "circle", word.replace("_", " ").capitalize()))
    shape = " solid" if solid else ""
    return format_html('<span class="st{}{}">{}{}</span>', kind and f" {kind}", shape, _icon(symbol, ""), label)


@register.simple_tag
def outcome(value: Any) -> SafeString:
    """How a query of a source ended, from a run or from the word itself; `running` and `waiting` too."""
    word = str(getattr(value, "status", value))
    kind, symbol, label = words.OUTCOME.get(word, ("out-n", "help-circle", word.replace("_", " ").capitalize()))
    spin = "spin" if word == "running" else ""
    return format_html('<span class="out {}">{}{}</span>', kind, _icon(symbol, spin), label)


@register.simple_tag
def avatar(user: Any) -> SafeString:
    """The initials in a ring; the name is its label."""
    if user is None:
        return SafeString("")
    name = str(getattr(user, "display_name", user))
    initials = getattr(user, "initials", None) or name[:2].upper()
    ring = words.ring(name)
    return format_html(
        '<span class="av av-{}" title="{}" role="img" aria-label="{}">{}</span>', ring, name, name, initials
    )


@register.simple_tag
def person(user: Any, role: str = "") -> SafeString:
    """Avatar, name and, where given, what they do here; None is "nobody yet"."""
    if user is None:
        return mark_safe('<span class="dim">nobody yet</span>')
    name = str(getattr(user, "display_name", user))
    part = format_html(' <span class="dim">{}</span>', role) if role else SafeString("")
    ring = format_html(
        '<span class="av av-{}" aria-hidden="true">{}</span>',
        words.ring(name),
        getattr(user, "initials", name[:2]),
    )
    return format_html('<span class="flow tight">{}<span>{}{}</span></span>', ring, name, part)


@register.simple_tag
def ev(reference: Any, href: str = "") -> SafeString:
    """The chip of E-7, linked to the item on this page unless another address is given."""
    text = str(reference)
    return format_html('<a class="ev" href="{}">{}</a>', href or f"#{text}", text)


@register.simple_tag(takes_context=True)
def here(context: template.Context, *sections: str) -> SafeString:
    """`aria-current="page"` when the page's url name starts with one of `sections`."""
    match = getattr(context.get("request"), "resolver_match", None)
    name = (match.url_name if match else None) or ""
    current = name.split("-")[0] in sections
    return mark_safe(' aria-current="page"') if current else SafeString("")


@register.inclusion_tag("components/_field.html")
def field(bound: BoundField, hint: str = "", optional: bool = False) -> dict[str, Any]:
    """Label, input, help and errors of one form field, wired together for screen readers."""
    widget = bound.field.widget
    described = []
    hint = hint or str(bound.help_text or "")
    if hint:
        described.append(f"{bound.id_for_label}_hint")
    if bound.errors:
        described.append(f"{bound.id_for_label}_error")
    attrs: dict[str, str | bool] = {"class": _field_class(widget) + (" is-invalid" if bound.errors else "")}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    group = isinstance(widget, CheckboxSelectMultiple | RadioSelect)
    return {
        "bound": bound,
        "control": "" if group else bound.as_widget(attrs=attrs),
        "options": _options(bound, attrs) if group else [],
        "hint": hint,
        "optional": optional,
        "check": isinstance(widget, CheckboxInput),
        "group": group,
        "hidden": isinstance(widget, HiddenInput),
    }


def _options(bound: BoundField, attrs: dict[str, str | bool]) -> list[BoundWidget]:
    """One control for each choice of a group; the group's own box carries none of its classes."""
    given = {**attrs, "id": bound.auto_id or bound.html_name}
    inner = bound.field.widget.subwidgets(bound.html_name, bound.value(), attrs=given)
    return [BoundWidget(bound.field.widget, one, bound.form.renderer) for one in inner]


def _field_class(widget: Any) -> str:
    if isinstance(widget, CheckboxInput | CheckboxSelectMultiple | RadioSelect):
        return "form-check-input"
    own = str(widget.attrs.get("class") or "")
    return f"{'form-select' if isinstance(widget, Select) else 'form-control'} {own}".rstrip()


@register.filter
def joined(values: Any, separator: str = ", ") -> SafeString:
    """The values escaped and joined, for rows that need no loop of their own."""
    return mark_safe(separator.join(conditional_escape(value) for value in values))  # noqa: S308 - each value is escaped
