"""Declare, change, move on, close and reopen an incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents import signals
from incidents.actions.collection import start_collection
from incidents.actions.milestone import check_past, forget_milestones, write_milestone
from incidents.actions.postmortem import open_postmortem_where_needed
from incidents.actions.timeline import write_change
from incidents.models import Collection, Counter, Incident, RoleAssignment, Severity
from incidents.models.incident import (
    OPEN_STATUSES,
    TITLE_LIMIT,
    ClosureReason,
    DetectedBy,
    IncidentRole,
    Kind,
    MilestoneKind,
    Status,
    Visibility,
)
from incidents.moments import check_moment
from telemetry.models import Cluster

LONGEST_WINDOW = timedelta(days=7)
FIELDS = (
    "title",
    "summary",
    "severity",
    "kind",
    "visibility",
    "namespaces",
    "workloads",
    "services",
    "labels",
    "detected_by",
    "window_from",
    "window_to",
)


@transaction.atomic
def declare_incident(
    *,
    title: str,
    by: User,
    now: datetime,
    severity: Severity | None = None,
    summary: str = "",
    kind: str = Kind.INCIDENT,
    visibility: str = Visibility.INTERNAL,
    clusters: Sequence[Cluster] = (),
    namespaces: Sequence[str] = (),
    workloads: Sequence[Mapping[str, str]] = (),
    services: Sequence[str] = (),
    labels: Sequence[str] = (),
    detected_by: str = DetectedBy.UNSAID,
    impact_started_at: datetime | None = None,
    detected_at: datetime | None = None,
    window_from: datetime | None = None,
    window_to: datetime | None = None,
    via: str = "page",
) -> Incident:
    """INC-n with its first milestones and its first collection under way. Raises InvalidInput, PermissionProblem.

    Without a severity the usual one stands in until somebody chooses.
    """
    require_respond(by)
    taken = severity or usual_severity()
    incident = Incident(
        title=clean_title(title),
        summary=summary,
        severity=taken,
        severity_is_open=severity is None,
        kind=kind,
        visibility=visibility,
        declared_by=by,
        declared_at=now,
        namespaces=list(namespaces),
        workloads=clean_workloads(workloads),
        services=list(services),
        labels=list(labels),
        detected_by=detected_by,
        window_from=window_from,
        window_to=window_to,
    )
    check_window(window_from, window_to, now)
    check_past("impact_started_at", impact_started_at, now)
    check_past("detected_at", detected_at, now)
    incident.number = 0
    incident.clean_fields(exclude=["number", "severity", "declared_by"])
    incident.number = Counter.take("INC")
    incident.save()
    incident.clusters.set(clusters)
    for name, at in (("impact_started", impact_started_at), ("detected", detected_at), ("declared", now)):
        if at is not None:
            write_milestone(incident=incident, kind=MilestoneKind(name), at=at, by=by)
    audit.record(
        at=now,
        actor=by,
        verb="incident.declared",
        target=incident.key,
        via=via,
        detail={"severity": taken.name},
    )
    start_collection(incident=incident, trigger=Collection.Trigger.DECLARED, now=now)
    signals.tell("incident_declared", at=now, incident_id=incident.pk)
    return incident


@transaction.atomic
def change_incident(*, incident: Incident, by: User, now: datetime, via: str = "page", **fields: Any) -> Incident:
    """Any of FIELDS, and `clusters`; what is not given stays."""
    require_respond(by)
    incident = Incident.objects.select_for_update(of=("self",)).select_related("severity").get(pk=incident.pk)
    clusters = fields.pop("clusters", None)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    if "title" in fields:
        fields["title"] = clean_title(fields["title"])
    if "workloads" in fields:
        fields["workloads"] = clean_workloads(fields["workloads"])
    if {"window_from", "window_to"} & set(fields):
        check_window(fields.get("window_from", incident.window_from), fields.get("window_to", incident.window_to), now)
    before = incident.severity
    changed = sorted(name for name, value in fields.items() if getattr(incident, name) != value)
    confirmed = "severity" in fields and incident.severity_is_open
    if "severity" in fields:
        incident.severity_is_open = False
    for name, value in fields.items():
        setattr(incident, name, value)
    incident.clean_fields(exclude=["severity", "declared_by", "duplicate_of", "recurrence_of"])
    incident.save()
    if not Incident.objects.visible_to(by).filter(pk=incident.pk).exists():
        raise InvalidInput("visibility", "you would no longer see it yourself; take a role in it first")
    if clusters is not None:
        incident.clusters.set(clusters)
    if "severity" in changed or confirmed:
        came = f"{before.name} → " if "severity" in changed else ""
        write_change(incident=incident, at=now, by=by, title=f"Severity {came}{incident.severity.name}")
        audit.record(
            at=now,
            actor=by,
            verb="incident.severity",
            target=incident.key,
            via=via,
            detail={"from": before.name, "to": incident.severity.name},
        )
    if changed or confirmed or clusters is not None:
        announce(incident, now, "severity" if "severity" in changed or confirmed else "fields")
    return incident


@transaction.atomic
def change_status(
    *,
    incident: Incident,
    status: str,
    by: User,
    now: datetime,
    reason: str = "",
    closure_reason: str = "",
    duplicate_of: Incident | None = None,
    by_itself: bool = False,
    via: str = "page",
) -> Incident:
    """Forward, back among the open ones, closed with a closure reason, or reopened with a reason.

    `by_itself`: no person did it, so nobody has acknowledged anything by it.
    """
    require_respond(by)
    incident = Incident.objects.select_for_update().get(pk=incident.pk)
    before = incident.status
    if status not in Status.values:
        raise InvalidInput("status", f"is {status!r}; expected one of {', '.join(Status.values)}")
    if status == before:
        return incident
    if status == Status.CLOSED and before in OPEN_STATUSES and closure_reason == ClosureReason.RESOLVED:
        # Nothing is closed as resolved without having been resolved: its last collection, its milestone, its text.
        change_status(incident=incident, status=Status.RESOLVED, by=by, now=now, via=via)
        incident.refresh_from_db()
        before = incident.status
    reopening = before not in OPEN_STATUSES and status in OPEN_STATUSES
    if reopening and not reason.strip():
        raise InvalidInput("reason", "say why it is opened again")
    if status == Status.CLOSED:
        _close(incident, closure_reason, duplicate_of)
    else:
        incident.closure_reason, incident.duplicate_of = "", None
    if before == Status.CLOSED:
        forget_milestones(incident, MilestoneKind.CLOSED)
    if reopening:
        incident.evidence_frozen_at = None
        forget_milestones(incident, MilestoneKind.RESOLVED)
    incident.status = status
    incident.save()
    title = (
        f"Reopened as {incident.get_status_display().lower()}"
        if reopening
        else f"Status {incident.get_status_display()}"
    )
    marked = _mark(incident, by, now, by_itself=by_itself)
    if reopening or reason.strip() or status not in marked:
        write_change(incident=incident, at=now, by=by, title=title, text=reason)
    audit.record(
        at=now,
        actor=by,
        verb="incident.status",
        target=incident.key,
        via=via,
        detail={"from": before, "to": status, "reason": reason},
    )
    if status == Status.RESOLVED:
        start_collection(incident=incident, trigger=Collection.Trigger.RESOLVED, now=now)
        open_postmortem_where_needed(incident=incident, now=now)
    elif reopening:
        start_collection(incident=incident, trigger=Collection.Trigger.MANUAL, now=now)
    elif status == Status.CLOSED and before in OPEN_STATUSES:
        start_collection(incident=incident, trigger=Collection.Trigger.RESOLVED, now=now)
    announce(incident, now, "status")
    return incident


def _close(incident: Incident, closure_reason: str, duplicate_of: Incident | None) -> None:
    if closure_reason not in ClosureReason.values:
        raise InvalidInput("closure_reason", f"expected one of {', '.join(ClosureReason.values)}")
    if closure_reason == ClosureReason.DUPLICATE:
        if duplicate_of is None or duplicate_of.pk == incident.pk:
            raise InvalidInput("duplicate_of", "expected another incident, such as INC-17")
        incident.duplicate_of = duplicate_of
    incident.closure_reason = closure_reason


def _mark(incident: Incident, by: User, now: datetime, *, by_itself: bool) -> list[str]:
    """Set the milestones that a status brings, where nobody set them before; the timeline tells those by itself."""
    known = incident.milestone_times()
    wanted = {
        Status.IDENTIFIED: [MilestoneKind.ACKNOWLEDGED],
        Status.MITIGATED: [MilestoneKind.ACKNOWLEDGED, MilestoneKind.MITIGATED],
        Status.RESOLVED: [MilestoneKind.MITIGATED, MilestoneKind.RESOLVED],
        Status.CLOSED: [MilestoneKind.CLOSED],
    }.get(Status(incident.status), [])
    done = {MilestoneKind.ACKNOWLEDGED} if by_itself else set()
    fresh = [kind for kind in wanted if kind not in known and kind not in done]
    for kind in fresh:
        write_milestone(incident=incident, kind=kind, at=now, by=by)
    return [kind.value for kind in fresh]


@transaction.atomic
def assign_role(
    *, incident: Incident, role: str, user: User, by: User, now: datetime, via: str = "page"
) -> RoleAssignment:
    """One commander, scribe and communications each, any number of responders; the first commander acknowledges."""
    require_respond(by)
    if role not in IncidentRole.values:
        raise InvalidInput("role", f"is {role!r}; expected one of {', '.join(IncidentRole.values)}")
    Incident.objects.select_for_update().get(pk=incident.pk)
    if role != IncidentRole.RESPONDER:
        incident.roles.filter(role=role).exclude(user=user).delete()
    assignment, created = RoleAssignment.objects.get_or_create(incident=incident, role=role, user=user)
    if created:
        write_change(incident=incident, at=now, by=by, title=f"{user.display_name} is {role}")
        if role == IncidentRole.COMMANDER and MilestoneKind.ACKNOWLEDGED not in incident.milestone_times():
            write_milestone(incident=incident, kind=MilestoneKind.ACKNOWLEDGED, at=now, by=by)
        announce(incident, now, "roles")
    return assignment


@transaction.atomic
def set_roles(*, incident: Incident, roles: Sequence[tuple[str, User]], by: User, now: datetime) -> None:
    """The whole list: who is not in it loses the role."""
    for given in incident.roles.select_related("user"):
        if (given.role, given.user) not in roles:
            remove_role(incident=incident, role=given.role, user=given.user, by=by, now=now)
    for role, user in roles:
        assign_role(incident=incident, role=role, user=user, by=by, now=now)


@transaction.atomic
def remove_role(*, incident: Incident, role: str, user: User, by: User, now: datetime) -> None:
    require_respond(by)
    if incident.roles.filter(role=role, user=user).delete()[0]:
        write_change(incident=incident, at=now, by=by, title=f"{user.display_name} is no longer {role}")
        announce(incident, now, "roles")


def usual_severity() -> Severity:
    severity = Severity.usual(Severity.objects.all())
    if severity is None:
        raise InvalidInput("severity", "there is none yet; expected at least one")
    return severity


def clean_title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned:
        raise InvalidInput("title", "is empty; say in a few words what users notice")
    if len(cleaned) > TITLE_LIMIT:
        raise InvalidInput(
            "title",
            f"has {len(cleaned):,} characters; expected at most {TITLE_LIMIT}. Put the rest into the summary.",
        )
    return cleaned


def clean_workloads(workloads: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    cleaned = []
    for place, workload in enumerate(workloads):
        row = {name: str(workload.get(name, "")).strip() for name in ("kind", "namespace", "name")}
        if not all(row.values()) or any(len(value) > 253 for value in row.values()):
            raise InvalidInput(
                f"workloads.{place}", "expected kind, namespace and name, such as Deployment, shop, checkout"
            )
        cleaned.append(row)
    return cleaned


def check_window(start: datetime | None, end: datetime | None, now: datetime | None = None) -> None:
    """`now` stands for an end that is not given."""
    check_moment("window_from", start)
    check_moment("window_to", end)
    last = end or now
    if start and end and end <= start:
        raise InvalidInput("window_to", "the window ends before it starts; expected a later time")
    if start and last and last - start > LONGEST_WINDOW:
        raise InvalidInput("window_to", "the window is longer than 7 days; expected a shorter one")


def announce(incident: Incident, now: datetime, change: str) -> None:
    told = {"status": incident.status, "severity": incident.severity.name}
    signals.tell("incident_changed", at=now, incident_id=incident.pk, change=change, **told)


@transaction.atomic
def set_recurrence(*, incident: Incident, of: Incident | None, by: User, now: datetime, via: str = "page") -> Incident:
    """It has the cause of an earlier one; None takes that back."""
    require_respond(by)
    incident = Incident.objects.select_for_update(of=("self",)).select_related("severity").get(pk=incident.pk)
    if of is not None and of.pk == incident.pk:
        raise InvalidInput("recurrence_of", "is the incident itself; expected an earlier one, such as INC-17")
    if incident.recurrence_of_id == (of.pk if of else None):
        return incident
    before = incident.recurrence_of
    incident.recurrence_of = of
    incident.save()
    said = f"A recurrence of {_named(of, incident)}" if of else f"No recurrence of {_named(before, incident)} after all"
    write_change(incident=incident, at=now, by=by, title=said)
    detail = {"of": of.key if of else ""}
    audit.record(at=now, actor=by, verb="incident.recurrence", target=incident.key, via=via, detail=detail)
    announce(incident, now, "fields")
    return incident


def _named(other: Incident | None, on: Incident) -> str:
    """As it may stand on the timeline of `on`, which others read than those who see a restricted one."""
    if other is None or (other.is_restricted and not on.is_restricted):
        return "an incident that is restricted" if other else "another one"
    return other.key
