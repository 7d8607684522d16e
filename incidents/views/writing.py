"""Writing a post-mortem: the page with its editor, saving without a socket, the preview, texts that were set aside."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.middleware import POLICY
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents.actions.postmortem import save_postmortem, settle_aside
from incidents.choosing import drawer_panel
from incidents.comparing import compared, composed
from incidents.models import PostMortem, SetAside
from incidents.models.postmortem import BODY_LIMIT
from incidents.rendering import render_document
from incidents.views.access import permitted, person, said, visible_incident, visible_postmortem
from incidents.views.reviews import review_context
from incidents.writing.documents import current_text, open_document


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_edit(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    row = visible_postmortem(request, number)
    guid = open_document(row.pk, timezone.now()).guid
    if request.method == "GET":
        settled = current_text(row.pk, timezone.now())
        row.title, row.body, row.resource_version = settled.title, settled.body, settled.resource_version
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
    # CodeMirror writes its own style elements; they carry this word, which no text on the page can know.
    nonce = secrets.token_urlsafe(16)
    context |= {
        "postmortem": row,
        "incident": row.incident,
        "guid": guid,
        "nonce": nonce,
        "aside": waiting_aside(row),
        "document": render_document(context["body"], incident=row.incident, person=person(request)),
        "evidence": drawer_panel(row.incident, QueryDict()),
        **review_context(request, row),
        "limit": BODY_LIMIT,
        "now": timezone.now(),
    }
    response = render(request, "incidents/postmortem_edit.html", context, status=status)
    response["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'nonce-{nonce}'"
    return response


@require_POST
@permitted
def postmortem_autosave(request: HttpRequest, number: int) -> HttpResponse:
    """JSON for the editor without a socket: the new version, or 409 with the text that stands."""
    row = visible_postmortem(request, number)
    body = request.POST.get("body", "").replace("\r\n", "\n")
    try:
        saved = save_postmortem(
            postmortem=row,
            based_on=_version(request.POST.get("version", "")),
            title=request.POST.get("title", ""),
            body=body,
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
    answer = {"version": saved.resource_version, "saved_at": saved.updated_at.isoformat()}
    if saved.body != body:
        # What others wrote in the meantime is in the text now.
        answer["merged_body"] = saved.body
    return JsonResponse(answer)


@require_POST
def postmortem_preview(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    document = render_document(request.POST.get("body", ""), incident=incident, person=person(request))
    return render(request, "incidents/_document.html", {"document": document})


@require_GET
@permitted
def postmortem_asides(request: HttpRequest, number: int) -> HttpResponse:
    """The banner of the editor, anew."""
    row = visible_postmortem(request, number)
    return render(request, "incidents/_aside.html", {"aside": waiting_aside(row), "incident": row.incident})


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_aside(request: HttpRequest, number: int, aside: int) -> HttpResponse:
    """Compare a text that could not be merged with the one that stands, and choose for each difference."""
    require_respond(request.user)
    row = visible_postmortem(request, number)
    kept = get_object_or_404(SetAside.objects.select_related("author", "settled_by"), postmortem=row, pk=aside)
    now = timezone.now()
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            _settle(request, kept, now)
        except StaleWrite:
            errors = {"": "The text changed while you compared. The differences below are those of now."}
        except InvalidInput as problem:
            errors = problem.errors
        else:
            messages.success(request, "Settled. Both texts stay in the history.")
            return redirect("postmortem-edit", number)
    settled = current_text(row.pk, now)
    context = {
        "postmortem": row,
        "incident": row.incident,
        "kept": kept,
        "version": settled.resource_version,
        "parts": compared(settled.body, kept.body),
        "errors": errors,
    }
    return render(request, "incidents/postmortem_aside.html", context, status=409 if errors else 200)


def waiting_aside(row: PostMortem) -> list[SetAside]:
    return list(row.set_aside.filter(settled_at=None).select_related("author")[:20])


def _settle(request: HttpRequest, kept: SetAside, now: Any) -> None:
    if request.POST.get("deed") == "dismiss":
        settle_aside(aside=kept, outcome=SetAside.Outcome.DISMISSED, by=person(request), now=now)
        return
    current = current_text(kept.postmortem_id, now)
    version = _version(request.POST.get("version", ""))
    if version != current.resource_version:
        raise StaleWrite(current)
    chosen = {
        name.removeprefix("part-"): str(value) for name, value in request.POST.items() if name.startswith("part-")
    }
    body = composed(compared(current.body, kept.body), chosen)
    settle_aside(aside=kept, outcome=SetAside.Outcome.MERGED, by=person(request), now=now, based_on=version, body=body)


def _version(written: str) -> int:
    """Anything but a number is never the current version, so that it cannot overwrite."""
    return int(written) if written.isascii() and written.isdigit() and len(written) < 18 else -1
