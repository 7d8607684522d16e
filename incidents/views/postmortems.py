"""Post-mortems: the list, and reading one."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import can_respond
from incidents.actions.postmortem import open_postmortem
from incidents.listing import page_of
from incidents.markdown import Heading
from incidents.models import PostMortem
from incidents.models.incident import Incident
from incidents.readiness import reviews_of
from incidents.reading import milestone_track, outcomes
from incidents.related import related_incidents
from incidents.rendering import render_document
from incidents.views.access import permitted, person, visible_incident, visible_postmortem
from incidents.views.comments import comments_context

VERSIONS = 50


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
    """The published text; who writes or reviews it may also read the draft as it stands with `?draft=1`."""
    row, me = visible_postmortem(request, number), person(request)
    asks_draft = request.GET.get("draft") == "1" or not row.is_published
    reviews = list(reviews_of(row, None if asks_draft else row.published_at))
    mine = next((one for one in reviews if one.reviewer_id == me.pk), None)
    draft = not row.is_published or (asks_draft and (can_respond(me) or mine is not None))
    title, body = (row.title, row.body) if draft else (row.published_title, row.published_body)
    document = render_document(body, incident=row.incident, person=me)
    outcome = outcomes(row.incident)
    publications = list(row.publications.defer("body").select_related("published_by")[:VERSIONS])
    context = {
        **(comments_context(request, row) if draft else {}),
        "postmortem": row,
        "incident": row.incident,
        "title": title,
        "draft": draft,
        "document": document,
        "minutes": max(1, len(body.split()) // 220),
        "track": milestone_track(row.incident),
        "reviews": reviews,
        "my_review": mine,
        "publications": publications,
        "first_at": publications[-1].published_at if publications else None,
        "comment_count": row.comments.filter(resolved_at=None, parent=None).count(),
        "followups": row.incident.followups.select_related("owner", "team"),
        "lessons": row.lessons.all(),
        "related": related_incidents(row.incident, me),
        "not_collected": [] if _tells_of_gaps(document.headings) else [*outcome.failed, *outcome.in_part],
        "can_respond": can_respond(request.user),
        "now": timezone.now(),
    }
    return render(request, "incidents/postmortem.html", context)


def _tells_of_gaps(headings: Iterable[Heading]) -> bool:
    return any("not be collected" in heading.title.lower() for heading in headings)
