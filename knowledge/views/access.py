"""Which runs and follow-ups a person may see."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import User
from incidents.models import Incident
from knowledge.models import ChecklistRun, Drill


def visible_runs(who: User) -> QuerySet[ChecklistRun]:
    seen = Incident.objects.visible_to(who)
    rows = ChecklistRun.objects.filter(Q(incident=None) | Q(incident__in=seen))
    return rows.select_related("checklist", "incident", "cluster", "started_by", "finished_by")


def visible_drills(who: User) -> QuerySet[Drill]:
    """Planned ones are seen by all; one that has begun, by who may see its incident."""
    rows = Drill.objects.filter(Q(incident=None) | Q(incident__in=Incident.objects.visible_to(who)))
    return rows.select_related("checklist", "objective__cluster", "lead", "incident")
