"""The menu of formats, for the pages of whatever can be exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from knowledge.exports.formats import FORMATS

register = template.Library()


@register.inclusion_tag("knowledge/_export_menu.html", takes_context=True)
def export_menu(
    context: Mapping[str, Any], subject: str, ref: int, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """`query` is how a list is narrowed on its page."""
    groups: dict[str, list[Any]] = {}
    for form in FORMATS[subject].values():
        groups.setdefault(form.group, []).append(form)
    token = context.get("csrf_token")
    return {"subject": subject, "ref": ref, "query": query or {}, "groups": groups.items(), "csrf_token": token}
