"""Messages that belong on the timeline, and what becomes of them.

Each event is worked on in two steps: what must be asked of Slack, then one transaction that writes and ends it.
Events of a channel come one after another, but not always in the order in which things happened.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from incidents.chat.lanes import Never
from incidents.models import Incident
from incidents.slack import answering, channel_events, inbox, lines, threads
from incidents.slack.models import SlackChannel, SlackMessage, SlackRequest
from incidents.slack.naming_people import Cast, learn
from incidents.slack.people import workspace
from incidents.slack.settings import chosen
from incidents.slack.threads import Found

Event = dict[str, Any]
Deed = Callable[[], object]
ASKED = "event:capture"
# A message's subtypes that are Slack's own words about the channel.
NOISE = frozenset({"message_replied", "channel_join", "channel_leave", "group_join", "group_leave", "reminder_add"})
SAME_MINUTE = 60


def handle(request: SlackRequest, what: str) -> None:
    """An event; `what` is its type."""
    event = request.payload if what == "capture" else dict(request.payload.get("event") or {})
    prepare = EVENTS.get(what) or channel_events.EVENTS.get(what)
    deed = prepare(event, request) if prepare is not None else None

    def done() -> None:
        # Most events concern nobody here.
        if deed is not None:
            deed()

    inbox.finish(request, done)


def ask(
    *, incident: Incident, channel: str, ts: str, thread: str, reason: str, now: datetime, at: datetime | None = None
) -> None:
    """That a message be put on the timeline, at its own time unless `at` says another."""
    payload = {"incident": incident.pk, "channel": channel, "ts": ts, "thread": thread, "reason": reason}
    row = SlackRequest(
        key=f"capture:{channel}:{ts}:{reason}:{now.isoformat()}"[:200],
        kind=ASKED,
        lane=f"channel:{channel}"[:120],
        payload=payload | {"at": at.isoformat() if at else ""},
        incident=incident,
        due_at=now,
        created_at=now,
    )
    # Twice by the same finger: once is enough.
    SlackRequest.objects.bulk_create([row], ignore_conflicts=True)
    transaction.on_commit(lambda: inbox.ask(row.lane))


# What comes in


def _asked(event: Event, request: SlackRequest) -> Deed | None:
    incident = Incident.objects.filter(pk=event["incident"]).first()
    channel, ts, who = str(event["channel"]), str(event["ts"]), str(event["reason"]).partition(":")[2]
    if incident is None:
        return None
    told = {"user_id": who, "channel_id": channel}
    elsewhere = SlackMessage.objects.select_related("incident").filter(channel_id=channel, ts=ts).first()
    if elsewhere is not None and elsewhere.entry_id and elsewhere.incident_id != incident.pk:
        text = f"This message stands on the timeline of {elsewhere.incident.key} already."
        return lambda: answering.answer(told, text, now=timezone.now())
    try:
        found = threads.fetch(channel, ts, str(event.get("thread") or ""))
    except Never as problem:
        text = f":warning: The message could not be put on the timeline of {incident.key}. {problem}"
        return lambda: answering.answer(told, text, now=timezone.now(), incident=incident.pk)
    at = datetime.fromisoformat(event["at"]) if event.get("at") else None
    return _captured(incident, channel, found, str(event["reason"]), at)


def _pinned(event: Event, request: SlackRequest) -> Deed | None:
    item = event.get("item") or {}
    message = item.get("message") or {}
    channel, ts = str(item.get("channel") or event.get("channel_id") or ""), str(message.get("ts") or "")
    incident = _incident(channel)
    if incident is None or not ts or _is_ours(event) or _is_ours(message):
        return None
    found = threads.fetch(channel, ts, str(message.get("thread_ts") or ""))
    return _captured(incident, channel, found, "pin", spare=message)


def _unpinned(event: Event, request: SlackRequest) -> Deed | None:
    item = event.get("item") or {}
    ts = str((item.get("message") or {}).get("ts") or "")
    return lambda: _let_go(str(item.get("channel") or event.get("channel_id") or ""), ts, "pin")


def _reacted(event: Event, request: SlackRequest) -> Deed | None:
    item, name = event.get("item") or {}, _bare(event)
    channel, ts = str(item.get("channel") or ""), str(item.get("ts") or "")
    incident = _incident(channel)
    if incident is None or not ts or name not in chosen().pin_emoji or _is_ours(event):
        return None
    if _is_ours({"user": event.get("item_user")}):
        return None
    return _captured(incident, channel, threads.fetch(channel, ts), _reaction(event))


def _unreacted(event: Event, request: SlackRequest) -> Deed | None:
    item = event.get("item") or {}
    return lambda: _let_go(str(item.get("channel") or ""), str(item.get("ts") or ""), _reaction(event))


def _mentioned(event: Event, request: SlackRequest) -> Deed | None:
    channel, ts = str(event.get("channel") or ""), str(event.get("ts") or "")
    incident = _incident(channel)
    if incident is None or channel_events.asks_to_declare(event):
        return channel_events.answer_mention(event, request)
    found = threads.fetch(channel, ts, str(event.get("thread_ts") or ""))
    return _captured(incident, channel, found, f"mention:{event.get('user') or ''}", spare=event)


def _said(event: Event, request: SlackRequest) -> Deed | None:
    kind = str(event.get("subtype") or "")
    channel = str(event.get("channel") or "")
    if kind == "message_changed":
        return _edited(channel, event.get("message") or {}, request)
    if kind == "message_deleted":
        return _deleted(channel, str(event.get("deleted_ts") or ""), request)
    ts, thread = str(event.get("ts") or ""), str(event.get("thread_ts") or "")
    if kind in NOISE or not thread or thread == ts or _is_ours(event):
        return None
    root = SlackMessage.objects.filter(channel_id=channel, ts=thread).exclude(reasons=[]).first()
    if root is None or not _holds_thread(root):
        return None
    cast = learn(event)
    return lambda: _put(root.incident, channel, event, cast, lines.THREAD)


def _edited(channel: str, message: Event, request: SlackRequest) -> Deed | None:
    """An edit of what nobody captured yet is remembered, so that an older text cannot come after it."""
    ts, version = str(message.get("ts") or ""), lines.version_of(message)
    if message.get("subtype") == "tombstone":
        return _deleted(channel, ts, request)
    row = SlackMessage.objects.filter(channel_id=channel, ts=ts).first()
    incident = row.incident if row else _incident(channel)
    if incident is None or not ts or _is_ours(message) or (row is not None and row.deleted_at):
        return None
    if row is None or row.entry_id is None:
        return lambda: _remember(incident, channel, ts, version)
    if lines.is_newer(row.version, version):
        return None
    if version and version == row.version:
        # Two edits within a second: only Slack knows which was the last.
        message = threads.fetch(channel, ts, row.thread_ts).message or message
    cast = learn(message)
    return lambda: _rewrite(channel, message, cast)


def _deleted(channel: str, ts: str, request: SlackRequest) -> Deed | None:
    known = SlackMessage.objects.filter(channel_id=channel, ts=ts).first()
    incident = known.incident if known else _incident(channel)
    if incident is None or not ts:
        return None
    return lambda: lines.delete(lines.row_of(incident, channel, ts), request.created_at)


EVENTS: dict[str, Callable[[Event, SlackRequest], Deed | None]] = {
    "capture": _asked,
    "pin_added": _pinned,
    "pin_removed": _unpinned,
    "reaction_added": _reacted,
    "reaction_removed": _unreacted,
    "app_mention": _mentioned,
    "message": _said,
}


# What is written


def _captured(
    incident: Incident, channel: str, found: Found, reason: str, at: datetime | None = None, spare: Event | None = None
) -> Deed | None:
    """`spare` is the message as the event had it, for one that was deleted meanwhile."""
    message = found.message or spare
    if message is None or _is_ours(message):
        return None
    told = [(one, learn(one)) for one in [message, *found.replies] if not _is_noise(one)]

    def deed() -> None:
        for one, cast in told:
            row = _put(incident, channel, one, cast, reason if one is message else lines.THREAD)
            if one is message:
                if found.message is None:
                    lines.delete(row, timezone.now())
                if at is not None and abs((at - lines.moment(row.ts)).total_seconds()) >= SAME_MINUTE:
                    lines.move(row, at)
                lines.greet(row, timezone.now())

    return deed


def _put(incident: Incident, channel: str, message: Event, cast: Cast, reason: str) -> SlackMessage:
    row = lines.row_of(incident, channel, str(message["ts"]))
    is_first = lines.add(row, reason)
    if row.entry_id and row.incident_id != incident.pk:
        row.save()
        return row
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
    lines.show(row, title=cast.title, user=cast.user, hidden=shown_again)
    return row


def _rewrite(channel: str, message: Event, cast: Cast) -> None:
    row = SlackMessage.objects.select_for_update().get(channel_id=channel, ts=str(message["ts"]))
    if row.deleted_at is None:
        lines.take(row, message, cast)
        lines.show(row, title=cast.title, user=cast.user)


def _remember(incident: Incident, channel: str, ts: str, version: str) -> None:
    row = lines.row_of(incident, channel, ts)
    if lines.is_newer(version, row.version):
        row.version = version
        row.save(update_fields=["version"])


def _let_go(channel: str, ts: str, reason: str) -> None:
    """Hidden when nobody wants it there any more, with the answers that came along."""
    row = SlackMessage.objects.select_for_update().filter(channel_id=channel, ts=ts).first()
    if row is None or reason not in row.reasons:
        return
    _hide_without(row, {reason})
    if not _holds_thread(row):
        for reply in SlackMessage.objects.select_for_update().filter(channel_id=channel, thread_ts=ts):
            _hide_without(reply, {lines.THREAD})


def _hide_without(row: SlackMessage, reasons: set[str]) -> None:
    if lines.remove(row, reasons) and row.entry_id:
        lines.show(row, hidden=True)
    else:
        row.save()


def _holds_thread(row: SlackMessage) -> bool:
    return any(reason != lines.THREAD for reason in row.reasons)


def _incident(channel: str) -> Incident | None:
    row = SlackChannel.objects.select_related("incident").filter(channel_id=channel).first()
    return row.incident if row else None


def _bare(event: Event) -> str:
    """`pushpin::skin-tone-2` is `pushpin`."""
    return str(event.get("reaction") or "").partition("::")[0]


def _reaction(event: Event) -> str:
    return f"reaction:{_bare(event)}:{event.get('user') or ''}"


def _is_ours(said: Event) -> bool:
    """What the app itself writes and pins is on the timeline by what it tells of."""
    me = workspace()
    return me is not None and said.get("user") == me.bot_user_id


def _is_noise(message: Event) -> bool:
    return _is_ours(message) or message.get("subtype") in NOISE
