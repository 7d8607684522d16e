"""Post-mortems: the list, writing with autosave and preview, reading."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import can_respond
from incidents.actions.postmortem import open_postmortem
from incidents.listing import page_of
from incidents.models import PostMortem
from incidents.models.incident import Incident
from incidents.reading import milestone_track
from incidents.rendering import render_document
from incidents.views.access import permitted, person, visible_incident, visible_postmortem


@require_GET
def postmortem_list(request: HttpRequest) -> HttpResponse:
    seen = Incident.objects.visible_to(person(request))
    chosen = {name: request.GET.get(name, "") for name in ("q", "state")}
    if chosen["q"].strip():
        seen = seen.matching(chosen["q"][:200])
    rows = PostMortem.objects.filter(incident__in=seen).select_related("incident__severity", "edited_by")
    if chosen["state"] in PostMortem.State.values:
        rows = rows.filter(state=chosen["state"])
    owed = Incident.objects.visible_to(person(request)).filter(postmortem=None, severity__needs_postmortem=True)
    missing = owed.filter(closure_reason__in=["", "resolved"])
    context = {
        "page": page_of(request, rows, key="id"),
        "chosen": chosen,
        "narrowed": any(chosen.values()),
        "states": PostMortem.State.choices,
        "missing": missing.select_related("severity")[:5],
        "now": timezone.now(),
    }
    return render(request, "incidents/postmortem_list.html", context)


@require_POST
@permitted
def postmortem_open(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    open_postmortem(incident=incident, by=person(request), now=timezone.now())
    return redirect("postmortem-edit", number)


@require_GET
def postmortem(request: HttpRequest, number: int) -> HttpResponse:
    """The published text; who writes it may also read the draft as it stands with `?draft=1`."""
    row = visible_postmortem(request, number)
    draft = not row.is_published or (request.GET.get("draft") == "1" and can_respond(request.user))
    title, body = (row.title, row.body) if draft else (row.published_title, row.published_body)
    rendered = render_document(body, incident=row.incident, person=person(request))
    reviews = list(row.reviews.select_related("reviewer"))
    context = {
        "postmortem": row,
        "incident": row.incident,
        "title": title,
        "draft": draft,
        "document": rendered,
        "minutes": max(1, len(body.split()) // 220),
        "track": milestone_track(row.incident),
        "reviews": reviews,
        "my_review": next((r for r in reviews if r.reviewer_id == request.user.pk), None),
        "followups": row.incident.followups.select_related("owner"),
        "lessons": row.lessons.all(),
        "can_respond": can_respond(request.user),
        "now": timezone.now(),
    }
    return render(request, "incidents/postmortem.html", context)
