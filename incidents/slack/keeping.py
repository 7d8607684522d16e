"""What is written of captured messages, in pieces short enough that nobody waits for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.utils import timezone

from incidents.models import Incident
from incidents.slack import lines
from incidents.slack.models import SlackChannel, SlackMessage
from incidents.slack.naming_people import Cast, learn_all
from incidents.slack.people import workspace
from incidents.slack.settings import chosen
from incidents.slack.threads import Found

Event = dict[str, Any]
Deed = Callable[[], object]
# A message's subtypes that are Slack's own words about the channel.
NOISE = frozenset({"message_replied", "channel_join", "channel_leave", "group_join", "group_leave", "reminder_add"})
SAME_MINUTE = 60
AT_ONCE = 100


def captured(
    incident: Incident, channel: str, found: Found, reason: str, at: datetime | None = None, spare: Event | None = None
) -> list[Deed]:
    """The message first, then what was answered. `spare` is the message as the event had it, for one that was deleted
    meanwhile."""
    message = found.message or spare
    if message is None or is_noise(message):
        return []
    cast, *casts = learn_all([message, *(replies := [one for one in found.replies if not is_noise(one)])])

    def first() -> None:
        row = put(incident, channel, message, cast, reason, earlier=found.earlier)
        if found.message is None:
            lines.delete(row, timezone.now())
        if at is not None and abs((at - lines.moment(row.ts)).total_seconds()) >= SAME_MINUTE:
            lines.move(row, at)
        lines.greet(row, timezone.now())

    def answers(some: list[tuple[Event, Cast]]) -> None:
        for reply, by in some:
            put(incident, channel, reply, by, lines.THREAD)

    pairs = list(zip(replies, casts, strict=True))
    return [first, *(partial(answers, pairs[at : at + AT_ONCE]) for at in range(0, len(pairs), AT_ONCE))]


def put(
    incident: Incident, channel: str, message: Event, cast: Cast, reason: str, earlier: int | None = None
) -> SlackMessage:
    """One that stands on another timeline stays there; hidden there, it moves."""
    row = lines.row_of(incident, channel, str(message["ts"]))
    if is_elsewhere(row, incident):
        return row
    if row.entry_id and row.incident_id != incident.pk:
        lines.leave(row)
    is_first = lines.add(row, reason)
    row.incident = incident
    is_stale = row.deleted_at is not None or lines.is_newer(row.version, lines.version_of(message))
    if row.entry_id is None or not is_stale:
        version = row.version
        lines.take(row, message, cast)
        row.version = max(version, row.version, key=lines.order)
    shown_again = False if is_first and row.entry_id else None
    if row.deleted_at is not None and chosen().on_deleted == "drop":
        lines.drop_files(row)
        row.text = ""
    lines.show(row, title=cast.title, user=cast.user, hidden=shown_again, earlier=earlier)
    return row


def rewrite(channel: str, message: Event, cast: Cast) -> None:
    row = SlackMessage.objects.select_for_update().get(channel_id=channel, ts=str(message["ts"]))
    if row.deleted_at is None:
        lines.take(row, message, cast)
        lines.show(row, title=cast.title, user=cast.user)
        lines.tell_answers(row)


def remember(incident: Incident, channel: str, ts: str, version: str) -> None:
    row = lines.row_of(incident, channel, ts)
    if lines.is_newer(version, row.version):
        row.version = version
        row.save(update_fields=["version"])


def let_go(channel: str, ts: str, reason: str) -> list[Deed]:
    """Hidden when nobody wants it there any more, with the answers that came along."""
    row = SlackMessage.objects.filter(channel_id=channel, ts=ts).first()
    if row is None or reason not in row.reasons:
        return []
    deeds: list[Deed] = []
    if not set(row.reasons) - {reason, lines.THREAD}:
        replies = (
            SlackMessage.objects.filter(channel_id=channel, thread_ts=ts).order_by("pk").values_list("pk", flat=True)
        )
        pks = list(replies)
        deeds = [partial(_hide, pks[at : at + AT_ONCE], lines.THREAD) for at in range(0, len(pks), AT_ONCE)]
    # Last, so that one which is interrupted is begun again.
    return [*deeds, partial(_hide, [row.pk], reason)]


def _hide(pks: list[int], reason: str) -> None:
    for row in SlackMessage.objects.select_for_update().filter(pk__in=pks).order_by("pk"):
        if lines.remove(row, {reason}) and row.entry_id:
            lines.show(row, hidden=True)
        else:
            row.save()


def holds_thread(row: SlackMessage) -> bool:
    return any(reason != lines.THREAD for reason in row.reasons)


def incident_of(channel: str) -> Incident | None:
    row = SlackChannel.objects.select_related("incident").filter(channel_id=channel).first()
    return row.incident if row else None


def may_flow(incident: Incident, channel: str) -> bool:
    """Words from the channel of a restricted incident come to no timeline that everybody reads."""
    origin = incident_of(channel)
    return origin is None or origin == incident or not origin.is_restricted or incident.is_restricted


def elsewhere(incident: Incident, channel: str, ts: str) -> Incident | None:
    """On whose timeline it stands, where that is another."""
    row = SlackMessage.objects.select_related("incident", "entry").filter(channel_id=channel, ts=ts).first()
    return row.incident if row is not None and is_elsewhere(row, incident) else None


def is_elsewhere(row: SlackMessage, incident: Incident) -> bool:
    is_shown = row.entry is not None and not row.entry.hidden and bool(row.reasons)
    return is_shown and row.incident_id != incident.pk


def is_ours(said: Event) -> bool:
    """What the app itself writes and pins is on the timeline by what it tells of."""
    me = workspace()
    return me is not None and said.get("user") == me.bot_user_id


def is_noise(message: Event) -> bool:
    return is_ours(message) or message.get("subtype") in NOISE
