"""Brown-bag sessions: the list, one session, its slides, the presenter's page, its quick exports."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.middleware import POLICY_WITH_INLINE_PICTURES
from accounts.models import User
from accounts.permissions import can_respond
from incidents import markdown
from incidents.listing import page_of
from incidents.models import Incident
from incidents.views.access import person
from knowledge.exports.sessions import session_document
from knowledge.exports.slide_html import slide_html
from knowledge.exports.slides import slides_of
from knowledge.forms import RaisedFollowUpForm
from knowledge.models import BrownBagSession, Feedback
from knowledge.reading import visible_items
from knowledge.views.exports import export_now

QUICK = ("md", "page", "html", "ics")
SHOWN = 24


@require_GET
def brownbag_list(request: HttpRequest) -> HttpResponse:
    rows = BrownBagSession.objects.select_related("host").annotate(n=Count("items"))
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(title__icontains=word)
    context = {
        "page": page_of(request, rows, key="id"),
        "q": wanted,
        "now": timezone.now(),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/brownbag_list.html", context)


@require_GET
def brownbag(request: HttpRequest, pk: int) -> HttpResponse:
    row, me = _session(pk), person(request)
    items, left_out = visible_items(row, me)
    incidents = Incident.objects.filter(pk__in=[item.postmortem.incident_id for item in items if item.postmortem])
    attendances = list(row.attendances.select_related("user"))
    seen = row.followups.filter(incident__in=Incident.objects.visible_to(me))
    context = {
        "session": row,
        "introduction": markdown.render(row.introduction, id_prefix="intro-").html,
        "items": items,
        "left_out": left_out,
        "minutes": sum(item.minutes for item in items),
        "can_respond": can_respond(request.user),
        "attendances": attendances,
        "answers": Counter(one.answer for one in attendances),
        "were_there": sum(one.was_there for one in attendances),
        "mine": next((one.answer for one in attendances if one.user_id == me.pk), "open"),
        "feedback": list(row.feedback.select_related("user")[:100]),
        "my_feedback": row.feedback.filter(user=me).first(),
        "useful": Feedback.Useful.choices,
        "followups": list(seen.select_related("owner", "team")),
        "followup_form": RaisedFollowUpForm(incidents=incidents),
        "can_raise": incidents.exists(),
    }
    return _with_pictures(render(request, "knowledge/brownbag.html", context))


@require_GET
def brownbag_slides(request: HttpRequest, pk: int) -> HttpResponse:
    """The first slides as the file of slides shows them, for the session's page."""
    row = _session(pk)
    slides = slides_for(row, person(request))
    return render(request, "knowledge/_slides.html", {"session": row, "slides": slides[:SHOWN], "count": len(slides)})


@require_GET
def brownbag_present(request: HttpRequest, pk: int) -> HttpResponse:
    """For who speaks: the slide, the one after it, the notes, the time against the item's minutes."""
    row, me = _session(pk), person(request)
    items, _ = visible_items(row, me)
    context = {"session": row, "slides": slides_for(row, me), "minutes": [item.minutes for item in items]}
    return _with_pictures(render(request, "knowledge/brownbag_present.html", context))


def _with_pictures(page: HttpResponse) -> HttpResponse:
    page.headers["Content-Security-Policy"] = POLICY_WITH_INLINE_PICTURES
    return page


def slides_for(session: BrownBagSession, who: User) -> list[dict[str, Any]]:
    """Each slide's HTML with the agenda item (from 0, -1 for none) that it belongs to."""
    items, left_out = visible_items(session, who)
    document = session_document(session, items, person=who, left_out=left_out)
    slides = slides_of(document)
    return [
        {
            "html": slide_html(slide, document, number, len(slides)),
            "title": slide.title,
            "notes": slide.notes,
            "chapter": slide.chapter,
            "minutes": document.chapters[slide.chapter].minutes if slide.chapter >= 0 else 0,
            "number": number,
        }
        for number, slide in enumerate(slides, start=1)
    ]


def _session(pk: int) -> BrownBagSession:
    return get_object_or_404(BrownBagSession.objects.select_related("host"), pk=pk)


@require_GET
def brownbag_export(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The file at once, without a worker: for Markdown, the one-file page and the invitation, whose addresses people keep."""
    if form not in QUICK:
        raise Http404
    return export_now(request, "brownbag", pk, form)
