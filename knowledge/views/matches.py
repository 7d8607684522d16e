"""Seen before: the panel, and what people say of a match or a lesson that came back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from incidents.views.access import deed, permitted, person, visible_incident
from knowledge.actions.matching import answer_lesson, decide_match
from knowledge.models import Lesson, LessonShowing, Match

DONE = {
    "same_cause": "Marked as a recurrence.",
    "not_this": "It is not shown here any more. You can bring it back.",
    "": "Taken back.",
}


@require_GET
def panel(request: HttpRequest, number: int) -> HttpResponse:
    """The panel alone; htmx asks for it again when evidence has arrived."""
    return render(request, "knowledge/seen_before_panel.html", {"incident": visible_incident(request, number)})


@require_POST
@permitted
def decide(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    incident = visible_incident(request, number)
    row = get_object_or_404(Match.objects.filter(incident=incident).visible_to(person(request)), pk=pk)
    verdict = request.POST.get("verdict", "")
    return deed(
        request,
        lambda: decide_match(match=row, verdict=verdict, by=person(request), now=timezone.now()),
        done=DONE.get(verdict, ""),
        to=f"{incident.get_absolute_url()}#h-seen",
    )


@require_POST
@permitted
def answer(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    incident = visible_incident(request, number)
    seen = Lesson.objects.visible_to(person(request))
    row = get_object_or_404(LessonShowing.objects.filter(incident=incident, lesson__in=seen), pk=pk)
    given = request.POST.get("answer", "")
    return deed(
        request,
        lambda: answer_lesson(showing=row, answer=given, by=person(request), now=timezone.now()),
        done="",
        to=f"{incident.get_absolute_url()}#h-seen",
    )
