"""Around a session: answers, who was there, feedback, follow-ups raised, its end."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.permissions import require_respond
from incidents.models import Incident
from incidents.views.access import deed, permitted, person, require_valid
from knowledge.actions.session import answer_invitation, end_session, give_feedback, mark_attendance, raise_followup
from knowledge.forms import RaisedFollowUpForm
from knowledge.models import BrownBagSession


@require_POST
@permitted
def brownbag_answer(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(BrownBagSession, pk=pk)
    told: dict[str, Any] = {"by": person(request), "now": timezone.now(), "answer": request.POST.get("answer", "")}
    return deed(request, lambda: answer_invitation(session=row, **told), done="Your answer is noted.", to=row)


@require_POST
@permitted
def brownbag_attendance(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(BrownBagSession, pk=pk)
    keys = [int(one) for one in request.POST.getlist("there") if one.isascii() and one.isdigit() and len(one) < 10]
    names = [one for one in request.POST.get("also", "").replace(",", " ").split() if one][:50]
    people = User.objects.choosable()
    there = [*people.filter(pk__in=keys), *people.filter(username__in=names)]

    def act() -> None:
        mark_attendance(session=row, present=there, by=person(request), now=timezone.now())

    return deed(request, act, done="Attendance is noted.", to=row)


@require_POST
@permitted
def brownbag_feedback(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(BrownBagSession, pk=pk)
    told: dict[str, Any] = {"useful": request.POST.get("useful", ""), "text": request.POST.get("text", "")}
    by, now = person(request), timezone.now()
    return deed(request, lambda: give_feedback(session=row, by=by, now=now, **told), done="Thank you.", to=row)


@require_POST
@permitted
def brownbag_followup(request: HttpRequest, pk: int) -> HttpResponse:
    require_respond(request.user)
    row, me = get_object_or_404(BrownBagSession, pk=pk), person(request)
    seen = Incident.objects.visible_to(me).filter(postmortem__brownbag_items__session=row).distinct()
    form = RaisedFollowUpForm(request.POST, incidents=seen)

    def act() -> None:
        require_valid(form)
        raise_followup(session=row, by=me, now=timezone.now(), **form.cleaned_data)

    return deed(request, act, done="The follow-up is written down.", to=row)


@require_POST
@permitted
def brownbag_end(request: HttpRequest, pk: int) -> HttpResponse:
    row, me = get_object_or_404(BrownBagSession, pk=pk), person(request)
    notes = request.POST.get("notes", "")
    done = "The session has ended; its page stays."
    return deed(request, lambda: end_session(session=row, by=me, now=timezone.now(), notes=notes), done=done, to=row)
