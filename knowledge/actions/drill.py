"""Drills: planned from a checklist, begun as an incident of their own kind, and what came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.incident import declare_incident
from incidents.actions.milestone import check_past
from incidents.models import Severity
from incidents.models.incident import Kind
from incidents.moments import check_moment
from knowledge.actions.run import start_run
from knowledge.models import Drill

FIELDS = ("title", "scenario", "checklist", "objective", "planned_at", "lead", "restored_to_at", "findings")


@transaction.atomic
def save_drill(*, by: User, now: datetime, drill: Drill | None = None, **fields: Any) -> Drill:
    """Plan one, or change it. `restored_to_at` is the newest data that came back, once it was begun."""
    require_respond(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    row = Drill.objects.select_for_update(of=("self",)).get(pk=drill.pk) if drill else Drill(created_by=by)
    check_moment("planned_at", fields.get("planned_at"))
    check_past("restored_to_at", fields.get("restored_to_at"), now)
    if fields.get("restored_to_at") and row.incident_id is None:
        raise InvalidInput("restored_to_at", "the drill has not begun yet")
    for name, value in fields.items():
        setattr(row, name, value)
    row.title = " ".join(row.title.split())
    for name in ("title", "planned_at", "checklist_id"):
        if not getattr(row, name):
            raise InvalidInput(name.removesuffix("_id"), "is empty; expected a title, a checklist and a time")
    row.full_clean(exclude=["lead", "created_by", "incident"])
    row.save()
    return row


@transaction.atomic
def begin_drill(*, drill: Drill, by: User, now: datetime) -> Drill:
    """An incident of kind drill with the scope of the objective, and the checklist's run, whose checks come first."""
    require_respond(by)
    drill = (
        Drill.objects.select_for_update(of=("self",)).select_related("objective__cluster", "checklist").get(pk=drill.pk)
    )
    if drill.incident_id is not None:
        raise InvalidInput("", "This drill has begun already.")
    if drill.cancelled_at is not None:
        raise InvalidInput("", "This drill was cancelled.")
    objective = drill.objective
    cluster = objective.cluster if objective else None
    drill.incident = declare_incident(
        title=drill.title,
        summary=drill.scenario,
        kind=Kind.DRILL,
        severity=Severity.objects.order_by("-rank").first(),
        clusters=[cluster] if cluster else [],
        namespaces=[objective.namespace] if objective and objective.namespace else [],
        services=[objective.service] if objective and objective.service else [],
        by=by,
        now=now,
    )
    drill.save()
    start_run(checklist=drill.checklist, incident=drill.incident, drill=drill, by=by, now=now)
    return drill


@transaction.atomic
def cancel_drill(*, drill: Drill, reason: str, by: User, now: datetime) -> Drill:
    require_respond(by)
    drill = Drill.objects.select_for_update(of=("self",)).get(pk=drill.pk)
    if drill.incident_id is not None:
        raise InvalidInput("", "This drill has begun; close its incident instead.")
    if not reason.strip() or len(reason) > 300:
        raise InvalidInput("reason", "say in at most 300 characters why it is cancelled")
    drill.cancelled_at, drill.cancelled_why = now, reason.strip()
    drill.save()
    audit.record(at=now, actor=by, verb="drill.cancelled", target=drill.title, detail={"reason": reason.strip()})
    return drill
