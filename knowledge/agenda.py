"""An agenda by rule: the published post-mortems of a stretch of time, of some severities, of a team."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts.models import Team, User
from incidents.models import FollowUp, Incident, PostMortem, Severity
from incidents.models.incident import RoleAssignment
from knowledge.models import Lesson

MOST = 20


def postmortems_by_rule(
    *, person: User, since: datetime, severities: list[Severity], team: Team | None, only_published: bool
) -> list[PostMortem]:
    """The worst first, then the newest. A team's are those that one of it declared or took part in, or it has a
    follow-up of."""
    incidents = Incident.objects.visible_to(person).filter(declared_at__gte=since)
    if severities:
        incidents = incidents.filter(severity__in=severities)
    if team is not None:
        members = team.members.values("pk")
        roles = RoleAssignment.objects.filter(incident=OuterRef("pk"), user__in=members)
        promised = FollowUp.objects.filter(incident=OuterRef("pk"), team=team)
        incidents = incidents.filter(Q(declared_by__in=members) | Exists(roles) | Exists(promised))
    rows = PostMortem.objects.filter(incident__in=incidents).select_related("incident__severity")
    if only_published:
        rows = rows.exclude(published_at=None)
    return list(rows.order_by("incident__severity__rank", "-incident__declared_at")[:MOST])


def lessons_of(postmortems: list[PostMortem], person: User) -> list[Lesson]:
    """Those drawn from these post-mortems, each once."""
    return list(Lesson.objects.visible_to(person).filter(postmortems__in=postmortems).distinct()[:MOST])


def filled(postmortems: list[PostMortem], lessons: list[Lesson], minutes: int) -> list[dict[str, Any]]:
    """An agenda for a slot: five minutes for questions, three a lesson, the rest shared by the post-mortems."""
    questions = 5 if minutes >= 15 else 0
    rest = max(0, minutes - questions - 3 * len(lessons))
    share = max(3, rest // max(1, len(postmortems)))
    agenda: list[dict[str, Any]] = [{"postmortem": one, "minutes": share} for one in postmortems]
    agenda += [{"lesson": one, "minutes": 3} for one in lessons]
    return [*agenda, {"title": "Questions", "minutes": questions}] if questions else agenda
