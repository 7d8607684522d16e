from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents.views.access import person
from knowledge.search import search as find

KINDS = [
    ("", "All"),
    ("incident", "Incidents"),
    ("postmortem", "Post-mortems"),
    ("lesson", "Lessons"),
    ("checklist", "Checklists"),
]


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    text, kind = request.GET.get("q", ""), request.GET.get("kind", "")
    hits = find(text, person(request), kind=kind)
    return render(request, "knowledge/search.html", {"q": text[:200], "kind": kind, "kinds": KINDS, "hits": hits})
