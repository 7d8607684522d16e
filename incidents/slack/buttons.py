"""Buttons and menus of messages and of the Home tab: one action each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from accounts.problems import InvalidInput
from incidents.actions.followup import change_followup, snooze_followup
from incidents.actions.incident import assign_role, change_incident, change_status
from incidents.actions.reminder import snooze_reminder
from incidents.actions.signal import dismiss_proposal
from incidents.models import FollowUp, Incident, IncidentProposal, Severity
from incidents.models.incident import IncidentRole
from incidents.slack import commands, finding, names
from incidents.slack.people import person

if TYPE_CHECKING:
    from incidents.slack.handling import Asked

SNOOZE_DAYS = 3


def run(asked: Asked) -> None:
    pressed = (asked.body.get("actions") or [{}])[0]
    name, _, more = str(pressed.get("action_id", "")).partition(":")
    deed = DEEDS.get(name)
    if deed is not None:
        deed(asked, _value(pressed), more)


def _value(pressed: dict[str, Any]) -> str:
    chosen = pressed.get("selected_option") or {}
    return str(pressed.get("value") or chosen.get("value") or pressed.get("selected_user") or "")


def _incident(asked: Asked, number: str) -> Incident:
    return finding.meant(int(number) if number.isdigit() else None, asked.channel, asked.who)


def _status(asked: Asked, value: str, more: str) -> None:
    number, _, status = value.partition(":")
    incident = _incident(asked, number)
    change_status(incident=incident, status=status, by=asked.user, now=asked.now, via=names.SERVICE)


def _severity(asked: Asked, value: str, more: str) -> None:
    number, _, chosen = value.partition(":")
    severity = Severity.objects.filter(pk=int(chosen)).first() if chosen.isdigit() else None
    if severity is None:
        raise InvalidInput("severity", "is not known any more; choose another")
    incident = _incident(asked, number)
    change_incident(incident=incident, severity=severity, by=asked.user, now=asked.now, via=names.SERVICE)


def _command(asked: Asked, value: str, more: str) -> None:
    incident, me = _incident(asked, value), asked.user
    assign_role(incident=incident, role=IncidentRole.COMMANDER, user=me, by=me, now=asked.now, via=names.SERVICE)


def _snooze_reminder(asked: Asked, value: str, more: str) -> None:
    number, _, rest = value.partition(":")
    kind, _, minutes = rest.partition(":")
    incident, wanted = _incident(asked, number), int(minutes) if minutes.isdigit() else 0
    snooze_reminder(incident=incident, kind=kind, minutes=wanted, by=asked.user, now=asked.now)
    asked.answer(f"Quiet about this for {wanted} minutes.", incident=incident.pk)


def _followup(asked: Asked, number: str) -> FollowUp:
    rows = FollowUp.objects.visible_to(asked.user).select_related("incident", "owner")
    row = rows.filter(number=int(number)).first() if number.isdigit() else None
    if row is None:
        raise InvalidInput("", "This follow-up is not there any more.")
    return row


def _followup_done(asked: Asked, value: str, more: str) -> None:
    row = _followup(asked, more)
    change_followup(followup=row, status=FollowUp.Status.DONE, by=asked.user, now=asked.now)
    asked.answer(f":white_check_mark: {row.key} is done.")


def _followup_snooze(asked: Asked, value: str, more: str) -> None:
    row = _followup(asked, more)
    snooze_followup(followup=row, by=asked.user, now=asked.now, until=asked.now + timedelta(days=SNOOZE_DAYS))
    asked.answer(f"{row.key} comes back in {SNOOZE_DAYS} days.")


def _followup_reassign(asked: Asked, value: str, more: str) -> None:
    row, to = _followup(asked, more), person(value)
    if to.user is None:
        raise InvalidInput("", f"{to.name} is not linked to anybody in Debrief, so nothing can be theirs")
    change_followup(followup=row, owner=to.user, by=asked.user, now=asked.now)
    asked.answer(f"{row.key} is {to.user.display_name}'s now.")


def _dismiss(asked: Asked, value: str, more: str) -> None:
    proposal = IncidentProposal.objects.filter(pk=int(value)).first() if value.isdigit() else None
    if proposal is None:
        raise InvalidInput("", "This proposal is not there any more.")
    dismiss_proposal(proposal=proposal, by=asked.user, now=asked.now, via=names.SERVICE)
    asked.answer("Dismissed. It comes again when the signal does.")


def _list(asked: Asked, value: str, more: str) -> None:
    commands.show_list(asked)


DEEDS: dict[str, Callable[[Asked, str, str], None]] = {
    names.SET_STATUS: _status,
    names.SET_SEVERITY: _severity,
    names.TAKE_COMMAND: _command,
    names.SNOOZE_REMINDER: _snooze_reminder,
    names.FOLLOWUP_DONE: _followup_done,
    names.FOLLOWUP_SNOOZE: _followup_snooze,
    names.FOLLOWUP_REASSIGN: _followup_reassign,
    names.PROPOSAL_DISMISS: _dismiss,
    names.SHOW_LIST: _list,
}
