"""Forms, opened within the three seconds that Slack gives, after the request was acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from slack_bolt import BoltContext

from incidents.chat.lanes import Later, Never
from incidents.models import IncidentProposal
from incidents.models.incident import TITLE_LIMIT
from incidents.slack import answering, driving, finding, forms, lines, mrkdwn, names
from incidents.slack.client import call
from incidents.slack.finding import NoIncident
from incidents.slack.models import SlackPerson
from incidents.slack.people import known, person
from incidents.slack.settings import chosen

Body = Mapping[str, Any]
log = logging.getLogger(__name__)


def command(body: dict[str, Any], context: BoltContext) -> None:
    said = driving.parse(str(body.get("text", "")))
    who, channel = _who(str(body.get("user_id", ""))), str(body.get("channel_id", ""))
    build: dict[str, Callable[[], dict[str, Any]]] = {
        "new": lambda: _declare(who, title=said.rest, channel=channel),
        "update": lambda: forms.update(finding.meant(said.number, channel, who), chosen().update_template),
        "followup": lambda: _followup(who, said.number, channel),
    }
    _open(body, context, build.get(said.name))


def shortcut(body: dict[str, Any], context: BoltContext) -> None:
    who = _who(str((body.get("user") or {}).get("id", "")))
    message, channel = body.get("message") or {}, str((body.get("channel") or {}).get("id", ""))
    build: dict[str, Callable[[], dict[str, Any]]] = {
        names.DECLARE: lambda: _declare(who),
        names.DECLARE_FROM_MESSAGE: lambda: _declare_from(who, message, channel),
        names.ADD_TO_TIMELINE: lambda: _timeline(who, message, channel),
        names.CREATE_FOLLOWUP: lambda: _followup(who, None, channel, message),
    }
    _open(body, context, build.get(str(body.get("callback_id", ""))))


def action(body: dict[str, Any], context: BoltContext) -> None:
    pressed = (body.get("actions") or [{}])[0]
    name, value = str(pressed.get("action_id", "")).partition(":")[0], str(pressed.get("value") or "")
    who = _who(str((body.get("user") or {}).get("id", "")))
    channel = str((body.get("channel") or {}).get("id", ""))
    number = int(value) if value.isascii() and value.isdigit() else None
    build: dict[str, Callable[[], dict[str, Any]]] = {
        names.OPEN_DECLARE: lambda: _declare(who, title=value, channel=channel),
        names.OPEN_UPDATE: lambda: forms.update(finding.meant(number, channel, who), chosen().update_template),
        names.OPEN_FOLLOWUP: lambda: _followup(who, number, channel),
        names.PROPOSAL_DECLARE: lambda: _declare_proposed(who, number, channel),
    }
    _open(body, context, build.get(name))


def _who(slack_id: str) -> SlackPerson | None:
    """Somebody who was never seen is asked for; where Slack does not say, they are a stranger this once."""
    try:
        return known(slack_id) or person(slack_id)
    except Later:
        return None


def _open(body: Body, context: BoltContext, build: Callable[[], dict[str, Any]] | None) -> None:
    """What cannot be opened is said in words: nobody waits for a form that never comes."""
    if build is None or not context.get("opens"):
        return
    try:
        view = build()
    except NoIncident as problem:
        view = forms.only_text("Not found", str(problem))
    try:
        call("views.open", trigger_id=body.get("trigger_id", ""), view=view)
    except (Later, Never) as problem:
        log.warning("a form was not opened: %s", problem)
        text = f"The form could not be opened: {problem} Try again, or use {forms.absolute('/incidents/declare/')}."
        answering.answer(body, text, now=timezone.now())


def _declare(who: SlackPerson | None, *, title: str = "", channel: str = "") -> dict[str, Any]:
    lately = finding.lately_open(who, timezone.now())
    return forms.declare(lately=lately, title=mrkdwn.plain(title), private=forms.about(channel=channel))


def _declare_from(who: SlackPerson | None, message: Body, channel: str) -> dict[str, Any]:
    text = mrkdwn.of_message(message)
    first = next((line for line in mrkdwn.plain(text).splitlines() if line.strip()), "")
    private = forms.about(channel=channel, ts=message.get("ts", ""), thread=message.get("thread_ts", ""))
    lately = finding.lately_open(who, timezone.now())
    return forms.declare(lately=lately, title=first[:TITLE_LIMIT], summary=text[:3_000], private=private)


def _declare_proposed(who: SlackPerson | None, number: int | None, channel: str) -> dict[str, Any]:
    row = IncidentProposal.objects.filter(pk=number or 0, state=IncidentProposal.State.OPEN).first()
    if row is None:
        raise NoIncident("This proposal was decided already.")
    lately = finding.lately_open(who, timezone.now())
    private = forms.about(channel=channel, proposal=row.pk)
    return forms.declare(lately=lately, title=row.title, summary=row.words[:3_000], private=private)


def _timeline(who: SlackPerson | None, message: Body, channel: str) -> dict[str, Any]:
    at = when(str(message.get("ts", ""))) or timezone.now()
    private = forms.about(channel=channel, ts=message.get("ts", ""), thread=message.get("thread_ts", ""))
    text = mrkdwn.plain(mrkdwn.of_message(message))
    return forms.timeline(incident=finding.here(channel, who), text=text, at=at, private=private)


def _followup(who: SlackPerson | None, number: int | None, channel: str, message: Body | None = None) -> dict[str, Any]:
    named = number is not None or finding.here(channel, who) is not None
    incident = finding.meant(number, channel, who) if named else None
    text = " ".join(mrkdwn.plain(mrkdwn.of_message(message or {})).split())[:TITLE_LIMIT]
    private = forms.about(incident=incident.number if incident else None, channel=channel)
    return forms.followup(incident=incident, title=text, owner=who.slack_id if who else "", private=private)


def when(ts: str) -> datetime | None:
    """A message's `ts` as a time; None where it is none."""
    try:
        return lines.moment(ts)
    except (ValueError, OverflowError, OSError):
        return None
