"""Signals: what is done when one is seen, and what people make of a proposal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_administer, require_respond
from accounts.problems import InvalidInput
from incidents.actions.incident import LONGEST_WINDOW, declare_incident, usual_severity
from incidents.actions.timeline import write_change
from incidents.models import Incident, IncidentProposal, Severity, SignalPolicy
from incidents.models.incident import DetectedBy
from telemetry.signals import BY_NAME

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"})


@transaction.atomic
def save_policy(
    *,
    signal: str,
    action: str,
    severity: Severity,
    quiet_minutes: int,
    namespaces: Sequence[str],
    by: User,
    now: datetime,
    via: str = "page",
) -> SignalPolicy:
    """The one policy of a signal; who saves it is who declares. Raises InvalidInput, ValidationError."""
    require_administer(by)
    if signal not in BY_NAME:
        raise InvalidInput("signal", f"is {signal!r}; expected one of {', '.join(BY_NAME)}")
    policy = SignalPolicy.objects.select_for_update().filter(signal=signal).first() or SignalPolicy(signal=signal)
    before = "" if policy.pk is None else policy.action
    policy.action, policy.severity, policy.quiet_minutes = action, severity, quiet_minutes
    policy.namespaces, policy.changed_by, policy.changed_at = list(namespaces), by, now
    policy.full_clean()
    policy.save()
    detail = {"from": before, "to": action, "severity": severity.name, "quiet_minutes": quiet_minutes}
    detail["namespaces"] = policy.namespaces
    audit.record(at=now, actor=by, verb="signal.policy", target=signal, via=via, detail=detail)
    return policy


@transaction.atomic
def declare_proposal(
    *,
    proposal: IncidentProposal,
    by: User,
    now: datetime,
    severity: Severity | None = None,
    via: str = "page",
    **chosen: Any,
) -> Incident:
    """A person declares it; pressed twice it stays one incident. `severity` None: the policy's, else the third.

    `chosen` as in `declare_of`; it counts for the press that declares.
    """
    require_respond(by)
    proposal = _held(proposal)
    if proposal.incident is not None:
        return proposal.incident
    if not proposal.is_open:
        raise InvalidInput("", "This proposal was dismissed. It comes again when the signal does.")
    severity = severity or _usual_severity(proposal.signal)
    incident = declare_of(proposal=proposal, severity=severity, by=by, now=now, via=via, **chosen)
    title = f"Declared from a proposal: {_label(proposal.signal)}"
    write_change(incident=incident, at=now, by=by, title=title, text=_told(proposal))
    _decide(proposal, IncidentProposal.State.DECLARED, now, by=by, incident=incident)
    return incident


@transaction.atomic
def declare_by_policy(*, proposal: IncidentProposal, policy: SignalPolicy, now: datetime) -> Incident:
    """In the name of who turned it on, and the timeline says so. Raises what declaring raises."""
    by = policy.changed_by
    incident = declare_of(proposal=proposal, severity=policy.severity, by=by, now=now, via="signal")
    title = f"Declared by the signal {_label(proposal.signal)}"
    text = f"{by.display_name} turned this on under Signals. {_told(proposal)}"
    write_change(incident=incident, at=now, by=None, title=title, text=text)
    _decide(proposal, IncidentProposal.State.DECLARED, now, by=None, incident=incident)
    return incident


def declare_of(
    *, proposal: IncidentProposal, severity: Severity | None, by: User, now: datetime, via: str, **chosen: Any
) -> Incident:
    """The incident that a proposal describes: its place as the scope, its first sighting as the impact's start.

    `chosen` are fields of `declare_incident` that a person put in the place of the proposal's.
    """
    place = proposal.namespace
    workload = {"kind": proposal.kind, "namespace": place, "name": proposal.name}
    # A clock ahead of ours tells of times to come; what began long ago would be collected for ever.
    began = min(proposal.first_at, now)
    told: dict[str, Any] = {
        "title": proposal.title,
        "summary": _summary(proposal),
        "clusters": [proposal.cluster],
        "namespaces": [place] if place else [],
        "workloads": [workload] if place and proposal.kind in WORKLOADS else [],
        "labels": [f"signal:{proposal.signal}"],
        "detected_by": DetectedBy.ALERT,
        "impact_started_at": began if now - began < LONGEST_WINDOW else None,
    }
    return declare_incident(severity=severity, by=by, now=now, via=via, **told | chosen)


@transaction.atomic
def dismiss_proposal(
    *, proposal: IncidentProposal, by: User, now: datetime, reason: str = "", via: str = "page"
) -> IncidentProposal:
    """It is quiet then until the signal has not been seen for the policy's quiet period."""
    require_respond(by)
    proposal = _held(proposal)
    if proposal.state == IncidentProposal.State.DISMISSED:
        return proposal
    if not proposal.is_open:
        raise InvalidInput("", "An incident was declared of it already.")
    if len(reason) > 2_000:
        raise InvalidInput("reason", f"has {len(reason):,} characters; expected at most 2,000")
    proposal.reason = reason.strip()
    _decide(proposal, IncidentProposal.State.DISMISSED, now, by=by)
    detail = {"signal": proposal.signal, "reason": proposal.reason}
    audit.record(at=now, actor=by, verb="signal.dismissed", target=proposal.title, via=via, detail=detail)
    return proposal


@transaction.atomic
def join_incident(*, proposal: IncidentProposal, incident: Incident, now: datetime) -> None:
    """An open incident covers the place already: its timeline tells of the signal."""
    title = f"Signal: {_label(proposal.signal)}"
    write_change(incident=incident, at=now, by=None, title=title, text=f"{proposal.title}. {_told(proposal)}")
    _decide(proposal, IncidentProposal.State.JOINED, now, by=None, incident=incident)


@transaction.atomic
def expire_proposal(*, proposal: IncidentProposal, reason: str, now: datetime) -> None:
    """Nobody decided, and the signal went away by itself."""
    proposal.reason = reason
    _decide(proposal, IncidentProposal.State.DISMISSED, now, by=None)


def _held(proposal: IncidentProposal) -> IncidentProposal:
    rows = IncidentProposal.objects.select_for_update(of=("self",)).select_related("cluster", "incident")
    return rows.get(pk=proposal.pk)


def _decide(
    proposal: IncidentProposal, state: str, now: datetime, *, by: User | None, incident: Incident | None = None
) -> None:
    proposal.state, proposal.incident = state, incident
    proposal.decided_by, proposal.decided_at = by, now
    proposal.save()


def _usual_severity(signal: str) -> Severity:
    policy = SignalPolicy.objects.filter(signal=signal).select_related("severity").first()
    return policy.severity if policy else usual_severity()


def _label(signal: str) -> str:
    rule = BY_NAME.get(signal)
    return rule.label if rule else signal


def _told(proposal: IncidentProposal) -> str:
    times = "once" if proposal.count == 1 else f"{proposal.count:,} times"
    newest = f" The newest message: {proposal.words}" if proposal.words else ""
    return f"Seen {times} since {proposal.first_at:%H:%M:%S} UTC.{newest}"


def _summary(proposal: IncidentProposal) -> str:
    """The message is a cluster's text: indented, Markdown takes none of it for its own."""
    rule = BY_NAME.get(proposal.signal)
    where = f"{proposal.kind} {proposal.name}" + (f" in {proposal.namespace}" if proposal.namespace else "")
    lines = [f"{_label(proposal.signal)} of {where}, cluster {proposal.cluster.name}.", rule.why if rule else ""]
    quoted = "\n".join(f"    {line}" for line in proposal.words.splitlines())
    return "\n\n".join(part for part in (" ".join(line for line in lines if line), quoted) if part)
