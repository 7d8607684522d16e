"""Forms that come back: checked at once, so that the form says what is wrong and keeps what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from slack_bolt import Ack

from accounts.permissions import can_respond
from incidents.models import Incident, IncidentProposal
from incidents.models.incident import Status
from incidents.models.update import UPDATE_LIMIT
from incidents.slack import blocks, finding, forms, inbox, mrkdwn, names
from incidents.slack.finding import NoIncident
from incidents.slack.models import SlackPerson
from incidents.slack.people import known

DECIDED = "Somebody was quicker: this proposal was decided already. `/incident list` shows what is open."
NOT_LINKED = "Your Slack account is not linked to anybody in Debrief. Ask an admin to link it."
Values = Mapping[str, Any]
Problems = dict[str, str]


def view(ack: Ack, body: dict[str, Any]) -> None:
    shown = body.get("view") or {}
    callback, who = str(shown.get("callback_id", "")), known(str((body.get("user") or {}).get("id", "")))
    check = CHECKS.get(callback)
    if check is None:
        ack()
        return
    found, now = blocks.values(shown), timezone.now()
    problems = check(found, forms.read_about(shown), who, now)
    if problems:
        ack(response_action="errors", errors={name: problems[name] for name in problems})
        return
    user = str((body.get("user") or {}).get("id", ""))
    payload = {name: value for name, value in body.items() if name != "token"}
    # One view is sent once, however often Slack or a finger repeats it.
    key = f"view:{shown.get('id', '')}:{shown.get('hash', '')}"
    inbox.keep(kind=f"view:{callback}"[:40], key=key, lane=f"user:{user}", payload=payload, now=now)
    if callback == names.DECLARE_FORM:
        text = "Declaring it. You are invited to the channel as soon as it is there."
        ack(response_action="update", view=forms.declaring(text))
    else:
        ack(response_action="clear")


def _declare(found: Values, about: Values, who: SlackPerson | None, now: datetime) -> Problems:
    if not str(found.get("title", "")).strip():
        return {"title": "Say in a few words what users notice."}
    proposal = about.get("proposal")
    waits = IncidentProposal.objects.open().filter(pk=proposal) if proposal else None
    return {"title": DECIDED} if waits is not None and not waits.exists() else {}


def _update(found: Values, about: Values, who: SlackPerson | None, now: datetime) -> Problems:
    if problem := _responds(who):
        return {"text": problem}
    text = mrkdwn.to_markdown(str(found.get("text", ""))).strip()
    if not text:
        return {"text": "Say what is known, being done, and comes next."}
    if len(text) > UPDATE_LIMIT:
        many = f"{len(text):,} characters with the marks that show it as typed"
        return {"text": f"This has {many}; {UPDATE_LIMIT:,} are possible. Shorten it."}
    try:
        incident = finding.meant(about.get("incident"), "", who)
    except NoIncident as problem:
        return {"text": str(problem)}
    return _moved_on(incident, forms.changed(found, about, "status"), str(about.get("status", "")))


def _moved_on(incident: Incident, wanted: str, shown: str) -> Problems:
    """An update opens nothing again; the words alone can always be posted."""
    if not wanted or incident.is_open:
        return {}
    now = incident.get_status_display().lower()
    before = Status(shown).label if shown in Status.values else "what it was"
    text = f"{incident.key} is {now} by now. Choose “{before}” to post the words alone."
    return {"status": f"{text} /incident status {incident.key} {wanted} with a reason reopens it."}


def _timeline(found: Values, about: Values, who: SlackPerson | None, now: datetime) -> Problems:
    problems = _incident(found, about, who)
    at = moment(found.get("at"))
    if at is None:
        problems["at"] = "Choose a day and a time."
    elif at > now + timedelta(minutes=1):
        problems["at"] = "This lies in the future. Choose a time that has passed."
    if problem := _responds(who):
        problems.setdefault("at", problem)
    return problems


def _followup(found: Values, about: Values, who: SlackPerson | None, now: datetime) -> Problems:
    problems = _incident(found, about, who)
    if not str(found.get("title", "")).strip():
        problems["title"] = "Say what will be done."
    elif problem := _responds(who):
        problems["title"] = problem
    return problems


def _incident(found: Values, about: Values, who: SlackPerson | None) -> Problems:
    """The field is asked for where the channel does not tell."""
    if "incident" not in found:
        return {}
    value = str(found["incident"])
    try:
        finding.meant(int(value) if value.isascii() and value.isdigit() else 0, "", who)
    except NoIncident:
        return {"incident": "Choose an incident."}
    return {}


def _responds(who: SlackPerson | None) -> str:
    """Somebody who was never seen is not refused here: Celery asks Slack who they are."""
    if who is None:
        return ""
    if who.reader is None:
        return NOT_LINKED
    return "" if can_respond(who.reader) else "This needs the role responder. An admin can grant it."


def moment(value: Any) -> datetime | None:
    """Seconds as Slack's datetimepicker gives them."""
    try:
        return datetime.fromtimestamp(int(value), UTC) if value is not None else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


CHECKS: dict[str, Callable[[Values, Values, SlackPerson | None, datetime], Problems]] = {
    names.DECLARE_FORM: _declare,
    names.UPDATE_FORM: _update,
    names.TIMELINE_FORM: _timeline,
    names.FOLLOWUP_FORM: _followup,
}
