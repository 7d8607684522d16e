"""Hears what the actions did and writes down what Slack shall be told. Slack being away changes nothing here."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from incidents import signals
from incidents.chat import outbox
from incidents.models import Incident, IncidentProposal, IncidentUpdate, Notice
from incidents.models.incident import Status
from incidents.slack import blocks, channels, forms, mrkdwn, names, sending
from incidents.slack.client import is_on
from incidents.slack.settings import chosen

REMINDERS = {
    "severity": "Nobody has chosen a severity yet.",
    "commander": "Nobody commands this incident yet.",
    "update": "Stakeholders have not heard anything for a while.",
}
SNOOZES = (30, 60, 90)
__all__ = ["sending"]


@signals.hears(signals.incident_declared)
def declared(incident_id: int, at: datetime, **_: Any) -> None:
    if is_on():
        channels.ask(incident_id, at)


@signals.hears(signals.evidence_collected)
def collected(incident_id: int, at: datetime, **_: Any) -> None:
    if is_on():
        channels.ask(incident_id, at)


@signals.hears(signals.incident_changed)
def changed(incident_id: int, at: datetime, change: str, status: str, severity: str, **_: Any) -> None:
    if not is_on():
        return
    incident = Incident.objects.select_related("severity").get(pk=incident_id)
    if change == "status":
        _say(incident, f"Status: *{Status(status).label}*", at)
        days = chosen().archive_after_days
        if incident.status == Status.CLOSED and days:
            _archive_later(incident, at, days)
    elif change == "severity":
        _say(incident, f"Severity: *{blocks.said(severity)}*", at)
    channels.ask(incident_id, at)


@signals.hears(signals.incident_updated)
def updated(incident_id: int, at: datetime, update_id: int, **_: Any) -> None:
    if not is_on():
        return
    update = IncidentUpdate.objects.select_related("incident", "posted_by").get(pk=update_id)
    by = update.posted_by.display_name if update.posted_by else "somebody"
    promised = f" The next by {blocks.clock(update.next_at)}." if update.next_at else ""
    title = f"Update on {update.incident.key} by {blocks.said(by, 80)}, {blocks.clock(update.posted_at)}.{promised}"
    parts = [blocks.section(f"*{title}*"), *blocks.sections(mrkdwn.from_markdown(update.text))]
    _say(update.incident, title, at, parts=parts, central=True)
    channels.ask(incident_id, at)


@signals.hears(signals.postmortem_published)
def published(postmortem_id: int, at: datetime, **_: Any) -> None:
    if not is_on():
        return
    incident = Incident.objects.get(postmortem=postmortem_id)
    address = forms.address(incident, "postmortem/")
    _say(incident, f":notebook: The post-mortem is published: {blocks.link(address, incident.title)}", at, central=True)
    channels.ask(incident.pk, at)


@signals.hears(signals.person_notified)
def notified(notice_id: int, at: datetime, **_: Any) -> None:
    if not is_on():
        return
    notice = Notice.objects.get(pk=notice_id)
    _enqueue(
        "direct",
        f"person:{notice.person_id}",
        at,
        content={"person": notice.person_id, "notice": notice_id},
        key=f"notice:{notice_id}",
        once=True,
    )


@signals.hears(signals.incident_proposed)
def proposed(proposal_id: int, at: datetime, **_: Any) -> None:
    """The button under an alert."""
    if not is_on():
        return
    row = IncidentProposal.objects.select_related("cluster").get(pk=proposal_id)
    text = f":bell: {blocks.said(row.title, 200)}"
    if row.words:
        text += f"\n>{blocks.said(row.words, 500)}"
    parts = [
        blocks.section(text),
        blocks.context(
            f"{blocks.said(row.cluster.name, 80)}, since {blocks.clock(row.first_at)}, seen {row.count} times"
        ),
        blocks.actions(
            blocks.button("Declare an incident", names.PROPOSAL_DECLARE, value=str(row.pk), style="danger"),
            blocks.button("Dismiss", names.PROPOSAL_DISMISS, value=str(row.pk)),
        ),
    ]
    content = {"text": f"Proposed: {blocks.said(row.title, 200)}", "blocks": parts}
    _enqueue("central", "central", at, content=content, key=f"proposal:{row.pk}", once=True)


@signals.hears(signals.incident_matched)
def matched(incident_id: int, at: datetime, matches: list[dict[str, str]], **_: Any) -> None:
    """Seen before, with the reason for each."""
    if not is_on() or not matches:
        return
    lines = [f"{blocks.link(one['address'], one['title'])}: {blocks.said(one['reason'], 200)}" for one in matches[:5]]
    text = "*Seen before*\n" + "\n".join(lines)
    _say(Incident.objects.get(pk=incident_id), "Seen before", at, parts=[blocks.section(text)])


@signals.hears(signals.reminder_due)
def reminded(incident_id: int, at: datetime, kind: str, **_: Any) -> None:
    if not is_on():
        return
    incident = Incident.objects.get(pk=incident_id)
    number, text = str(incident.number), REMINDERS[kind]
    deed = {
        "severity": blocks.button("Post update", names.OPEN_UPDATE, value=number),
        "commander": blocks.button("Take command", names.TAKE_COMMAND, value=number, style="primary"),
        "update": blocks.button("Post update", names.OPEN_UPDATE, value=number, style="primary"),
    }[kind]
    snoozes = [
        blocks.button(f"Snooze {minutes} min", f"{names.SNOOZE_REMINDER}:{minutes}", value=f"{number}:{kind}:{minutes}")
        for minutes in SNOOZES
    ]
    parts = [blocks.section(f":hourglass: {text}"), blocks.actions(deed, *snoozes)]
    content = {"text": text, "blocks": parts, "lacks": kind}
    lane, key = f"incident:{incident.pk}", f"reminder:{incident.pk}:{kind}"
    _enqueue("reminder", lane, at, content=content, incident=incident, key=key)


def _say(
    incident: Incident, text: str, at: datetime, *, parts: list[blocks.Block] | None = None, central: bool = False
) -> None:
    """Heard twice it is said once: by its moment and its words."""
    content = {"text": text, "blocks": parts or [], "central": central}
    key = f"say:{incident.pk}:{at.isoformat()}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    lane = f"incident:{incident.pk}"
    _enqueue("message", lane, at, content=content, incident=incident, key=key, once=True)


def _archive_later(incident: Incident, at: datetime, days: int) -> None:
    due, key = at + timedelta(days=days), f"archive:{incident.pk}"
    _enqueue("archive", f"incident:{incident.pk}", at, incident=incident, key=key, due_at=due, moves=True)


def _enqueue(kind: str, lane: str, at: datetime, **more: Any) -> None:
    outbox.enqueue(service=names.SERVICE, kind=kind, lane=lane, now=at, **more)
