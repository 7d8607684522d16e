"""Updates for stakeholders: given from the incident page, all of them on a page of their own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import can_respond, require_respond
from incidents.actions.update import post_update
from incidents.forms import taken
from incidents.forms_chat import UpdateForm
from incidents.listing import page_of
from incidents.views.access import permitted, person, visible_incident


@require_http_methods(["GET", "POST"])
@permitted
def incident_updates(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    if request.method == "POST":
        require_respond(request.user)
    form = UpdateForm(request.POST or None, incident=incident)
    by, now = person(request), timezone.now()
    if taken(form, lambda: post_update(incident=incident, by=by, now=now, **form.cleaned_data)):
        return redirect(incident)
    context = {
        "incident": incident,
        "form": form,
        "page": page_of(request, incident.updates.select_related("posted_by"), key="pk"),
        "now": now,
        "can_respond": can_respond(request.user),
    }
    return render(request, "incidents/incident_updates.html", context, status=422 if form.errors else 200)
