"""The history of a post-mortem: list, compare any two texts, restore one, read a published version."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import can_respond, require_respond
from accounts.problems import InvalidInput
from incidents import history
from incidents.actions.history import restore_text
from incidents.listing import page_of
from incidents.models import PostMortem
from incidents.rendering import render_document
from incidents.views.access import permitted, person, said, visible_postmortem


@require_GET
def postmortem_history(request: HttpRequest, number: int) -> HttpResponse:
    row = visible_postmortem(request, number)
    find = request.GET.get("q", "").strip()[:100]
    page = page_of(request, history.revisions(row, find), key="id")
    context = {
        "postmortem": row,
        "incident": row.incident,
        "page": page,
        "entries": history.entries(row, page.rows),
        "q": find,
        "touched": history.section_authors(row),
        "can_respond": can_respond(request.user),
        "now": timezone.now(),
    }
    return render(request, "incidents/postmortem_history.html", context)


@require_GET
def postmortem_compare(request: HttpRequest, number: int) -> HttpResponse:
    """`?from=r12&to=now`: any two of the texts, the older one first whatever the order asked for."""
    row = visible_postmortem(request, number)
    if "from" not in request.GET:
        return redirect("postmortem-history", number)
    older, newer = (_text(row, request.GET.get(name, fallback)) for name, fallback in (("from", ""), ("to", "now")))
    if older.at and newer.at and older.at > newer.at:
        older, newer = newer, older
    context = {
        "postmortem": row,
        "incident": row.incident,
        "older": older,
        "newer": newer,
        "title_changes": history.changes(older.title, newer.title) if older.title != newer.title else [],
        "changes": history.changes(older.body, newer.body) if older.body != newer.body else [],
        "steps": history.steps_between(row, older, newer),
        "can_respond": can_respond(request.user),
    }
    return render(request, "incidents/postmortem_compare.html", context)


@require_POST
@permitted
def postmortem_restore(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    row = visible_postmortem(request, number)
    chosen = _text(row, request.POST.get("text", ""))
    called = f"{chosen.label} of {chosen.at:%-d %b %Y %H:%M} UTC" if chosen.at else chosen.label
    try:
        restore_text(
            postmortem=row, title=chosen.title, body=chosen.body, called=called, by=person(request), now=timezone.now()
        )
    except InvalidInput as problem:
        messages.error(request, f"Not restored. {said(problem)}")
        return redirect("postmortem-history", number)
    messages.success(request, f"{called} stands again. The text before is in the history.")
    return redirect("postmortem-edit", number)


@require_GET
def postmortem_version(request: HttpRequest, number: int, version: int) -> HttpResponse:
    """A text as readers once got it."""
    row = visible_postmortem(request, number)
    publication = get_object_or_404(row.publications.select_related("published_by"), number=version)
    context = {
        "postmortem": row,
        "incident": row.incident,
        "publication": publication,
        "publications": list(row.publications.defer("body")),
        "document": render_document(publication.body, incident=row.incident, person=person(request)),
    }
    return render(request, "incidents/postmortem_version.html", context)


def _text(row: PostMortem, name: str) -> history.Text:
    found = history.text_of(row, name)
    if found is None:
        raise Http404("There is no such text.")
    return found
