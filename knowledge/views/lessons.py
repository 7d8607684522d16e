"""Lessons: the list, one lesson, writing one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from incidents import markdown
from incidents.forms import taken
from incidents.listing import page_of
from incidents.models import Incident
from incidents.views.access import permitted, person
from knowledge.actions.lesson import change_lesson, create_lesson, delete_lesson
from knowledge.forms import LessonForm
from knowledge.models import Lesson


@require_GET
def lesson_list(request: HttpRequest) -> HttpResponse:
    rows = Lesson.objects.visible_to(person(request)).prefetch_related("postmortems__incident")
    wanted = request.GET.get("q", "")[:200]
    if wanted.strip():
        rows = rows.matching(wanted)
    context = {"page": page_of(request, rows), "q": wanted, "can_respond": can_respond(request.user)}
    return render(request, "knowledge/lesson_list.html", context)


@require_GET
def lesson(request: HttpRequest, number: int) -> HttpResponse:
    row = get_object_or_404(Lesson.objects.visible_to(person(request)), number=number)
    seen = Incident.objects.visible_to(person(request))
    context = {
        "lesson": row,
        "document": markdown.render(row.context, id_prefix="l-"),
        "postmortems": row.postmortems.filter(incident__in=seen).select_related("incident__severity"),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/lesson.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def lesson_new(request: HttpRequest) -> HttpResponse:
    require_respond(request.user)
    form = LessonForm(
        request.POST or None, person=person(request), initial={"postmortems": request.GET.getlist("from")}
    )
    if saved := taken(form, lambda: create_lesson(by=person(request), **form.cleaned_data)):
        return redirect(saved)
    return render(request, "knowledge/lesson_form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permitted
def lesson_edit(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(Lesson.objects.visible_to(person(request)), number=number)
    names = ("statement", "context", "tags", "services")
    initial = {name: getattr(row, name) for name in names} | {"postmortems": row.postmortems.all()}
    form = LessonForm(request.POST or None, person=person(request), initial=initial)
    if saved := taken(form, lambda: change_lesson(lesson=row, by=person(request), **form.cleaned_data)):
        return redirect(saved)
    context = {"form": form, "lesson": row}
    return render(request, "knowledge/lesson_form.html", context, status=422 if form.errors else 200)


@require_POST
@permitted
def lesson_delete(request: HttpRequest, number: int) -> HttpResponse:
    row = get_object_or_404(Lesson.objects.visible_to(person(request)), number=number)
    delete_lesson(lesson=row, by=person(request), now=timezone.now())
    messages.success(request, f"{row.key} is deleted.")
    return redirect("knowledge")
