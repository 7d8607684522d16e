"""Search: the page with its facets, and the few that the palette shows while somebody types."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents.views.access import person
from knowledge.search.events import NO_EVENTS, concerns_events, search_events
from knowledge.search.parsing import FILTERS, LONGEST, Asked, parse, written
from knowledge.search.querying import Found
from knowledge.search.querying import search as find

QUICK = 8
NAMES = {"kind": "Kind", "service": "Service", "reason": "Event reason", "severity": "Severity"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet or one chip; `address` turns it on or off."""

    label: str
    count: int
    chosen: bool
    address: str


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """`?q=words service:checkout&kind=lesson&sort=newest&from=20`."""
    asked = _asked(request)
    start, newest = request.GET.get("from", ""), request.GET.get("sort") == "newest"
    offset = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 0
    only_events = asked.only("kind") == ["event"]
    found = Found(asked) if only_events else find(asked, person(request), start=offset, newest=newest)
    events = search_events(asked, size=20 if only_events else 5) if not offset and concerns_events(asked) else NO_EVENTS
    sort = {"sort": "newest"} if newest else {}
    text = written(asked)
    context = {
        "q": text,
        "found": found,
        "events": events,
        "newest": newest,
        "facets": _facets(found, sort),
        "chips": _chips(asked, sort),
        "filters": FILTERS.items(),
        "next": f"?{urlencode({'q': text, **sort, 'from': found.next})}" if found.next else "",
        "first": f"?{urlencode({'q': text, **sort})}" if offset else "",
        "other_sort": f"?{urlencode({'q': text} | ({} if newest else {'sort': 'newest'}))}",
        "help": f"?{urlencode({'q': found.suggestion})}" if found.suggestion else "",
    }
    return render(request, "knowledge/search.html", context)


@require_GET
def quick(request: HttpRequest) -> HttpResponse:
    """The palette's list: the best few, with the words still being typed."""
    asked = _asked(request)
    found = find(asked, person(request), size=QUICK, typing=True) if not asked.is_empty else Found(asked)
    return render(request, "knowledge/_quick.html", {"q": written(asked), "found": found})


def _asked(request: HttpRequest) -> Asked:
    """The box, and `kind=` as older addresses have it."""
    text, kind = request.GET.get("q", "")[:LONGEST], request.GET.get("kind", "")
    asked = parse(text)
    return parse(written(asked, plus=("kind", kind))) if kind and kind.isalpha() else asked


def _facets(found: Found, sort: dict[str, str]) -> list[tuple[str, list[Choice]]]:
    facets = []
    for name, values in found.facets.items():
        choices = [
            Choice(label, count, chosen, _address(found.asked, name, value, chosen, sort))
            for value, label, count, chosen in values
        ]
        if choices:
            facets.append((NAMES[name], choices))
    return facets


def _address(asked: Asked, name: str, value: str, chosen: bool, sort: dict[str, str]) -> str:
    known = next((one for one in asked.only(name) if one.lower() == value.lower()), value)
    text = written(asked, without=(name, known)) if chosen else written(asked, plus=(name, value))
    return f"?{urlencode({'q': text, **sort})}"


def _chips(asked: Asked, sort: dict[str, str]) -> list[Choice]:
    chips = [
        Choice(f"{name}: {value}", 0, True, _address(asked, name, value, True, sort))
        for name, values in asked.filters.items()
        for value in values
    ]
    for name, at in (("before", asked.before), ("after", asked.after)):
        if at is not None:
            text = written(asked, without=(name, ""))
            day = next(part for part in written(asked).split() if part.startswith(f"{name}:"))
            chips.append(Choice(day.replace(":", " "), 0, True, f"?{urlencode({'q': text, **sort})}"))
    return chips
