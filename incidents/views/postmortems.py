"""Post-mortems: the list, writing with autosave and preview, reading."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents.actions.postmortem import open_postmortem, save_postmortem
from incidents.listing import page_of
from incidents.models import PostMortem
from incidents.models.incident import Incident
from incidents.models.postmortem import BODY_LIMIT
from incidents.reading import evidence_panel, milestone_track
from incidents.rendering import render_document
from incidents.views.access import permitted, person, said, visible_incident, visible_postmortem
from incidents.views.reviews import review_context


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


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_edit(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    row = visible_postmortem(request, number)
    context: dict[str, Any] = {"title": row.title, "body": row.body, "version": row.resource_version}
    status = 200
    if request.method == "POST":
        context = {name: request.POST.get(name, "") for name in ("title", "body", "version")}
        try:
            save_postmortem(
                postmortem=row,
                based_on=_version(context["version"]),
                title=context["title"],
                body=context["body"],
                by=person(request),
                now=timezone.now(),
            )
        except StaleWrite as stale:
            context |= {"conflict": stale.current, "version": context["version"]}
            status = 409
        except InvalidInput as problem:
            context["errors"] = problem.errors
            status = 422
        else:
            messages.success(request, "Saved.")
            return redirect("postmortem-edit", number)
    context |= {
        "postmortem": row,
        "incident": row.incident,
        "document": render_document(context["body"], incident=row.incident, person=person(request)),
        "evidence": evidence_panel(row.incident, request.GET, size=30),
        **review_context(request, row),
        "limit": BODY_LIMIT,
        "now": timezone.now(),
    }
    return render(request, "incidents/postmortem_edit.html", context, status=status)


@require_POST
@permitted
def postmortem_autosave(request: HttpRequest, number: int) -> HttpResponse:
    """JSON for the editor: the new version, or 409 with the text that stands."""
    row = visible_postmortem(request, number)
    try:
        saved = save_postmortem(
            postmortem=row,
            based_on=_version(request.POST.get("version", "")),
            title=request.POST.get("title", ""),
            body=request.POST.get("body", ""),
            by=person(request),
            now=timezone.now(),
        )
    except StaleWrite as stale:
        current: PostMortem = stale.current
        answer = {
            "current_version": current.resource_version,
            "current_title": current.title,
            "current_body": current.body,
            "by": current.edited_by.display_name if current.edited_by else "Debrief",
            "at": current.updated_at.isoformat(),
        }
        return JsonResponse(answer, status=409)
    except InvalidInput as problem:
        return JsonResponse({"errors": problem.errors, "detail": said(problem)}, status=422)
    return JsonResponse({"version": saved.resource_version, "saved_at": saved.updated_at.isoformat()})


@require_POST
def postmortem_preview(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    document = render_document(request.POST.get("body", ""), incident=incident, person=person(request))
    return render(request, "incidents/_document.html", {"document": document})


def _version(written: str) -> int:
    """Anything but a number is never the current version, so that it cannot overwrite."""
    return int(written) if written.isascii() and written.isdigit() and len(written) < 18 else -1
