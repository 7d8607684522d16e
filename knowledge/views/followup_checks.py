"""The check of a follow-up: set, asked, accepted or declined."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import require_respond
from incidents.forms import taken
from incidents.models import FollowUp
from incidents.views.access import deed, permitted, person
from knowledge.actions.followup_check import (
    accept_followup_check,
    ask_followup_check,
    decline_followup_check,
    remove_followup_check,
    set_followup_check,
)
from knowledge.checks import CHECKS
from knowledge.forms_checks import FollowUpCheckForm, params_of, params_text
from knowledge.models import FollowUpCheck
from knowledge.targets import target_of_incident


@require_http_methods(["GET", "POST"])
@permitted
def followup_check(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    rows = FollowUp.objects.visible_to(person(request)).select_related("incident")
    row = get_object_or_404(rows, number=number)
    known = FollowUpCheck.objects.filter(followup=row).first()
    form = FollowUpCheckForm(request.POST or None, initial=_initial(row, known))

    def act() -> FollowUpCheck:
        given = form.cleaned_data
        return set_followup_check(
            followup=row,
            check_name=given["check_name"],
            params=params_of(given["params"]),
            by=person(request),
            now=timezone.now(),
            **form.target(),
        )

    if taken(form, act):
        return redirect(row)
    context = {"form": form, "followup": row, "checks": CHECKS.values()}
    return render(request, "knowledge/followup_check.html", context, status=422 if form.errors else 200)


def _initial(row: FollowUp, known: FollowUpCheck | None) -> dict[str, Any]:
    if known is None:
        return target_of_incident(row.incident)
    names = ("check_name", "cluster", "namespace", "workload_kind", "workload_name", "service")
    return {name: getattr(known, name) for name in names} | {"params": params_text(known.params)}


@require_POST
@permitted
def followup_check_deed(request: HttpRequest, number: int) -> HttpResponse:
    """`deed` is ask, accept, decline or remove."""
    row = get_object_or_404(FollowUp.objects.visible_to(person(request)), number=number)
    check = get_object_or_404(FollowUpCheck, followup=row)
    by, now, reason = person(request), timezone.now(), request.POST.get("reason", "")
    deeds: dict[str, tuple[Any, str]] = {
        "ask": (lambda: ask_followup_check(check=check, by=by, now=now), "It is being checked."),
        "accept": (lambda: accept_followup_check(check=check, by=by, now=now), f"{row.key} is done."),
        "decline": (lambda: decline_followup_check(check=check, reason=reason, by=by, now=now), "It stays open."),
        "remove": (lambda: remove_followup_check(check=check, by=by, now=now), "The check is removed."),
    }
    act, done = deeds.get(request.POST.get("deed", ""), deeds["ask"])
    return deed(request, act, done=done, to=row)
