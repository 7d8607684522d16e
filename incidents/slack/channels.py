"""The channel of an incident, brought to what it should be: asked again it changes nothing that is right already.

Every step is kept when it is done, so that a try that was cut off goes on where it stopped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from incidents.chat import outbox
from incidents.chat.lanes import Never
from incidents.models import Delivery, Incident
from incidents.models.incident import Status
from incidents.slack import forms, names, naming, posting
from incidents.slack.client import SlackRefusal, call
from incidents.slack.models import SlackChannel
from incidents.slack.people import workspace
from incidents.slack.settings import chosen

ATTEMPTS = 10
AGAIN_WHILE_COLLECTING = timedelta(seconds=4)
WATCHED = timedelta(minutes=15)
GONE = frozenset({"message_not_found", "channel_not_found", "cant_update_message"})


def ask(incident_id: int, now: datetime, *, due_at: datetime | None = None) -> None:
    """That the channel be brought up to date; asked twice it is done once."""
    outbox.enqueue(
        service=names.SERVICE,
        kind="incident",
        lane=f"incident:{incident_id}",
        key=f"incident:{incident_id}",
        incident=incident_id,
        now=now,
        due_at=due_at,
    )


def invite(*, incident: Incident, people: list[str], now: datetime) -> None:
    lane = f"incident:{incident.pk}"
    content = {"people": people}
    outbox.enqueue(service=names.SERVICE, kind="invite", lane=lane, incident=incident, content=content, now=now)


def tell_where(*, incident: Incident, channel: str, who: str, now: datetime) -> None:
    """Whoever declared it is told where it goes on."""
    lane, content = f"incident:{incident.pk}", {"channel": channel, "user": who}
    outbox.enqueue(service=names.SERVICE, kind="declared", lane=lane, incident=incident, content=content, now=now)


def fresh(delivery: Delivery) -> Incident:
    rows = Incident.objects.select_related("severity", "declared_by").prefetch_related("milestones", "roles__user")
    found = rows.filter(pk=delivery.incident_id or 0).first()
    if found is None:
        raise Never("The incident is not there any more.")
    return found


def ensure(incident: Incident) -> SlackChannel:
    """The row, with the channel behind it made where there is none."""
    row = SlackChannel.objects.filter(incident=incident).first()
    if row is not None:
        return row
    made = _create(incident)
    return SlackChannel.objects.create(
        incident=incident,
        channel_id=made["id"],
        name=str(made.get("name", ""))[:80],
        is_private=incident.is_restricted,
        created_at=timezone.now(),
    )


def _create(incident: Incident) -> dict[str, Any]:
    template = chosen().channel_template
    for attempt in range(ATTEMPTS):
        name = naming.channel_name(incident, template, attempt)
        try:
            answer = call("conversations.create", name=name, is_private=incident.is_restricted)
        except SlackRefusal as problem:
            if problem.code != "name_taken":
                raise
            found = _ours(name, incident)
            if found is not None:
                return found
        else:
            channel: dict[str, Any] = answer["channel"]
            call("conversations.setPurpose", channel=channel["id"], purpose=_purpose(incident))
            return channel
    raise Never(f"Slack has channels named {name} and alike already. Change the channel template in Settings, Slack.")


def _purpose(incident: Incident) -> str:
    return f"{incident.key} in Debrief: {forms.address(incident)}"


def _ours(name: str, incident: Incident) -> dict[str, Any] | None:
    """A channel of that name which a try of ours made before it was cut off; a later step may have been lost."""
    me, cursor = workspace(), ""
    while True:
        kind = "private_channel" if incident.is_restricted else "public_channel"
        page = call("conversations.list", types=kind, exclude_archived=True, limit=1000, cursor=cursor)
        for channel in page.get("channels") or []:
            if channel.get("name") != name:
                continue
            purpose = (channel.get("purpose") or {}).get("value", "")
            mine = me is not None and channel.get("creator") == me.bot_user_id
            taken = SlackChannel.objects.filter(channel_id=channel["id"]).exists()
            return channel if mine and not taken and purpose in {"", _purpose(incident)} else None
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return None


def archive(delivery: Delivery) -> None:
    """Days after it was closed, unless it was opened again; the post-mortem's address is the last word."""
    incident = fresh(delivery)
    channel = SlackChannel.objects.filter(incident=incident).first()
    if channel is None or channel.archived_at or incident.status != Status.CLOSED:
        return
    part = "postmortem/" if hasattr(incident, "postmortem") else ""
    text = f"This channel is archived now. What was learned: {forms.address(incident, part)}"
    posting.post(delivery, channel.channel_id, "archive", text=text, parts=[])
    try:
        call("conversations.archive", channel=channel.channel_id)
    except SlackRefusal as problem:
        if problem.code != "already_archived":
            raise
    channel.archived_at = timezone.now()
    channel.save(update_fields=["archived_at"])


def keep(channel: SlackChannel, **shown: Any) -> None:
    channel.shown = channel.shown | shown
    channel.save()
