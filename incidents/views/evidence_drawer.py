"""The drawer beside the text, and the dialog that embeds a part of an item or a stretch of the timeline."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from incidents.choosing import chosen_options, drawer_panel, markup, timeline_sources
from incidents.choosing import evidence_part as part_of_evidence
from incidents.models.timeline import EntrySource
from incidents.parts import ALLOWED
from incidents.rendering import stretch_html
from incidents.views.access import visible_incident


@require_GET
def drawer(request: HttpRequest, number: int) -> HttpResponse:
    """The items alone, for htmx; anew for a filter, or the next ones with `from`."""
    incident = visible_incident(request, number)
    context = {"incident": incident, "evidence": drawer_panel(incident, request.GET), "narrowed": bool(request.GET)}
    return render(request, "incidents/_drawer_items.html", context)


@require_GET
def evidence_part(request: HttpRequest, number: int, evidence: int) -> HttpResponse:
    """The dialog's inside; with `preview=1` only what changes while somebody chooses."""
    incident = visible_incident(request, number)
    item = get_object_or_404(incident.evidence, number=evidence)
    options = chosen_options(request.GET, ALLOWED.get(item.type, ("caption",)))
    first, last = request.GET.get("first", "").strip(), request.GET.get("last", "").strip()
    if item.type == "log" and first:
        options["lines"] = f"{first[:9]}-{(last or first)[:9]}"
    context = {"incident": incident, **part_of_evidence(item, incident, options)}
    name = "_part_preview" if request.GET.get("preview") else "_part"
    return render(request, f"incidents/{name}.html", context)


@require_GET
def timeline_part(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    options = chosen_options(request.GET, ("from", "to", "caption"))
    if sources := [one for one in request.GET.getlist("source") if one in EntrySource.values]:
        options["source"] = ",".join(sources)
    if request.GET.get("pinned") == "1":
        options["pinned"] = "1"
    context = {
        "incident": incident,
        "drawn": stretch_html(options, incident),
        "markup": markup("timeline", options),
        "sources": timeline_sources(),
        "options": options,
    }
    name = "_part_preview" if request.GET.get("preview") else "_part"
    return render(request, f"incidents/{name}.html", context)
