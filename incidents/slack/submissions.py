"""What a form asks for, done in Celery after it was checked and acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.followup import create_followup
from incidents.actions.incident import assign_role, declare_incident
from incidents.actions.signal import declare_proposal
from incidents.actions.timeline import write_change
from incidents.actions.update import post_update
from incidents.models import Incident, IncidentProposal, Severity
from incidents.models.incident import IncidentRole, Visibility
from incidents.slack import blocks, capturing, channels, finding, forms, mrkdwn, names, suggesting
from incidents.slack.people import declarer, person
from incidents.slack.submitting import DECIDED, moment

if TYPE_CHECKING:
    from incidents.slack.handling import Asked


def run(asked: Asked) -> None:
    view = asked.body.get("view") or {}
    found, about = blocks.values(view), forms.read_about(view)
    DEEDS[str(view.get("callback_id", ""))](asked, found, about)


def _declare(asked: Asked, found: dict[str, Any], about: dict[str, Any]) -> None:
    by = declarer(asked.who)
    is_private = forms.PRIVATE in (found.get("private") or [])
    told: dict[str, Any] = {
        "title": mrkdwn.plain(str(found["title"])),
        "summary": str(found.get("summary") or ""),
        "visibility": Visibility.RESTRICTED if is_private else Visibility.INTERNAL,
    }
    places = list(found.get("places") or [])
    scope = suggesting.scope_of(places) if places else {}
    wanted: dict[str, Any] = {"severity": _severity(found), "by": by, "now": asked.now, "via": names.SERVICE}
    proposal = _proposal(about)
    if proposal is not None:
        incident = declare_proposal(proposal=proposal, **wanted, **told, **scope)
    else:
        incident = declare_incident(**wanted, **told, **scope)
    if by != asked.who.user:
        title = f"Declared in Slack by {asked.who.name}"
        write_change(incident=incident, at=asked.now, by=None, title=title, text="Slack user, not linked")
    else:
        assign_role(incident=incident, role=IncidentRole.RESPONDER, user=by, by=by, now=asked.now, via=names.SERVICE)
    remember_declarer(incident, asked, about)


def _proposal(about: dict[str, Any]) -> IncidentProposal | None:
    """The one whose button was pressed, locked; raises InvalidInput where somebody was quicker."""
    pk = about.get("proposal")
    if not pk:
        return None
    row = IncidentProposal.objects.select_for_update().filter(pk=pk).first()
    if row is None or not row.is_open:
        raise InvalidInput("", DECIDED)
    return row


def remember_declarer(incident: Incident, asked: Asked, about: dict[str, Any]) -> None:
    """Who is to be invited and told, and the message that it began with, which belongs on the timeline."""
    channels.invite(incident=incident, people=[asked.who.slack_id], now=asked.now)
    channels.tell_where(incident=incident, channel=str(about.get("channel", "")), who=asked.who.slack_id, now=asked.now)
    if about.get("ts"):
        capturing.ask(
            incident=incident,
            channel=str(about["channel"]),
            ts=str(about["ts"]),
            thread=str(about.get("thread", "")),
            reason=f"shortcut:{asked.who.slack_id}",
            now=asked.now,
        )


def _severity(found: dict[str, Any]) -> Severity | None:
    chosen = str(found.get("severity") or "")
    return Severity.objects.filter(pk=int(chosen)).first() if chosen.isdigit() else None


def _update(asked: Asked, found: dict[str, Any], about: dict[str, Any]) -> None:
    incident = finding.meant(about.get("incident"), "", asked.who)
    minutes = str(found.get("next_in") or "")
    # Closed since the form was sent: the words are worth more than the status.
    status = forms.changed(found, about, "status") if incident.is_open else ""
    post_update(
        incident=incident,
        text=mrkdwn.to_markdown(str(found["text"])),
        by=asked.user,
        now=asked.now,
        status=status or None,
        severity=_severity({"severity": forms.changed(found, about, "severity")}),
        next_in=timedelta(minutes=int(minutes)) if minutes.isdigit() else None,
        via=names.SERVICE,
    )


def _timeline(asked: Asked, found: dict[str, Any], about: dict[str, Any]) -> None:
    incident = _incident(asked, found, about)
    at = moment(found.get("at")) or asked.now
    require_respond(asked.user)
    capturing.ask(
        incident=incident,
        channel=str(about.get("channel", "")),
        ts=str(about["ts"]),
        thread=str(about.get("thread", "")),
        reason=f"shortcut:{asked.who.slack_id}",
        now=asked.now,
        at=at,
    )


def _followup(asked: Asked, found: dict[str, Any], about: dict[str, Any]) -> None:
    incident = _incident(asked, found, about)
    owner: User | None = None
    if chosen := str(found.get("owner") or ""):
        owner = person(chosen).user
    made = create_followup(
        incident=incident,
        title=mrkdwn.plain(str(found["title"])),
        description=mrkdwn.to_markdown(str(found.get("description") or "")),
        type=str(found.get("type") or "prevent"),
        priority=str(found.get("priority") or "medium"),
        owner=owner,
        by=asked.user,
        now=asked.now,
    )
    address = forms.absolute(made.get_absolute_url())
    asked.answer(f"Created {blocks.link(address, f'{made.key} {made.title}')}.", incident=incident.pk)


def _incident(asked: Asked, found: dict[str, Any], about: dict[str, Any]) -> Incident:
    """As chosen in the form, else as the button said, else the channel's."""
    chosen = str(found.get("incident") or about.get("incident") or "")
    return finding.meant(int(chosen) if chosen.isdigit() else None, str(about.get("channel", "")), asked.who)


DEEDS: dict[str, Callable[[Asked, dict[str, Any], dict[str, Any]], None]] = {
    names.DECLARE_FORM: _declare,
    names.UPDATE_FORM: _update,
    names.TIMELINE_FORM: _timeline,
    names.FOLLOWUP_FORM: _followup,
}
