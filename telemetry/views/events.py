"""Looking through the archived Events of the clusters."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET

from accounts.permissions import can_administer
from accounts.problems import InvalidInput
from telemetry.browsing import TooMuch, UnknownPlace, Wanted, events_page
from telemetry.models import Cluster
from telemetry.reading import WINDOWS, Question, chart_of, coverage_told, question_of
from telemetry.recordings import quiet
from telemetry.signals import BY_NAME, RULES

SIZE = 50


@require_GET
def event_list(request: HttpRequest) -> HttpResponse:
    now, zone = timezone.now(), timezone.get_current_timezone()
    question, clusters = question_of(request.GET, now=now, zone=zone), list(Cluster.objects.all())
    context: dict[str, Any] = {
        "now": now,
        "question": question,
        "clusters": clusters,
        "windows": [(name, label) for name, (label, _) in WINDOWS.items()],
        "rules": RULES,
        "signals": BY_NAME,
        "query": _query(request),
        "quiet": quiet(now),
        "can_administer": can_administer(request.user),
        "more_open": question.window == "custom" or any(question.texts[name] for name in ("kind", "object", "signal")),
        "typed": _typed(question, zone),
    }
    if not question.errors:
        context |= _page(request, question)
    if not question.errors:
        context["coverage"] = coverage_told(question.wanted, clusters, now=now, zone=zone)
    return render(request, "telemetry/event_list.html", context, status=422 if question.errors else 200)


def _page(request: HttpRequest, question: Question) -> dict[str, Any]:
    after = request.GET.get("after", "")
    try:
        page = events_page(question.wanted, after=after, size=SIZE)
    except UnknownPlace:
        raise Http404("This address names no page of Events.") from None
    except InvalidInput as problem:
        question.errors.update(problem.errors)
        return {}
    except TooMuch as problem:
        return {"too_much": str(problem)}
    following = f"?{_query(request, after=page.following)}" if page.following else ""
    return {"rows": page.rows, "next": following, "first": f"?{_query(request)}" if after else ""}


@require_GET
def event_counts(request: HttpRequest) -> HttpResponse:
    """The chart: fetched by the page of Events, and a page of its own for those without scripts."""
    now, zone = timezone.now(), timezone.get_current_timezone()
    question = question_of(request.GET, now=now, zone=zone)
    context: dict[str, Any] = {"query": _query(request), "errors": question.errors}
    if not question.errors:
        context |= _chart(question.wanted, now, zone)
    template = "telemetry/_event_counts.html" if request.headers.get("HX-Request") else "telemetry/event_counts.html"
    return render(request, template, context)


def _chart(wanted: Wanted, now: datetime, zone: tzinfo) -> dict[str, Any]:
    try:
        chart = chart_of(wanted, now=now, zone=zone)
    except InvalidInput as problem:
        return {"errors": problem.errors}
    except TooMuch:
        return {"too_much": True}
    return {"chart": chart, "picture": mark_safe(chart.picture)}  # noqa: S308 - drawn and escaped by telemetry.drawing


def _typed(question: Question, zone: tzinfo) -> dict[str, str]:
    """For inputs of the type datetime-local, in the reader's zone; nothing for presets."""
    times = {"since": question.wanted.since, "until": question.wanted.until} if question.window == "custom" else {}
    return {name: f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}" for name, at in times.items() if at}


def _query(request: HttpRequest, **more: str) -> str:
    """The address's filters without its place in the list."""
    query = request.GET.copy()
    query.pop("after", None)
    for name, value in more.items():
        query[name] = value
    return query.urlencode()
