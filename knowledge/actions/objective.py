"""Recovery objectives: agreed, changed, removed; and a reading of recovery points on demand."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from knowledge.models import RecoveryObjective
from knowledge.targets import clean_target
from knowledge.tasks.checking import enqueue_objective
from telemetry.models import Cluster

MOST_SECONDS = 366 * 86_400


@transaction.atomic
def save_objective(
    *,
    by: User,
    now: datetime,
    service: str = "",
    namespace: str = "",
    cluster: Cluster | None = None,
    rto_seconds: int | None = None,
    rpo_seconds: int | None = None,
    note: str = "",
    objective: RecoveryObjective | None = None,
) -> RecoveryObjective:
    """One for each place. Changing the times is agreeing anew."""
    require_respond(by)
    place = clean_target(cluster=cluster, namespace=namespace, service=service)
    if not (place["service"] or place["namespace"]):
        raise InvalidInput("service", "name the service or the namespace that the objective is for")
    for name, value in (("rto_seconds", rto_seconds), ("rpo_seconds", rpo_seconds)):
        if value is not None and not 0 < value <= MOST_SECONDS:
            raise InvalidInput(name, "expected a time between a second and a year, such as 30 min or 4 h")
    if rto_seconds is None and rpo_seconds is None:
        raise InvalidInput("rto_seconds", "set the RTO, the RPO, or both")
    if len(note) > 2_000:
        raise InvalidInput("note", "expected at most 2,000 characters")
    row = objective or RecoveryObjective()
    same = {"service": place["service"], "namespace": place["namespace"], "cluster": cluster}
    if RecoveryObjective.objects.filter(**same).exclude(pk=row.pk).exists():
        raise InvalidInput("service", "has an objective already; change that one")
    for name, value in {**same, "rto_seconds": rto_seconds, "rpo_seconds": rpo_seconds, "note": note.strip()}.items():
        setattr(row, name, value)
    row.agreed_at, row.agreed_by = now, by
    row.save()
    if row.rpo_seconds is not None:
        transaction.on_commit(partial(enqueue_objective, row.pk))
    return row


@transaction.atomic
def delete_objective(*, objective: RecoveryObjective, by: User, now: datetime, via: str = "page") -> None:
    """Its readings go with it; drills stay."""
    require_respond(by)
    audit.record(at=now, actor=by, verb="objective.deleted", target=str(objective), via=via)
    objective.delete()


def ask_reading(*, objective: RecoveryObjective, by: User, now: datetime) -> None:
    require_respond(by)
    if objective.rpo_seconds is None:
        raise InvalidInput("", "This objective has no RPO, so recovery points are not read for it.")
    transaction.on_commit(partial(enqueue_objective, objective.pk))
