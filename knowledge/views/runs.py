"""A run of a checklist: begun, watched while it is checked, ticked, excused, signed off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import can_respond, require_respond
from accounts.problems import InvalidInput
from incidents.views.access import deed, permitted, person, require_valid, said, visible_incident
from knowledge.actions.exception import add_exception, withdraw_exception
from knowledge.actions.run import check_run, finish_run, raise_followup, start_run, tick
from knowledge.forms_checks import ExceptionForm, RunForm
from knowledge.models import CheckException, Checklist, ChecklistRun
from knowledge.run_reading import earlier_runs, run_page
from knowledge.views.access import visible_runs
from knowledge.views.checklists import newest_incidents


@require_POST
@permitted
def run_start(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Checklist, pk=pk)
    number = request.POST.get("incident", "")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    incident = visible_incident(request, int(number)) if is_number else None
    form = RunForm(request.POST, person=person(request))
    form.fields.pop("incident")
    try:
        require_valid(form)
        run = start_run(checklist=row, by=person(request), now=timezone.now(), incident=incident, **form.target())
    except InvalidInput as problem:
        messages.error(request, f"Not started. {said(problem)}")
        return redirect(row)
    return redirect(run)


@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_runs(person(request)), pk=pk)
    return render(
        request,
        "knowledge/checklist_run.html",
        _context(request, row) | {"earlier": earlier_runs(row, person(request))},
    )


@require_GET
def run_body(request: HttpRequest, pk: int) -> HttpResponse:
    """What changes while the checks are under way."""
    row = get_object_or_404(visible_runs(person(request)), pk=pk)
    return render(request, "knowledge/_run_body.html", _context(request, row))


def _context(request: HttpRequest, row: ChecklistRun) -> dict[str, Any]:
    now = timezone.now()
    return {
        "run": row,
        "page": run_page(row, person(request), now),
        "incidents": [] if row.incident_id else newest_incidents(request, row),
        "people": User.objects.choosable() if can_respond(request.user) else [],
        "now": now,
        "can_respond": can_respond(request.user),
    }


@require_POST
@permitted
def run_tick(request: HttpRequest, pk: int, tick_id: int) -> HttpResponse:
    _, item, place = _item(request, pk, tick_id)
    state, note = request.POST.get("state", ""), request.POST.get("note", "")
    return deed(
        request,
        lambda: tick(tick=item, state=state, note=note, by=person(request), now=timezone.now()),
        done="",
        to=place,
    )


@require_POST
@permitted
def run_check(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_runs(person(request)), pk=pk)
    return deed(request, lambda: check_run(run=row, by=person(request), now=timezone.now()), done="", to=row)


@require_POST
@permitted
def run_finish(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_runs(person(request)), pk=pk)
    return deed(
        request, lambda: finish_run(run=row, by=person(request), now=timezone.now()), done="Signed off.", to=row
    )


@require_POST
@permitted
def run_followup(request: HttpRequest, pk: int, tick_id: int) -> HttpResponse:
    row, item, place = _item(request, pk, tick_id)
    number = request.POST.get("incident", "")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    incident = visible_incident(request, int(number)) if is_number and row.incident_id is None else None
    try:
        made = raise_followup(tick=item, by=person(request), now=timezone.now(), incident=incident)
    except InvalidInput as problem:
        messages.error(request, f"Not raised. {said(problem)}")
    else:
        messages.success(request, f"Raised {made.key}, which carries the same check.")
    return redirect(place)


@require_POST
@permitted
def run_excuse(request: HttpRequest, pk: int, tick_id: int) -> HttpResponse:
    require_respond(request.user)
    _, item, place = _item(request, pk, tick_id)
    form = ExceptionForm(request.POST)

    def excuse() -> None:
        require_valid(form)
        add_exception(tick=item, by=person(request), now=timezone.now(), **form.cleaned_data)

    return deed(request, excuse, done="Excused until then; it is checked all the same.", to=place)


@require_POST
@permitted
def exception_withdraw(request: HttpRequest, pk: int, exception_id: int) -> HttpResponse:
    row = get_object_or_404(visible_runs(person(request)), pk=pk)
    ids = row.ticks.values("exception")
    exception = get_object_or_404(CheckException.objects.filter(pk__in=ids), pk=exception_id)
    return deed(
        request,
        lambda: withdraw_exception(exception=exception, by=person(request), now=timezone.now()),
        done="The exception is withdrawn.",
        to=row,
    )


def _item(request: HttpRequest, pk: int, tick_id: int) -> tuple[ChecklistRun, Any, str]:
    row = get_object_or_404(visible_runs(person(request)), pk=pk)
    item = get_object_or_404(row.ticks.select_related("run__cluster", "item", "exception"), pk=tick_id)
    return row, item, f"{row.get_absolute_url()}#tick-{item.pk}"
