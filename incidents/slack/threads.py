"""A message as it stands in Slack now, with what was answered to it. Asks Slack: never inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from incidents.slack.client import SlackRefusal, call

Message = dict[str, Any]
GONE = frozenset({"thread_not_found", "message_not_found"})
# The app is not in this public channel yet; it may come in by itself.
OUTSIDE = frozenset({"not_in_channel", "channel_not_found"})
PAGE, MOST_PAGES = 200, 50
# Of a longer thread the last ones.
MOST_REPLIES = 500
TOMBSTONE = "tombstone"


@dataclass(slots=True)
class Found:
    """`message` is None where it is not there any more; `replies` are the last to it, in order, after `earlier` more."""

    message: Message | None
    replies: list[Message] = field(default_factory=list)
    earlier: int = 0


def fetch(channel: str, ts: str, thread: str = "") -> Found:
    """`thread` is the first message's `ts` where this one is an answer. Raises Later and Never."""
    try:
        return _fetch(channel, ts, thread)
    except SlackRefusal as problem:
        if problem.code not in OUTSIDE:
            raise
        _join(channel, problem)
    return _fetch(channel, ts, thread)


def _join(channel: str, problem: SlackRefusal) -> None:
    try:
        call("conversations.join", channel=channel)
    except SlackRefusal:
        raise problem from None


def _fetch(channel: str, ts: str, thread: str) -> Found:
    try:
        messages = _thread(channel, thread or ts)
    except SlackRefusal as problem:
        if problem.code not in GONE:
            raise
        return Found(_single(channel, ts))
    found = Found(None)
    for message in messages:
        if message.get("ts") == ts:
            found.message = message
        elif message.get("thread_ts") == ts:
            found.replies.append(message)
    found.earlier = max(0, len(found.replies) - MOST_REPLIES)
    found.replies = found.replies[found.earlier :]
    if found.message is None:
        found.message = _single(channel, ts)
    elif found.message.get("subtype") == TOMBSTONE:
        found.message = None
    return found


def _thread(channel: str, ts: str) -> list[Message]:
    """The message itself where nobody answered."""
    messages: list[Message] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = call("conversations.replies", channel=channel, ts=ts, limit=PAGE, cursor=cursor)
        messages += page.get("messages") or []
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return messages


def _single(channel: str, ts: str) -> Message | None:
    page = call("conversations.history", channel=channel, latest=ts, inclusive=True, limit=1)
    found = (one for one in page.get("messages") or [] if one.get("ts") == ts)
    return next((one for one in found if one.get("subtype") != TOMBSTONE), None)
