"""The small numbers in the side bar."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from incidents.models import FollowUp, Incident, Review
from telemetry.models import Source


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def attention(person: User) -> dict[str, Any]:
    """Open incidents, reviews that wait for this person, their overdue follow-ups, broken sources: one query."""
    me = User.objects.filter(pk=person.pk)
    reviews = Review.objects.filter(
        reviewer=OuterRef("pk"), verdict=Review.Verdict.WAITING, postmortem__state="in_review"
    )
    row = me.values(
        n_incidents=_count(Incident.objects.visible_to(person).open()),
        n_postmortems=_count(reviews),
        n_followups=_count(FollowUp.objects.filter(owner=OuterRef("pk")).overdue(timezone.now())),
        n_sources=_count(Source.objects.filter(enabled=True)),
        n_broken=_count(Source.objects.filter(enabled=True, preflight__contains=[{"ok": False}])),
    ).get()
    numbers: dict[str, Any] = {name.removeprefix("n_"): count for name, count in row.items()}
    return {**numbers, "recording": _recording(numbers["sources"], numbers["broken"])}


def _recording(sources: int, broken: int) -> dict[str, str]:
    if not sources:
        return {"level": "warn", "text": "No source connected", "detail": "Incidents collect nothing yet"}
    if broken:
        return {"level": "warn", "text": f"{broken} of {sources} sources need a hand", "detail": ""}
    return {"level": "ok", "text": f"{sources} sources connected", "detail": ""}
