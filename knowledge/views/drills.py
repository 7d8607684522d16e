"""Drills: planned, begun, and what they measured."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from incidents.forms import taken
from incidents.listing import page_of
from incidents.views.access import deed, permitted, person, require_valid
from knowledge.actions.drill import begin_drill, cancel_drill, save_drill
from knowledge.forms_checks import DrillForm, DrillResultForm
from knowledge.models import Drill
from knowledge.recovery import Line, away, brought_back
from knowledge.views.access import visible_drills


@require_GET
def drill_list(request: HttpRequest) -> HttpResponse:
    rows = visible_drills(person(request))
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(title__icontains=word)
    context = {
        "page": page_of(request, rows, key="pk"),
        "q": wanted,
        "now": timezone.now(),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/drill_list.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def drill_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(visible_drills(person(request)), pk=pk) if pk else None
    names = ("title", "checklist", "objective", "planned_at", "lead", "scenario")
    given = {name: request.GET.get(name, "") for name in ("checklist", "objective")}
    initial: dict[str, Any] = {name: getattr(row, name) for name in names} if row else given
    form = DrillForm(request.POST or None, initial=initial)
    if saved := taken(form, lambda: save_drill(drill=row, by=person(request), now=timezone.now(), **form.cleaned_data)):
        return redirect(saved)
    context = {"form": form, "drill": row}
    return render(request, "knowledge/drill_form.html", context, status=422 if form.errors else 200)


@require_GET
def drill(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_drills(person(request)), pk=pk)
    context = {
        "drill": row,
        "lines": _lines(row),
        "runs": row.checklist_runs.select_related("checklist"),
        "followups": row.incident.followups.all() if row.incident else [],
        "form": DrillResultForm(initial={"restored_to_at": row.restored_to_at, "findings": row.findings}),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/drill.html", context)


def _lines(row: Drill) -> list[Line]:
    """Its own two values against the objective, where there is one."""
    if row.incident is None or row.objective is None:
        return []
    lines = []
    if row.objective.rto_seconds is not None:
        lines.append(Line("RTO", "this drill", row.objective.rto_seconds, [away(row.incident)]))
    if row.objective.rpo_seconds is not None:
        lines.append(Line("RPO", "this drill", row.objective.rpo_seconds, [brought_back(row)]))
    return lines


@require_POST
@permitted
def drill_begin(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_drills(person(request)), pk=pk)
    return deed(
        request,
        lambda: begin_drill(drill=row, by=person(request), now=timezone.now()),
        done="The drill has begun. Its checks come first; set Impact started when you break something.",
        to=row,
    )


@require_POST
@permitted
def drill_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_drills(person(request)), pk=pk)
    reason = request.POST.get("reason", "")
    return deed(
        request,
        lambda: cancel_drill(drill=row, reason=reason, by=person(request), now=timezone.now()),
        done="The drill is cancelled.",
        to=row,
    )


@require_POST
@permitted
def drill_result(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_drills(person(request)), pk=pk)
    form = DrillResultForm(request.POST)

    def save() -> None:
        require_valid(form)
        save_drill(drill=row, by=person(request), now=timezone.now(), **form.cleaned_data)

    return deed(request, save, done="Saved.", to=row)
