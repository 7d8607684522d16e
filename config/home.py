"""The first page: what needs me, then everything else."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import can_respond
from incidents.models import FollowUp, Incident, PostMortem, Review
from incidents.models.evidence import RunState
from incidents.proposals import open_proposals
from incidents.views.access import person
from knowledge.models import BrownBagSession, Lesson
from telemetry.models import Source
from telemetry.recordings import quiet


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    me, now = person(request), timezone.now()
    seen = Incident.objects.visible_to(me)
    asked = Count("runs", filter=Q(runs__collection__finished_at=None))
    answered = Count("runs", filter=Q(runs__collection__finished_at=None, runs__state=RunState.DONE))
    writing = PostMortem.objects.filter(incident__in=seen).select_related("incident__severity")
    mine = Q(edited_by=me) | Q(incident__declared_by=me) | Q(incident__roles__user=me)
    waits = Q(reviews__reviewer=me, reviews__verdict=Review.Verdict.WAITING)
    followups = FollowUp.objects.visible_to(me).filter(owner=me).unfinished().select_related("incident")
    sources = list(Source.objects.filter(enabled=True).select_related("cluster"))
    upcoming = BrownBagSession.objects.filter(held_at__gte=now).order_by("held_at").select_related("host")
    context = {
        "now": now,
        "can_respond": can_respond(request.user),
        "incidents": seen.open().select_related("severity").annotate(asked=asked, answered=answered)[:20],
        "proposals": open_proposals(me),
        "followups": followups.order_by("due_at")[:6],
        "followups_total": followups.count(),
        "writing": writing.exclude(state="published").filter(mine).exclude(waits).distinct()[:6],
        "reviews": writing.filter(waits, state="in_review").distinct()[:6],
        "sources": sources,
        "broken": [source for source in sources if source.is_healthy is False],
        "quiet": quiet(now),
        "brownbag": upcoming.first(),
        "lessons": Lesson.objects.visible_to(me)[:3],
        "recent": seen.exclude(status__in=["investigating", "identified", "mitigated"]).select_related("severity")[:5],
    }
    return render(request, "home.html", context)
