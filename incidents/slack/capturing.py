"""Messages that belong on the timeline, and what becomes of them.

Each event is worked on in two steps: what must be asked of Slack, then one transaction that writes and ends it; a
long thread takes several, each of which may be done again.
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
from incidents.slack import answering, channel_events, finding, inbox, keeping, lines, threads
from incidents.slack.keeping import is_noise, is_ours
from incidents.slack.models import SlackMessage, SlackRequest
from incidents.slack.naming_people import learn
from incidents.slack.people import person
from incidents.slack.settings import chosen

Event = dict[str, Any]
Deed = Callable[[], object]
ASKED = "event:capture"


def handle(request: SlackRequest, what: str) -> None:
    """An event; `what` is its type."""
    event = request.payload if what == "capture" else dict(request.payload.get("event") or {})
    prepare = EVENTS.get(what) or channel_events.EVENTS.get(what)
    found = prepare(event, request) if prepare is not None else None
    # Most events concern nobody here.
    deeds = found if isinstance(found, list) else [found] if found is not None else []
    for deed in deeds[:-1]:
        with transaction.atomic():
            deed()

    def last() -> None:
        for deed in deeds[-1:]:
            deed()

    inbox.finish(request, last)


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
    # From now on it is heard what becomes of it, also in a channel that is no incident's.
    SlackMessage.objects.bulk_create(
        [SlackMessage(incident=incident, channel_id=channel, ts=ts, text="")], ignore_conflicts=True
    )
    transaction.on_commit(lambda: inbox.ask(row.lane))


# What comes in


def _asked(event: Event, request: SlackRequest) -> list[Deed]:
    incident = Incident.objects.filter(pk=event["incident"]).first()
    channel, ts, who = str(event["channel"]), str(event["ts"]), str(event["reason"]).partition(":")[2]
    if incident is None:
        return []
    told = {"user_id": who, "channel_id": channel}
    if _stays_apart(incident, channel, who):
        text = f"This channel belongs to a restricted incident: nothing of it goes onto the timeline of {incident.key}."
        return [lambda: answering.answer(told, text, now=timezone.now())]
    if other := keeping.elsewhere(incident, channel, ts):
        return [_told_elsewhere(other, channel, who)]
    failed = f":warning: The message could not be put on the timeline of {incident.key}."
    try:
        found = threads.fetch(channel, ts, str(event.get("thread") or ""))
    except Never as problem:
        reason = str(problem)
        return [lambda: answering.answer(told, f"{failed} {reason}", now=timezone.now(), incident=incident.pk)]
    if found.message is None:
        gone = f"{failed} It is not in Slack any more."
        return [lambda: answering.answer(told, gone, now=timezone.now(), incident=incident.pk)]
    at = datetime.fromisoformat(event["at"]) if event.get("at") else None
    return keeping.captured(incident, channel, found, str(event["reason"]), at)


def _stays_apart(incident: Incident, channel: str, who: str) -> bool:
    """What is said about a restricted incident goes onto its own timeline, or onto one as restricted by who sees both."""
    if not keeping.may_flow(incident, channel):
        return True
    origin = keeping.incident_of(channel)
    if origin is None or origin == incident or not origin.is_restricted:
        return False
    return finding.visible(person(who)).filter(pk__in=[origin.pk, incident.pk]).count() < 2


def _told_elsewhere(other: Incident, channel: str, who: str) -> Deed:
    named = finding.visible(person(who)).filter(pk=other.pk).exists()
    text = f"This message stands on the timeline of {other.key if named else 'another incident'} already."
    told = {"user_id": who, "channel_id": channel}
    return lambda: answering.answer(told, text, now=timezone.now())


def _pinned(event: Event, request: SlackRequest) -> list[Deed]:
    item = event.get("item") or {}
    message = item.get("message") or {}
    channel, ts = str(item.get("channel") or event.get("channel_id") or ""), str(message.get("ts") or "")
    incident = keeping.incident_of(channel)
    if incident is None or not ts or is_ours(event) or is_ours(message):
        return []
    if other := keeping.elsewhere(incident, channel, ts):
        return [_told_elsewhere(other, channel, str(event.get("user") or ""))]
    found = threads.fetch(channel, ts, str(message.get("thread_ts") or ""))
    # Events overtake each other: it may have been let go before this one came.
    if found.message is not None and channel not in (found.message.get("pinned_to") or []):
        return []
    return keeping.captured(incident, channel, found, "pin", spare=message)


def _unpinned(event: Event, request: SlackRequest) -> list[Deed]:
    item = event.get("item") or {}
    ts = str((item.get("message") or {}).get("ts") or "")
    return keeping.let_go(str(item.get("channel") or event.get("channel_id") or ""), ts, "pin")


def _reacted(event: Event, request: SlackRequest) -> list[Deed]:
    item, name = event.get("item") or {}, _bare(event.get("reaction"))
    channel, ts, who = str(item.get("channel") or ""), str(item.get("ts") or ""), str(event.get("user") or "")
    incident = keeping.incident_of(channel)
    if incident is None or not ts or name not in chosen().pin_emoji or is_ours(event):
        return []
    if is_ours({"user": event.get("item_user")}):
        return []
    if other := keeping.elsewhere(incident, channel, ts):
        return [_told_elsewhere(other, channel, who)]
    found = threads.fetch(channel, ts)
    if found.message is not None and not _has_reacted(found.message, name, who):
        return []
    return keeping.captured(incident, channel, found, _reaction(event))


def _has_reacted(message: Event, name: str, who: str) -> bool:
    """Slack may leave people out of a long list: then the event is believed."""
    for one in message.get("reactions") or []:
        users = one.get("users") or []
        if _bare(one.get("name")) == name and (who in users or int(one.get("count") or 0) > len(users)):
            return True
    return False


def _unreacted(event: Event, request: SlackRequest) -> list[Deed]:
    item = event.get("item") or {}
    return keeping.let_go(str(item.get("channel") or ""), str(item.get("ts") or ""), _reaction(event))


def _mentioned(event: Event, request: SlackRequest) -> Deed | list[Deed] | None:
    channel, ts, who = str(event.get("channel") or ""), str(event.get("ts") or ""), str(event.get("user") or "")
    incident = keeping.incident_of(channel)
    if incident is None or channel_events.asks_to_declare(event):
        return channel_events.answer_mention(event, request)
    if other := keeping.elsewhere(incident, channel, ts):
        return [_told_elsewhere(other, channel, who)]
    found = threads.fetch(channel, ts, str(event.get("thread_ts") or ""))
    return keeping.captured(incident, channel, found, f"mention:{who}", spare=event)


def _said(event: Event, request: SlackRequest) -> Deed | None:
    kind = str(event.get("subtype") or "")
    channel = str(event.get("channel") or "")
    if kind == "message_changed":
        return _edited(channel, event.get("message") or {}, request)
    if kind == "message_deleted":
        return _deleted(channel, str(event.get("deleted_ts") or ""), request)
    ts, thread = str(event.get("ts") or ""), str(event.get("thread_ts") or "")
    if not thread or thread == ts or is_noise(event):
        return None
    root = SlackMessage.objects.filter(channel_id=channel, ts=thread).exclude(reasons=[]).first()
    if root is None or not keeping.holds_thread(root) or not keeping.may_flow(root.incident, channel):
        return None
    cast = learn(event)
    return lambda: keeping.put(root.incident, channel, event, cast, lines.THREAD)


def _edited(channel: str, message: Event, request: SlackRequest) -> Deed | None:
    """An edit of what nobody captured yet is remembered, so that an older text cannot come after it."""
    ts, version = str(message.get("ts") or ""), lines.version_of(message)
    if message.get("subtype") == "tombstone":
        return _deleted(channel, ts, request)
    row = SlackMessage.objects.filter(channel_id=channel, ts=ts).first()
    incident = row.incident if row else keeping.incident_of(channel)
    if incident is None or not ts or is_ours(message) or (row is not None and row.deleted_at):
        return None
    if row is None or row.entry_id is None:
        return lambda: keeping.remember(incident, channel, ts, version)
    if not keeping.may_flow(incident, channel):
        return None
    if lines.is_newer(row.version, version):
        return None
    if version and version == row.version:
        # Two edits within a second: only Slack knows which was the last.
        message = threads.fetch(channel, ts, row.thread_ts).message or message
    cast = learn(message)
    return lambda: keeping.rewrite(channel, message, cast)


def _deleted(channel: str, ts: str, request: SlackRequest) -> Deed | None:
    known = SlackMessage.objects.filter(channel_id=channel, ts=ts).first()
    incident = known.incident if known else keeping.incident_of(channel)
    if incident is None or not ts:
        return None
    return lambda: lines.delete(lines.row_of(incident, channel, ts), request.created_at)


EVENTS: dict[str, Callable[[Event, SlackRequest], Deed | list[Deed] | None]] = {
    "capture": _asked,
    "pin_added": _pinned,
    "pin_removed": _unpinned,
    "reaction_added": _reacted,
    "reaction_removed": _unreacted,
    "app_mention": _mentioned,
    "message": _said,
}


def _bare(name: Any) -> str:
    """`pushpin::skin-tone-2` is `pushpin`."""
    return str(name or "").partition("::")[0]


def _reaction(event: Event) -> str:
    return f"reaction:{_bare(event.get('reaction'))}:{event.get('user') or ''}"
