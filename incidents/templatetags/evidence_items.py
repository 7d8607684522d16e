"""An evidence item as it stands on a page."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.core.cache import cache
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.templatetags.ui import icon, outcome
from incidents.embeds import evidence_html
from incidents.models import Evidence, Incident

register = template.Library()
ICONS = {
    "event": "box",
    "state_change": "git-compare",
    "log": "file-text",
    "metric": "chart-line",
    "trace": "list-tree",
    "alert": "bell",
    "backup": "archive",
    "annotation": "bookmark",
    "link": "external-link",
}
FLAGS = {
    "truncated": "a limit cut it: there was more",
    "partial": "in part: its source could not give all of it",
    "sampled": "a sample: others may have matched as well",
}


@register.simple_tag
def evidence_item(item: Evidence, incident: Incident, whole: bool = False) -> SafeString:
    """Head with E-n, the thing itself (`whole`: all that was kept of it), and where it came from."""
    flag = next((name for name in ("truncated", "partial") if item.flags.get(name)), "")
    address = f"/incidents/{incident.number}/evidence/{item.number}/"
    head = format_html(
        '<div class="evd-h">{}<h3>{}</h3>{}<a class="ev" href="{}">E-{}</a></div>',
        icon(ICONS.get(item.type, "link")),
        item.title,
        outcome(flag) if flag else "",
        address,
        item.number,
    )
    body = _drawn(item, incident, whole)
    return format_html(
        '<article class="evd" id="E-{}">{}{}<div class="evd-f">{}</div></article>',
        item.number,
        head,
        mark_safe(body),  # noqa: S308 - built by incidents.embeds, which escapes every value
        _foot(item),
    )


@register.simple_tag
def tried_item(observation: dict[str, Any]) -> SafeString:
    """What a query that was tried out brought, drawn as evidence would be."""
    kind, title = str(observation.get("type") or ""), str(observation.get("title") or "")
    zone = timezone.get_current_timezone()
    body = evidence_html(kind, title, observation.get("payload"), zone=zone)
    head = format_html('<div class="evd-h">{}<h3>{}</h3></div>', icon(ICONS.get(kind, "link")), title)
    return format_html(
        '<article class="evd">{}{}</article>',
        head,
        mark_safe(body),  # noqa: S308 - built by incidents.embeds, which escapes every value
    )


def _drawn(item: Evidence, incident: Incident, whole: bool) -> str:
    """What the source said, drawn once for each reader's zone and each band: the hash says whether it is the same."""
    zone, band = timezone.get_current_timezone(), incident.band()
    key = (
        f"drawn:{item.pk}:{item.sha256}:{whole:d}:{zone}:{band[0].timestamp()}:{band[1].timestamp() if band[1] else 0}"
    )
    body: str | None = cache.get(key)
    if body is None:
        body = evidence_html(item.type, item.title, item.payload, zone=zone, band=band, whole=whole)
        cache.set(key, body, timeout=600)
    return body


def _foot(item: Evidence) -> SafeString:
    utc = item.first_at.astimezone(UTC)
    local = item.first_at.astimezone(timezone.get_current_timezone())
    parts: list[str] = [
        format_html(
            '<span title="{} UTC">{}, {}</span>', f"{utc:%Y-%m-%d %H:%M:%S}", item.source_name, f"{local:%H:%M:%S}"
        )
    ]
    parts += [format_html("<span>{}</span>", told) for flag, told in FLAGS.items() if item.flags.get(flag)]
    if item.redactions:
        total = sum(int(count) for count in item.redactions.values())
        parts.append(format_html("<span>{} blacked out</span>", total))
    parts.extend(_links(item))
    return mark_safe("".join(parts))  # noqa: S308 - parts come from format_html


def _links(item: Evidence) -> list[str]:
    """Addresses of http and https alone; a backend's own text is hostile."""
    found: list[str] = []
    for link in item.links[:3]:
        url = str(link.get("url", ""))
        if urlsplit(url).scheme in {"http", "https"}:
            kind = "btn btn-xs" if item.type == "link" else ""
            title = link.get("title") or "Open"
            found.append(
                format_html(
                    '<a class="{}" href="{}" rel="noopener noreferrer">{}{}</a>',
                    kind,
                    url,
                    icon("external-link") if kind else "",
                    title,
                )
            )
    return found


@register.simple_tag
def kubernetes_subject(subject: dict[str, Any]) -> SafeString:
    pairs = [
        (key, subject[key]) for key in ("kind", "namespace", "name", "container", "node", "uid") if subject.get(key)
    ]
    return format_html_join("", "<dt>{}</dt><dd><code>{}</code></dd>", ((escape(k).capitalize(), v) for k, v in pairs))
