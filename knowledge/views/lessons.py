"""Lessons: the list, one lesson with where it came from and how it fared, writing one, saying what one thinks of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from incidents import markdown
from incidents.forms import taken
from incidents.listing import page_of
from incidents.models import Incident, PostMortem
from incidents.views.access import deed, permitted, person
from knowledge.actions.lesson import change_lesson, create_lesson, decide_lesson, delete_lesson
from knowledge.drawing_lessons import drawn_from
from knowledge.forms_lessons import LessonForm
from knowledge.models import Checklist, ChecklistItem, Lesson

FIELDS = ("statement", "context", "tags", "services", "signals")
SHOWN = 20


@require_GET
def lesson_list(request: HttpRequest) -> HttpResponse:
    """`?q=words&state=confirmed&tag=database`; retired ones only where they are asked for."""
    rows = Lesson.objects.visible_to(person(request))
    chosen = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "state", "tag")}
    if chosen["q"]:
        rows = rows.matching(chosen["q"])
    rows = rows.filter(state=chosen["state"]) if chosen["state"] in Lesson.State.values else rows.valid()
    if chosen["tag"]:
        rows = rows.filter(tags__contains=[chosen["tag"]])
    seen = Q(showings__incident__in=Incident.objects.visible_to(person(request)))
    counted = Lesson.objects.filter(pk__in=rows.values("pk")).annotate(
        shown=Count("showings", filter=seen, distinct=True),
        helped=Count("showings", filter=seen & Q(showings__answer="helped"), distinct=True),
    )
    context = {
        "page": page_of(request, counted),
        "chosen": chosen,
        "narrowed": any(chosen.values()),
        "states": Lesson.State.choices,
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/lesson_list.html", context)


@require_GET
def lesson(request: HttpRequest, number: int) -> HttpResponse:
    me = person(request)
    rows = Lesson.objects.visible_to(me).select_related("created_by", "quoted_from__incident")
    row = get_object_or_404(rows, number=number)
    seen = Incident.objects.visible_to(me)
    showings = row.showings.filter(incident__in=seen).select_related("incident__severity", "by")
    counts = showings.aggregate(
        shown=Count("pk"),
        helped=Count("pk", filter=Q(answer="helped")),
        ignored=Count("pk", filter=Q(answer="ignored")),
    )
    quoted = row.quoted_from
    items = ChecklistItem.objects.filter(lesson=row, removed_at=None).select_related("checklist")
    context = {
        "lesson": row,
        "document": markdown.render(row.context, id_prefix="l-"),
        "postmortems": row.postmortems.filter(incident__in=seen).select_related("incident__severity"),
        "quoted": quoted if quoted and seen.filter(pk=quoted.incident_id).exists() else None,
        "showings": showings[:SHOWN],
        "counts": counts,
        "items": items,
        "checklists": Checklist.objects.exclude(items__in=items)[:SHOWN] if can_respond(request.user) else [],
        "verdicts": row.verdicts.select_related("by")[:SHOWN],
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/lesson.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def lesson_new(request: HttpRequest) -> HttpResponse:
    """`?from=KEY&quote=words`: drawn from a post-mortem, with what its incident suggests filled in."""
    require_respond(request.user)
    form = LessonForm(request.POST or None, person=person(request), initial=_suggested(request))
    if saved := taken(form, lambda: create_lesson(by=person(request), **form.cleaned_data)):
        return redirect(saved)
    quote = form["quote"].value() or ""
    context = {"form": form, "quote": quote}
    return render(request, "knowledge/lesson_form.html", context, status=422 if form.errors else 200)


def _suggested(request: HttpRequest) -> dict[str, Any]:
    key = request.GET.get("from", "")
    seen = Incident.objects.visible_to(person(request))
    rows = PostMortem.objects.filter(incident__in=seen).select_related("incident")
    row = rows.filter(pk=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 10 else None
    return drawn_from(row, request.GET.get("quote", "")[:5_000]) if row else {}


@require_http_methods(["GET", "POST"])
@permitted
def lesson_edit(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(Lesson.objects.visible_to(person(request)), number=number)
    seen = Incident.objects.visible_to(person(request))
    known = list(row.postmortems.filter(incident__in=seen).select_related("incident"))
    initial = {name: getattr(row, name) for name in FIELDS} | {"postmortems": known}
    form = LessonForm(request.POST or None, person=person(request), initial=initial)
    if saved := taken(form, lambda: change_lesson(lesson=row, by=person(request), **_changed(form))):
        return redirect(saved)
    context = {"form": form, "lesson": row}
    return render(request, "knowledge/lesson_form.html", context, status=422 if form.errors else 200)


def _changed(form: LessonForm) -> dict[str, Any]:
    """Where it was drawn from stays what it was."""
    return {name: value for name, value in form.cleaned_data.items() if name not in {"quote", "quoted_from"}}


@require_POST
@permitted
def lesson_verdict(request: HttpRequest, number: int) -> HttpResponse:
    row = get_object_or_404(Lesson.objects.visible_to(person(request)), number=number)
    told = {name: request.POST.get(name, "") for name in ("state", "reason")}
    return deed(
        request,
        lambda: decide_lesson(lesson=row, by=person(request), now=timezone.now(), **told),
        done="Kept on record with the lesson.",
        to=row,
    )


@require_POST
@permitted
def lesson_delete(request: HttpRequest, number: int) -> HttpResponse:
    row = get_object_or_404(Lesson.objects.visible_to(person(request)), number=number)
    delete_lesson(lesson=row, by=person(request), now=timezone.now())
    messages.success(request, f"{row.key} is deleted.")
    return redirect("knowledge")
