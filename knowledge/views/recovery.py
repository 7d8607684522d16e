"""Recovery objectives beside what was measured."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from incidents.forms import taken
from incidents.listing import page_of
from incidents.views.access import deed, permitted, person
from knowledge.actions.objective import ask_reading, delete_objective, save_objective
from knowledge.forms_checks import ObjectiveForm
from knowledge.models import RecoveryObjective
from knowledge.recovery import beside
from knowledge.views.access import visible_drills


@require_GET
def recovery(request: HttpRequest) -> HttpResponse:
    rows = RecoveryObjective.objects.select_related("cluster")
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(Q(service__icontains=word) | Q(namespace__icontains=word) | Q(note__icontains=word))
    page = page_of(request, rows, key="pk", size=15)
    context = {
        "page": page,
        "rows": beside(page.rows, person(request)),
        "q": wanted,
        "drills": visible_drills(person(request))[:6],
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/recovery.html", context)


@require_GET
def objective(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(RecoveryObjective.objects.select_related("cluster", "agreed_by"), pk=pk)
    context = {
        "objective": row,
        "lines": beside([row], person(request))[0].lines,
        "readings": row.readings.all()[:20],
        "drills": visible_drills(person(request)).filter(objective=row)[:20],
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/objective.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def objective_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(RecoveryObjective, pk=pk) if pk else None
    names = ("service", "namespace", "cluster", "rto_seconds", "rpo_seconds", "note")
    initial = {name: getattr(row, name) for name in names} if row else {}
    form = ObjectiveForm(request.POST or None, initial=initial)
    if saved := taken(
        form, lambda: save_objective(objective=row, by=person(request), now=timezone.now(), **form.cleaned_data)
    ):
        return redirect(saved)
    context = {"form": form, "objective": row}
    return render(request, "knowledge/objective_form.html", context, status=422 if form.errors else 200)


@require_POST
@permitted
def objective_delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(RecoveryObjective, pk=pk)
    return deed(
        request,
        lambda: delete_objective(objective=row, by=person(request), now=timezone.now()),
        done="The objective is removed. Its drills stay.",
        to="recovery",
    )


@require_POST
@permitted
def objective_read(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(RecoveryObjective, pk=pk)
    return deed(
        request,
        lambda: ask_reading(objective=row, by=person(request), now=timezone.now()),
        done="The recovery points are being read. Look again in a moment.",
        to=row,
    )
