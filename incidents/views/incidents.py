"""Incidents: the list, declaring, the page, and its small deeds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import can_respond, require_respond
from incidents.actions.collection import collect_again
from incidents.actions.incident import (
    assign_role,
    change_incident,
    change_status,
    declare_incident,
    remove_role,
)
from incidents.actions.milestone import set_milestone
from incidents.forms import DeclareForm, IncidentForm, MilestoneForm, RoleForm, StatusForm, taken
from incidents.forms_chat import UpdateForm
from incidents.listing import narrowed_incidents, page_of
from incidents.models import Incident, Severity
from incidents.models.incident import ClosureReason, IncidentRole, Kind, MilestoneKind, Status
from incidents.reading import events_query, evidence_panel, merged, milestone_track, outcomes, timeline_page
from incidents.telling import last_update, undelivered
from incidents.views.access import deed, is_visible, permitted, person, require_valid, visible_incident
from telemetry.models import Source


@require_GET
def incident_list(request: HttpRequest) -> HttpResponse:
    rows = Incident.objects.visible_to(person(request)).select_related("severity", "declared_by")
    chosen = {name: request.GET.get(name, "") for name in ("q", "status", "severity", "kind")}
    rows = narrowed_incidents(rows, chosen)
    return render(
        request,
        "incidents/incident_list.html",
        {
            "page": page_of(request, rows),
            "chosen": chosen,
            "narrowed": any(chosen.values()),
            "severities": Severity.objects.all(),
            "statuses": [("open", "Open"), *Status.choices],
            "kinds": Kind.choices,
            "can_respond": can_respond(request.user),
        },
    )


@require_http_methods(["GET", "POST"])
@permitted
def incident_declare(request: HttpRequest) -> HttpResponse:
    require_respond(request.user)
    form = DeclareForm(request.POST or None, initial={"severity": Severity.objects.filter(rank=3).first()})
    if saved := taken(form, lambda: declare_incident(by=person(request), now=timezone.now(), **form.cleaned_data)):
        return redirect(saved)
    recent = Incident.objects.visible_to(person(request)).open().select_related("severity")[:5]
    context = {"form": form, "recent": recent, "has_sources": Source.objects.filter(enabled=True).exists()}
    return render(request, "incidents/incident_declare.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permitted
def incident_edit(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    incident = visible_incident(request, number)
    names = [name for name in IncidentForm.base_fields if name != "clusters"]
    initial = {name: getattr(incident, name) for name in names} | {"clusters": incident.clusters.all()}
    form = IncidentForm(request.POST or None, initial=initial)
    if saved := taken(
        form, lambda: change_incident(incident=incident, by=person(request), now=timezone.now(), **form.cleaned_data)
    ):
        return redirect(saved)
    context = {"form": form, "incident": incident}
    return render(request, "incidents/incident_edit.html", context, status=422 if form.errors else 200)


@require_GET
def incident(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number, "postmortem")
    now = timezone.now()
    merged_into = incident.merges.filter(undone_at=None).select_related("into", "merged_by").first()
    return render(
        request,
        "incidents/incident.html",
        {
            "incident": incident,
            "now": now,
            "can_respond": can_respond(request.user),
            "track": milestone_track(incident),
            "roles": incident.roles.select_related("user"),
            "clusters": incident.clusters.all(),
            "events_query": events_query(incident, now),
            "postmortem": getattr(incident, "postmortem", None),
            "timeline": timeline_page(incident, request.GET),
            "outcomes": outcomes(incident),
            "evidence": evidence_panel(incident, request.GET),
            "followups": incident.followups.select_related("owner"),
            "checklist_runs": incident.checklist_runs.select_related("checklist"),
            "update": last_update(incident),
            "update_form": UpdateForm(incident=incident),
            "undelivered": undelivered(incident, now),
            "merged_into": merged_into,
            "may_see_into": merged_into is not None and is_visible(merged_into.into, person(request)),
            "merged": merged(incident, person(request)),
            "mitigation": incident.mitigation_proposals.filter(state="open").first(),
            "statuses": Status.choices,
            "closure_reasons": ClosureReason.choices,
            "role_choices": IncidentRole.choices,
            "people": User.objects.choosable()[:200],
            "milestone_kinds": MilestoneKind.choices,
        },
    )


@require_GET
def collection(request: HttpRequest, number: int) -> HttpResponse:
    """The panel of outcomes alone; htmx asks for it each second while sources still answer."""
    incident = visible_incident(request, number)
    shown = outcomes(incident)
    context = {"incident": incident, "outcomes": shown, "can_respond": can_respond(request.user)}
    response = render(request, "incidents/_outcomes.html", context)
    if not shown.unfinished:
        response.headers["HX-Trigger"] = "evidence-collected"
    return response


@require_POST
@permitted
def collect(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    return deed(
        request,
        lambda: collect_again(incident=incident, by=person(request), now=timezone.now()),
        done="Collecting again. What is already here stays.",
        to=incident,
    )


@require_POST
@permitted
def incident_status(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    require_respond(request.user)
    form = StatusForm(request.POST, person=person(request))

    def act() -> None:
        require_valid(form)
        change_status(incident=incident, by=person(request), now=timezone.now(), **form.cleaned_data)

    return deed(request, act, done="", to=incident)


@require_POST
@permitted
def incident_role(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    require_respond(request.user)
    form = RoleForm(request.POST)
    change = remove_role if "remove" in request.POST else assign_role

    def act() -> None:
        require_valid(form)
        change(incident=incident, by=person(request), now=timezone.now(), **form.cleaned_data)

    return deed(request, act, done="", to=incident)


@require_POST
@permitted
def incident_milestone(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    require_respond(request.user)
    form = MilestoneForm(request.POST)

    def act() -> None:
        require_valid(form)
        set_milestone(incident=incident, by=person(request), now=timezone.now(), **form.cleaned_data)

    return deed(request, act, done="", to=incident)
