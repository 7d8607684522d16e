"""`{% seen_before %}` on the page of an incident: what knowledge knows of it, which incidents need not know of."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from accounts.permissions import can_respond
from incidents.models import Incident
from knowledge.seen_before import seen_before as read

register = template.Library()


@register.inclusion_tag("knowledge/_seen_before.html", takes_context=True)
def seen_before(context: Context, incident: Incident) -> dict[str, Any]:
    request = context["request"]
    return {
        "incident": incident,
        "known": read(incident, request.user),
        "can_respond": can_respond(request.user),
        "csrf_token": context.get("csrf_token"),
        "request": request,
    }
