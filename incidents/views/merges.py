"""Merging a duplicate into another incident, and taking it out again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.merge import merge_incident, undo_merge
from incidents.models import Incident
from incidents.views.access import deed, permitted, person, visible_incident


@require_POST
@permitted
def merge(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    require_respond(request.user)

    def act() -> None:
        merge_incident(
            incident=incident,
            into=_named(request),
            reason=request.POST.get("reason", "")[:300],
            by=person(request),
            now=timezone.now(),
        )

    return deed(request, act, done=f"{incident.key} is merged. It can be undone here.", to=incident)


def _named(request: HttpRequest) -> Incident:
    text = request.POST.get("into", "").strip().upper().removeprefix("INC-")
    rows = Incident.objects.visible_to(person(request)).select_related("severity")
    found = rows.filter(number=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 10 else None
    if found is None:
        raise InvalidInput("into", "names no incident that you may see; expected one such as INC-17")
    return found


@require_POST
@permitted
def unmerge(request: HttpRequest, number: int) -> HttpResponse:
    incident = visible_incident(request, number)
    seen = Incident.objects.visible_to(person(request))
    row = get_object_or_404(incident.merges.filter(undone_at=None, into__in=seen))
    return deed(
        request,
        lambda: undo_merge(merge=row, by=person(request), now=timezone.now()),
        done=f"{incident.key} stands for itself again.",
        to=incident,
    )
