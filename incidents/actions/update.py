"""What stakeholders are told while an incident goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents import signals
from incidents.actions.incident import change_incident, change_status
from incidents.actions.timeline import write_change
from incidents.models import Incident, IncidentUpdate, Severity
from incidents.models.incident import OPEN_STATUSES, Status
from incidents.models.update import UPDATE_LIMIT

LONGEST_PROMISE = timedelta(days=7)


@transaction.atomic
def post_update(
    *,
    incident: Incident,
    text: str,
    by: User,
    now: datetime,
    status: str | None = None,
    severity: Severity | None = None,
    next_in: timedelta | None = None,
    via: str = "page",
) -> IncidentUpdate:
    """With it the status and the severity change where they are given and others. `next_in` promises the next one."""
    require_respond(by)
    text = _checked(text, next_in)
    incident = Incident.objects.select_for_update(of=("self",)).select_related("severity").get(pk=incident.pk)
    if severity is not None and (severity != incident.severity or incident.severity_is_open):
        incident = change_incident(incident=incident, by=by, now=now, via=via, severity=severity)
    if status is not None and status != incident.status:
        _check_status(incident, status)
        incident = change_status(incident=incident, status=status, by=by, now=now, via=via)
    update = IncidentUpdate.objects.create(
        incident=incident,
        text=text,
        status=incident.status,
        severity=incident.severity.name,
        posted_by=by,
        next_at=now + next_in if next_in is not None else None,
        posted_at=now,
    )
    write_change(incident=incident, at=now, by=by, title="Update", text=text, update=update.pk)
    audit.record(at=now, actor=by, verb="incident.update", target=incident.key, via=via, detail={"update": update.pk})
    signals.tell("incident_updated", at=now, incident_id=incident.pk, update_id=update.pk)
    return update


def _checked(text: str, next_in: timedelta | None) -> str:
    cleaned = "\n".join(text.replace("\x00", "").strip().splitlines())
    if not cleaned:
        raise InvalidInput("text", "is empty; say what is known, what is being done and what comes next")
    if len(cleaned) > UPDATE_LIMIT:
        raise InvalidInput("text", f"has {len(cleaned):,} characters; expected at most {UPDATE_LIMIT:,}")
    if next_in is not None and not timedelta(0) < next_in <= LONGEST_PROMISE:
        raise InvalidInput("next_in", f"expected a time to come, within {LONGEST_PROMISE.days} days")
    return cleaned


def _check_status(incident: Incident, status: str) -> None:
    """Closing and reopening ask for reasons that an update does not hold."""
    if status == Status.CLOSED:
        raise InvalidInput("status", "an update does not close an incident; expected another, or close it by itself")
    if status in OPEN_STATUSES and not incident.is_open:
        raise InvalidInput("status", "an update does not open an incident again; reopen it first and say why")
