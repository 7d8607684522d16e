"""The timeline's next page and what people do to its lines; evidence items on demand."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import can_respond
from accounts.problems import InvalidInput
from incidents.actions.timeline import add_note, change_entry
from incidents.forms import NoteForm
from incidents.glance import draw
from incidents.reading import evidence_panel, loud_lines, record_gaps, timeline_page
from incidents.views.access import deed, permitted, person, visible_incident


@require_GET
def timeline(request: HttpRequest, number: int) -> HttpResponse:
    """Lines alone: the whole list anew for a filter, or the next page with `after`."""
    incident = visible_incident(request, number)
    if not request.headers.get("HX-Request"):
        return redirect(f"{incident.get_absolute_url()}?{request.GET.urlencode()}")
    page = timeline_page(incident, request.GET)
    name = "_timeline_lines" if request.GET.get("after") else "_timeline"
    context = {"incident": incident, "timeline": page, "can_respond": can_respond(request.user)}
    return render(request, f"incidents/{name}.html", context)


@require_GET
def glance(request: HttpRequest, number: int) -> HttpResponse:
    """The lane chart, asked for after the page: it reads every loud line."""
    incident = visible_incident(request, number)
    gaps = [(gap.start, gap.end) for gap in record_gaps(incident)]
    drawn = draw(loud_lines(incident), incident.milestone_times(), timezone.get_current_timezone(), gaps)
    return HttpResponse(drawn or "")


@require_GET
def evidence_items(request: HttpRequest, number: int) -> HttpResponse:
    """The panel beside the timeline, anew after a collection."""
    incident = visible_incident(request, number)
    context = {"incident": incident, "evidence": evidence_panel(incident, request.GET)}
    return render(request, "incidents/_evidence_panel.html", context)


@require_GET
def evidence_list(request: HttpRequest, number: int) -> HttpResponse:
    """Every item with search and filter: a page of its own, or the panel's next items for htmx."""
    incident = visible_incident(request, number)
    panel = evidence_panel(incident, request.GET, size=24, tallied=True)
    context = {"incident": incident, "evidence": panel, "can_respond": can_respond(request.user)}
    partial = request.headers.get("HX-Request")
    return render(request, f"incidents/{'_evidence_items' if partial else 'evidence_list'}.html", context)


@require_GET
def evidence(request: HttpRequest, number: int, evidence: int) -> HttpResponse:
    incident = visible_incident(request, number)
    item = get_object_or_404(incident.evidence.select_related("run"), number=evidence)
    context = {"incident": incident, "item": item, "lines": item.entries.all()[:20]}
    return render(request, "incidents/evidence.html", context)


@require_POST
@permitted
def note(request: HttpRequest, number: int) -> HttpResponse:
    """A refused note comes back with the text in its field."""
    incident = visible_incident(request, number)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            add_note(incident=incident, by=person(request), now=timezone.now(), **form.cleaned_data)
            return redirect(f"{incident.get_absolute_url()}#h-tl")
        except InvalidInput as problem:
            for field, text in problem.errors.items():
                form.add_error(field, text[:1].upper() + text[1:])
    return render(request, "incidents/note.html", {"incident": incident, "form": form}, status=422)


@require_POST
@permitted
def entry(request: HttpRequest, number: int, entry: int) -> HttpResponse:
    """`pinned=1|0`, `hidden=1|0`."""
    incident = visible_incident(request, number)
    row = get_object_or_404(incident.timeline.select_related("evidence", "actor"), pk=entry)
    wanted = {name: request.POST[name] == "1" for name in ("pinned", "hidden") if name in request.POST}
    pinned, hidden = wanted.get("pinned"), wanted.get("hidden")
    if request.headers.get("HX-Request"):
        change_entry(entry=row, by=person(request), now=timezone.now(), pinned=pinned, hidden=hidden)
        context = {"incident": incident, "entry": row, "can_respond": can_respond(request.user)}
        return render(request, "incidents/_timeline_entry.html", context)
    back = reverse("incident", args=[number]) + "#h-tl"
    return deed(
        request,
        lambda: change_entry(entry=row, by=person(request), now=timezone.now(), pinned=pinned, hidden=hidden),
        done="",
        to=back,
    )
