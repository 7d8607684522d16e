"""How old the newest usable recovery point of an objective's place is, read by schedule and on demand."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from knowledge.checking.readings import LiveReadings
from knowledge.checks.backups import recoverable
from knowledge.models import ChecklistRun, RecoveryObjective, RecoveryReading
from knowledge.models.target import Targeted

EVERY = timedelta(hours=1)
KEPT = timedelta(days=400)


def due(now: datetime) -> list[int]:
    """Objectives with an RPO that nobody has read for an hour."""
    fresh = RecoveryReading.objects.filter(at__gt=now - EVERY).values("objective")
    rows = RecoveryObjective.objects.exclude(rpo_seconds=None).exclude(pk__in=fresh)
    return list(rows.values_list("pk", flat=True)[:200])


def read(objective_id: int) -> RecoveryReading | None:
    """None when the objective was removed meanwhile."""
    objective = RecoveryObjective.objects.select_related("cluster").filter(pk=objective_id).first()
    if objective is None:
        return None
    now = timezone.now()
    with LiveReadings(target_of(objective), now) as readings:
        try:
            found = recoverable(readings)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as problem:
            return _written(objective, now, reason=f"an object has an unexpected shape ({type(problem).__name__})")
    if found.at is None:
        return _written(objective, now, reason=found.reason)
    age = max(0, round((now - found.at).total_seconds()))
    return _written(objective, now, age_seconds=age, tool=found.tool[:40], point=found.point[:253])


def target_of(objective: RecoveryObjective) -> Targeted:
    """The objective's place as checks want it: a run that is never saved."""
    return ChecklistRun(cluster=objective.cluster, namespace=objective.namespace, service=objective.service)


def _written(objective: RecoveryObjective, now: datetime, **fields: object) -> RecoveryReading:
    RecoveryReading.objects.filter(objective=objective, at__lt=now - KEPT).delete()
    return RecoveryReading.objects.create(objective=objective, at=now, **fields)
