"""The small numbers in the side bar."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from accounts.templatetags import words
from incidents.models import FollowUp, Incident, Notice, Review
from telemetry.models import Cluster, Recording, Source
from telemetry.recordings import SILENT_AFTER


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def attention(person: User) -> dict[str, Any]:
    """Open incidents, reviews that wait for this person, their notices and overdue follow-ups, how recording goes: one query."""
    now = timezone.now()
    me = User.objects.filter(pk=person.pk)
    reviews = Review.objects.filter(
        reviewer=OuterRef("pk"), verdict=Review.Verdict.WAITING, postmortem__state="in_review"
    )
    notices = Notice.objects.filter(
        person=OuterRef("pk"), read_at=None, incident__in=Incident.objects.visible_to(person)
    )
    clusters = Cluster.objects.to_record()
    events = Recording.objects.filter(resource="events", cluster__in=clusters)
    row = me.values(
        n_incidents=_count(Incident.objects.visible_to(person).open()),
        n_postmortems=_count(reviews),
        n_notices=_count(notices),
        n_followups=_count(FollowUp.objects.filter(owner=OuterRef("pk")).overdue(now)),
        n_sources=_count(Source.objects.filter(enabled=True)),
        n_broken=_count(Source.objects.filter(enabled=True, preflight__contains=[{"ok": False}])),
        n_clusters=_count(clusters),
        n_recorded=_count(events.filter(heard_at__gt=now - SILENT_AFTER)),
        n_last=Subquery(events.order_by(F("last_event_at").desc(nulls_last=True)).values("last_event_at")[:1]),
    ).get()
    numbers: dict[str, Any] = {name.removeprefix("n_"): count for name, count in row.items()}
    last = numbers.pop("last")
    return {**numbers, "recording": _recording(numbers, (now - last).total_seconds() if last else None)}


def _recording(numbers: dict[str, int], seconds: float | None) -> dict[str, str]:
    """`seconds` have gone since the newest Event of all clusters."""
    sources, broken, clusters, recorded = (numbers[name] for name in ("sources", "broken", "clusters", "recorded"))
    if not sources:
        return {"level": "warn", "text": "No source connected", "detail": "Incidents collect nothing yet"}
    hand = f"{broken} of {sources} sources need a hand" if broken else ""
    if not clusters:
        return {
            "level": "warn" if broken else "ok",
            "text": hand or f"{sources} source{'' if sources == 1 else 's'} connected",
            "detail": "",
        }
    detail = hand or (f"Last Event {words.span(seconds)} ago" if seconds is not None else "No Event yet")
    if recorded < clusters:
        text = "The cluster is not recorded" if clusters == 1 else f"Recording {recorded} of {clusters} clusters"
        return {"level": "warn", "text": text, "detail": detail}
    text = "Recording the cluster" if clusters == 1 else f"Recording all {clusters} clusters"
    return {"level": "warn" if broken else "ok", "text": text, "detail": detail}
