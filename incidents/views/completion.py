"""What the editor asks while somebody types: what can be named here, and what a name stands for."""

from __future__ import annotations

import re
from dataclasses import asdict

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.completing import LONGEST, suggestions
from incidents.embeds import evidence_html
from incidents.naming import Named
from incidents.views.access import person, visible_incident

_REFERENCE = re.compile(r"(?:E|INC|F|L)-[1-9]\d{0,8}|@[\w.+-]{1,150}")
CARD_LINES = "5"


@require_GET
def complete(request: HttpRequest, number: int) -> HttpResponse:
    """`?q=@a`, `INC-1`, `F-`, `L-`, `E-`, `[[`, `![[node`: suggestions in order, at most twelve."""
    incident = visible_incident(request, number)
    typed = request.GET.get("q", "")
    found = suggestions(typed, incident, person(request)) if typed else []
    if found is None:
        expected = f"expected what was typed, such as @a, INC-1, F-, L-, E-7 or [[node, at most {LONGEST} characters"
        return JsonResponse({"errors": {"q": expected}}, status=422)
    answer = JsonResponse({"items": [asdict(one) for one in found]})
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_GET
def card(request: HttpRequest, number: int, ref: str) -> HttpResponse:
    """What a citation stands for, small enough to show beside the cursor."""
    if not _REFERENCE.fullmatch(ref):
        raise Http404
    incident = visible_incident(request, number)
    named = Named(f"[[{ref}]]" if not ref.startswith("@") else ref, incident, person(request))
    reference = named.resolve(ref)
    if reference is None:
        raise Http404
    item = named.evidence.get(int(ref[2:])) if ref.startswith("E-") else None
    drawn = ""
    if item is not None:
        options = {"lines": CARD_LINES} if item.type == "log" else {}
        zone = timezone.get_current_timezone()
        drawn = evidence_html(item.type, item.title, item.payload, zone=zone, band=incident.band(), options=options)
    context = {"ref": ref, "reference": reference, "item": item, "drawn": drawn, "row": named.row(ref)}
    answer = render(request, "incidents/_card.html", context)
    answer["Cache-Control"] = "private, max-age=60"
    return answer
