"""Words about archived Events and their recording: `{% load archive %}`."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.templatetags import words
from telemetry.models import ClusterEvent
from telemetry.signals import BY_NAME

register = template.Library()


@register.simple_tag
def spanned(row: ClusterEvent) -> SafeString:
    """`×10 since 06:31:02` beside the time when it was last seen; nothing for a single moment."""
    zone = timezone.get_current_timezone()
    first, last = row.first_at.astimezone(zone), row.last_at.astimezone(zone)
    least = "at least " if row.is_lower_bound else ""
    parts = [f"{least}×{row.count:,}" if row.count > 1 or row.is_lower_bound else ""]
    if (last - first).total_seconds() >= 1:
        day = f"{words.moment(first, 'day')} " if first.date() != last.date() else ""
        parts.append(f"since {day}{words.moment(first, 'time')}")
    text = " ".join(part for part in parts if part)
    return format_html('<span class="x">{}</span>', text) if text else SafeString("")


@register.simple_tag
def signal_badge(name: str) -> SafeString:
    """What a rule recognised, and why it matters on hover; a name of an older release stays itself."""
    if not name:
        return SafeString("")
    rule = BY_NAME.get(name)
    return format_html(
        '<span class="tagx sig" title="{}">{}</span>', rule.why if rule else "", rule.label if rule else name
    )


@register.simple_tag
def about_query(row: ClusterEvent) -> str:
    """Everything about the object of this Event, in all time."""
    return urlencode(
        {"window": "all", "cluster": row.cluster.name, "kind": row.about_kind, "object": row.about_name}
        | ({"namespace": row.namespace} if row.namespace else {})
    )
