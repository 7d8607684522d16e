"""Follow-ups: the list over all incidents, one of them, raising one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.permissions import can_respond, require_respond
from incidents.actions.followup import change_followup, create_followup
from incidents.forms import FollowUpChangeForm, FollowUpForm, taken
from incidents.listing import page_of
from incidents.models import FollowUp
from incidents.views.access import permitted, person, visible_incident


@require_GET
def followup_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = FollowUp.objects.visible_to(person(request)).select_related("incident", "owner", "team")
    chosen = {name: request.GET.get(name, "") for name in ("q", "status", "owner")}
    if chosen["q"].strip():
        for word in chosen["q"][:200].split()[:8]:
            rows = rows.filter(title__icontains=word)
    if chosen["status"] == "unfinished":
        rows = rows.unfinished()
    elif chosen["status"] == "overdue":
        rows = rows.overdue(now)
    elif chosen["status"] in FollowUp.Status.values:
        rows = rows.filter(status=chosen["status"])
    if chosen["owner"] == "me":
        rows = rows.filter(owner=person(request))
    statuses = [("unfinished", "Not ended"), ("overdue", "Overdue"), *FollowUp.Status.choices]
    context = {
        "page": page_of(request, rows),
        "chosen": chosen,
        "narrowed": any(chosen.values()),
        "statuses": statuses,
        "now": now,
    }
    return render(request, "incidents/followup_list.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def followup_new(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    incident = visible_incident(request, number)
    form = FollowUpForm(request.POST or None)
    if saved := taken(
        form, lambda: create_followup(incident=incident, by=person(request), now=timezone.now(), **form.cleaned_data)
    ):
        return redirect(saved)
    context = {"form": form, "incident": incident}
    return render(request, "incidents/followup_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permitted
def followup(request: HttpRequest, number: int) -> HttpResponse:
    rows = FollowUp.objects.visible_to(person(request)).select_related(
        "incident__severity", "owner", "team", "created_by"
    )
    row = get_object_or_404(rows, number=number)
    names = list(FollowUpChangeForm.base_fields)
    form = FollowUpChangeForm(request.POST or None, initial={name: getattr(row, name) for name in names})
    if request.method == "POST":
        require_respond(request.user)

        def change() -> FollowUp:
            # An empty due date leaves the one that stands.
            fields = {name: value for name, value in form.cleaned_data.items() if name != "due_at" or value}
            return change_followup(followup=row, by=person(request), now=timezone.now(), **fields)

        if saved := taken(form, change):
            return redirect(saved)
        row.refresh_from_db()
    context = {"form": form, "followup": row, "now": timezone.now(), "can_respond": can_respond(request.user)}
    return render(request, "incidents/followup.html", context, status=422 if form.errors else 200)
