"""Checklists and their runs."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from accounts.problems import InvalidInput
from incidents.forms import taken
from incidents.models import Incident
from incidents.views.access import deed, permitted, person, said, visible_incident
from knowledge.actions.checklist import finish_run, save_checklist, start_run, tick
from knowledge.forms import ChecklistForm
from knowledge.models import Checklist, ChecklistRun


def _runs(request: HttpRequest) -> QuerySet[ChecklistRun]:
    seen = Incident.objects.visible_to(person(request))
    rows = ChecklistRun.objects.filter(Q(incident=None) | Q(incident__in=seen))
    return rows.select_related("checklist", "incident", "started_by", "finished_by")


@require_GET
def checklist_list(request: HttpRequest) -> HttpResponse:
    rows = Checklist.objects.annotate(n=Count("items", filter=Q(items__removed_at=None)))
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
    counted = Count("ticks"), Count("ticks", filter=~Q(ticks__state="open"))
    runs = ChecklistRun.objects.filter(pk__in=_runs(request).values("pk")[:10])
    recent = runs.select_related("checklist", "incident", "started_by").annotate(total=counted[0], done=counted[1])
    context = {"checklists": rows, "runs": recent, "q": wanted, "can_respond": can_respond(request.user)}
    return render(request, "knowledge/checklist_list.html", context)


@require_GET
def checklist(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Checklist, pk=pk)
    context = {
        "checklist": row,
        "items": row.items.filter(removed_at=None),
        "runs": _runs(request).filter(checklist=row)[:20],
        "incidents": Incident.objects.visible_to(person(request)).open()[:20],
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/checklist.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def checklist_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(Checklist, pk=pk) if pk else None
    initial = {}
    if row is not None:
        lines = [f"{item.text} -- {item.why}" if item.why else item.text for item in row.items.filter(removed_at=None)]
        initial = {"name": row.name, "kind": row.kind, "description": row.description, "items": "\n".join(lines)}
    form = ChecklistForm(request.POST or None, initial=initial)
    if saved := taken(
        form, lambda: save_checklist(by=person(request), now=timezone.now(), checklist=row, **form.cleaned_data)
    ):
        return redirect(saved)
    context = {"form": form, "checklist": row}
    return render(request, "knowledge/checklist_form.html", context, status=422 if form.errors else 200)


@require_POST
@permitted
def run_start(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Checklist, pk=pk)
    number, service = request.POST.get("incident", ""), request.POST.get("service", "")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    incident = visible_incident(request, int(number)) if is_number else None
    try:
        run = start_run(checklist=row, by=person(request), now=timezone.now(), incident=incident, service=service)
    except InvalidInput as problem:
        messages.error(request, f"Not started. {said(problem)}")
        return redirect(row)
    return redirect(run)


@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(_runs(request), pk=pk)
    ticks = list(row.ticks.select_related("by", "evidence"))
    left = sum(item.state == "open" for item in ticks)
    context = {
        "run": row,
        "ticks": ticks,
        "left": left,
        "done": len(ticks) - left,
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/checklist_run.html", context)


@require_POST
@permitted
def run_tick(request: HttpRequest, pk: int, tick_id: int) -> HttpResponse:
    row = get_object_or_404(_runs(request), pk=pk)
    item = get_object_or_404(row.ticks, pk=tick_id)
    state, note = request.POST.get("state", ""), request.POST.get("note", "")
    return deed(
        request,
        lambda: tick(tick=item, state=state, note=note, by=person(request), now=timezone.now()),
        done="",
        to=f"{row.get_absolute_url()}#tick-{item.pk}",
    )


@require_POST
@permitted
def run_finish(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(_runs(request), pk=pk)
    return deed(
        request, lambda: finish_run(run=row, by=person(request), now=timezone.now()), done="Signed off.", to=row
    )
