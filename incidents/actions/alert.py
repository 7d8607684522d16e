"""Alerts become incidents, join them, and propose their mitigation when they have ended."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import can_respond, require_respond
from accounts.problems import InvalidInput
from incidents.actions.incident import LONGEST_WINDOW, change_status, declare_incident
from incidents.actions.milestone import forget_milestones, write_milestone
from incidents.actions.timeline import write_change
from incidents.alert_places import Place
from incidents.models import AlertDeed, AlertRule, Incident, MitigationProposal, Severity
from incidents.models.incident import TITLE_LIMIT, DetectedBy, MilestoneKind, Status
from telemetry.models import Alert


@transaction.atomic
def open_by_rule(
    *, alert: Alert, rule: AlertRule, severity: Severity, place: Place, group: str, now: datetime
) -> Incident:
    """In the name of who saved the rule, and the timeline says so. Raises what declaring raises."""
    by = rule.changed_by
    incident = _declare(alert, place, severity, by, now, via="alert")
    title = f"Opened by the rule {rule.name}"
    text = f"{by.display_name} saved this rule. {_told(alert)}"
    write_change(incident=incident, at=now, by=None, title=title, text=text)
    note_deed(alert=alert, rule=rule, outcome=AlertDeed.Outcome.OPENED, now=now, incident=incident, group=group)
    return incident


@transaction.atomic
def declare_alert(*, alert: Alert, place: Place, by: User, now: datetime, severity: Severity | None = None) -> Incident:
    """A person opens it; pressed twice it stays one incident."""
    require_respond(by)
    # The alert's row is what everybody who decides about it holds: a second press, and the rules.
    alert = Alert.objects.select_for_update(of=("self",)).select_related("source").get(pk=alert.pk)
    deed = AlertDeed.objects.select_related("incident", "rule").filter(alert=alert).first()
    if deed is not None and deed.incident is not None:
        return deed.incident
    incident = _declare(alert, place, severity, by, now, via="page")
    write_change(incident=incident, at=now, by=by, title="Opened from an alert", text=_told(alert))
    rule, group = (deed.rule, deed.group) if deed else (None, "")
    note_deed(alert=alert, rule=rule, outcome=AlertDeed.Outcome.OPENED, now=now, incident=incident, group=group)
    return incident


def _declare(alert: Alert, place: Place, severity: Severity | None, by: User, now: datetime, *, via: str) -> Incident:
    # A clock ahead of ours tells of times to come; what began long ago would be collected for ever.
    detected = min(alert.received_at, now)
    began = min(alert.starts_at, detected)
    known = began if now - began < LONGEST_WINDOW else None
    workload = (
        []
        if place.workload is None
        else [{"kind": place.workload[0], "namespace": place.namespace, "name": place.workload[1]}]
    )
    return declare_incident(
        title=_title(alert),
        summary=_summary(alert),
        severity=severity,
        clusters=[place.cluster] if place.cluster else [],
        namespaces=[place.namespace] if place.namespace else [],
        services=[place.service] if place.service else [],
        workloads=workload,
        labels=["alert"],
        detected_by=DetectedBy.ALERT,
        impact_started_at=known,
        detected_at=detected,
        by=by,
        now=now,
        via=via,
    )


@transaction.atomic
def join_by_rule(*, alert: Alert, rule: AlertRule, incident: Incident, group: str, now: datetime) -> None:
    """The timeline tells of it, and the evidence of its time is collected."""
    title = f"Alert: {alert.title}"[:200]
    write_change(
        incident=incident, at=now, by=None, title=title, text=f"Joined by the rule {rule.name}. {_told(alert)}"
    )
    note_deed(alert=alert, rule=rule, outcome=AlertDeed.Outcome.JOINED, now=now, incident=incident, group=group)
    if alert.is_firing:
        _fires_again(incident, rule, now)


def _fires_again(incident: Incident, rule: AlertRule, now: datetime) -> None:
    """What was proposed is taken back; what a rule marked as mitigated is not mitigated any more.

    Where the rule's owner may not respond any more, the timeline tells it and people change the status.
    """
    rows = MitigationProposal.objects.filter(incident=incident)
    rows.filter(state=MitigationProposal.State.OPEN).update(state=MitigationProposal.State.WITHDRAWN, decided_at=now)
    by_rule = rows.filter(state=MitigationProposal.State.ACCEPTED, decided_by=None).exists()
    if incident.status != Status.MITIGATED or not by_rule or not can_respond(rule.changed_by):
        return
    forget_milestones(incident, MilestoneKind.MITIGATED)
    status, reason = Status.INVESTIGATING, "An alert fires again."
    change_status(incident=incident, status=status, by=rule.changed_by, now=now, reason=reason, by_itself=True)


def note_deed(
    *,
    alert: Alert,
    rule: AlertRule | None,
    outcome: str,
    now: datetime,
    incident: Incident | None = None,
    group: str = "",
    words: str = "",
) -> AlertDeed:
    """What became of the alert, in place of what was noted before."""
    told = {"rule": rule, "outcome": outcome, "incident": incident, "group": group, "words": words[:500], "at": now}
    deed, _ = AlertDeed.objects.update_or_create(alert=alert, defaults=told)
    return deed


@transaction.atomic
def all_ended(*, incident: Incident, rule: AlertRule | None, ended_at: datetime, alerts: int, now: datetime) -> None:
    """Every alert of the incident has ended: as the rule says, it is proposed or marked as mitigated since then.

    Without a rule, or with one that is off or whose owner may not respond any more, people are asked.
    """
    if not incident.is_open or incident.status == Status.MITIGATED:
        return
    if rule is not None and rule.when_ended == AlertRule.WhenEnded.NOTHING:
        return
    proposal, created = MitigationProposal.objects.get_or_create(
        incident=incident,
        state=MitigationProposal.State.OPEN,
        defaults={"ended_at": ended_at, "alerts": alerts, "proposed_at": now},
    )
    if not created:
        proposal.ended_at, proposal.alerts = ended_at, alerts
        proposal.save(update_fields=["ended_at", "alerts"])
    marks = rule is not None and rule.enabled and rule.when_ended == AlertRule.WhenEnded.MARK
    if rule is not None and marks and can_respond(rule.changed_by):
        _mitigate(proposal, by=rule.changed_by, decided_by=None, now=now)
    elif created:
        told = "All alerts have ended" if alerts > 1 else "The alert has ended"
        text = f"{told} at {ended_at:%H:%M:%S} UTC. Somebody should say whether it is mitigated."
        write_change(incident=incident, at=now, by=None, title="Mitigation proposed", text=text)


@transaction.atomic
def decide_mitigation(*, incident: Incident, accepted: bool, by: User, now: datetime) -> None:
    """A person agrees or not; without an open proposal nothing happens."""
    require_respond(by)
    rows = MitigationProposal.objects.select_for_update().filter(incident=incident)
    proposal = rows.filter(state=MitigationProposal.State.OPEN).first()
    if proposal is None:
        return
    if not accepted:
        proposal.state, proposal.decided_at, proposal.decided_by = MitigationProposal.State.DECLINED, now, by
        proposal.save()
        write_change(
            incident=incident, at=now, by=by, title="Not mitigated yet", text="The alerts ended, the impact did not."
        )
        return
    if not incident.is_open:
        raise InvalidInput("", "The incident is over already.")
    _mitigate(proposal, by=by, decided_by=by, now=now)


def _mitigate(proposal: MitigationProposal, *, by: User, decided_by: User | None, now: datetime) -> None:
    """The milestone is when the last alert ended, not when somebody agreed."""
    incident = proposal.incident
    impact = incident.milestones.filter(kind=MilestoneKind.IMPACT_STARTED).values_list("at", flat=True).first()
    at = max(min(proposal.ended_at, now), impact) if impact else min(proposal.ended_at, now)
    write_milestone(incident=incident, kind=MilestoneKind.MITIGATED, at=at, by=decided_by)
    if incident.status in {Status.INVESTIGATING, Status.IDENTIFIED}:
        status, itself = Status.MITIGATED, decided_by is None
        change_status(incident=incident, status=status, by=by, now=now, via="alert", by_itself=itself)
    if decided_by is None:
        count = "alert has" if proposal.alerts == 1 else f"{proposal.alerts} alerts have"
        text = f"The {count} ended at {proposal.ended_at:%H:%M:%S} UTC."
        write_change(incident=incident, at=now, by=None, title="Marked as mitigated by a rule", text=text)
    proposal.state, proposal.decided_at, proposal.decided_by = MitigationProposal.State.ACCEPTED, now, decided_by
    proposal.save()


def _title(alert: Alert) -> str:
    told = alert.annotations.get("summary") or alert.title
    return " ".join(str(told).split())[:TITLE_LIMIT] or "An alert fires"


def _summary(alert: Alert) -> str:
    """The texts are another program's: indented, Markdown takes none of it for its own."""
    told = [f"An alert of {alert.starts_at:%Y-%m-%d %H:%M:%S} UTC:", f"    {alert.title} ({alert.source.name})"]
    words = str(alert.annotations.get("description") or alert.annotations.get("message") or "")
    quoted = "\n".join(f"    {line}" for line in words.splitlines() if line.strip())
    return "\n\n".join(part for part in (*told, quoted[:10_000]) if part)


def _told(alert: Alert) -> str:
    labels = ", ".join(f"{name}={alert.labels[name]}" for name in sorted(alert.labels) if name != "alertname")
    since = f"fires since {alert.starts_at:%H:%M:%S} UTC"
    if alert.ends_at is not None:
        since = f"fired from {alert.starts_at:%H:%M:%S} to {alert.ends_at:%H:%M:%S} UTC"
    return f"{alert.title} {since}{f' ({labels})' if labels else ''}."[:2_000]
