"""What the clock reminds of: post-mortems that are due, late, or wait too long for a review."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from incidents.models import Incident, Notice, PostMortem, Review
from incidents.models.incident import IncidentRole
from incidents.notices import tell

SOON = timedelta(hours=24)
PATIENCE = timedelta(days=2)
MOST = 500
State = PostMortem.State


def remind(now: datetime) -> int:
    """Tell whom it concerns; how many notices were new. Asked again, the same day brings nothing more."""
    told = 0
    for postmortem in _unfinished().filter(due_at__gt=now, due_at__lte=now + SOON)[:MOST]:
        told += len(_due(postmortem, "is due soon", f"due:{postmortem.pk}:{postmortem.due_at:%Y-%m-%d}", now))
    for postmortem in _unfinished().filter(due_at__lte=now)[:MOST]:
        days = (now - postmortem.due_at).days if postmortem.due_at else 0
        late = f"is {days} day{'' if days == 1 else 's'} overdue" if days else "is overdue"
        told += len(_due(postmortem, late, f"overdue:{postmortem.pk}:{now:%Y-%m-%d}", now))
    waiting = Review.objects.filter(
        verdict=Review.Verdict.WAITING, postmortem__state=State.IN_REVIEW, asked_at__lte=now - PATIENCE
    )
    for review in waiting.select_related("postmortem__incident", "reviewer").order_by("asked_at")[:MOST]:
        told += len(_waits(review, now))
    return told


def _unfinished() -> QuerySet[PostMortem]:
    """Never published; those of incidents that turned out to be none are not owed."""
    rows = PostMortem.objects.filter(published_at=None).exclude(due_at=None)
    owed = Q(incident__closure_reason__in=["", "resolved"])
    rows = rows.filter(owed).select_related("incident__declared_by", "edited_by").order_by("due_at")
    return rows.prefetch_related("incident__roles__user")


def _due(postmortem: PostMortem, late: str, key: str, now: datetime) -> list[Notice]:
    return tell(
        responsible(postmortem),
        incident=postmortem.incident,
        key=key,
        text=f"The post-mortem of {postmortem.incident.key} “{postmortem.title}” {late}",
        address=reverse("postmortem-edit", args=[postmortem.incident.number]),
        now=now,
    )


def _waits(review: Review, now: datetime) -> list[Notice]:
    postmortem = review.postmortem
    return tell(
        [review.reviewer],
        incident=postmortem.incident,
        key=f"waits:{review.pk}:{review.asked_at.isoformat()}",
        text=f"“{postmortem.title}” has waited for your review for two days",
        address=postmortem.get_absolute_url(),
        now=now,
    )


def responsible(postmortem: PostMortem) -> Iterable[User]:
    """Who wrote last, who commanded or kept the record; where there is none, who declared the incident."""
    incident: Incident = postmortem.incident
    leading = {IncidentRole.COMMANDER.value, IncidentRole.SCRIBE.value}
    people = [*([postmortem.edited_by] if postmortem.edited_by else [])]
    people += [one.user for one in incident.roles.all() if one.role in leading]
    return people or [incident.declared_by]
