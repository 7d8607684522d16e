"""Whether a file that was made once may still be fetched: what went into it may have become restricted."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts.models import User
from incidents.models import Incident, PostMortem
from knowledge.models import Export, Lesson

# In `Export.query`, beside what narrowed it: the ids of what went in.
INCIDENTS, LESSONS = "of_incidents", "of_lessons"
INSIDE = (INCIDENTS, LESSONS)
OUTDATED = "It was made before something in it was restricted or removed; make it again."


def made_of(*, incidents: Iterable[int] = (), lessons: Iterable[int] = ()) -> dict[str, str]:
    told = {INCIDENTS: sorted(set(incidents)), LESSONS: sorted(set(lessons))}
    return {name: ",".join(map(str, ids)) for name, ids in told.items() if ids}


def exports_of(person: User) -> QuerySet[Export]:
    """A person's own, without those of post-mortems that they may not see any more."""
    seen = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(person)).values("pk")
    rows = Export.objects.filter(person=person).defer("data")
    return rows.filter(~Q(subject=Export.Subject.POSTMORTEM) | Q(ref__in=seen))


def outdated(export: Export, person: User) -> str:
    """Why its file is not handed out, or ""."""
    incidents, lessons = (_ids(export, name) for name in INSIDE)
    seen = Incident.objects.visible_to(person).filter(pk__in=incidents).count()
    known = Lesson.objects.visible_to(person).filter(pk__in=lessons).count() if lessons else 0
    return OUTDATED if seen < len(incidents) or known < len(lessons) else ""


def _ids(export: Export, name: str) -> set[int]:
    return {int(one) for one in str(export.query.get(name, "")).split(",") if one.isdigit()}
