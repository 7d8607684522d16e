"""Posting a message once: after a try whose end nobody saw, Slack is asked whether it stands there already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from incidents.models import Delivery
from incidents.slack.blocks import MESSAGE_BLOCKS, Block, cut
from incidents.slack.client import SlackRefusal, call, token_digest

EVENT = "debrief_message"
TEXT = 4_000
LOOKED_AT = 100
REMEMBERED_SECONDS = 3_600
CHANNEL_ID = re.compile(r"\A[CG][A-Z0-9]{7,}\Z")
UNSEEN = frozenset({"not_in_channel", "channel_not_found", "thread_not_found", "missing_scope"})


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands."""

    channel: str
    ts: str


def post(delivery: Delivery, channel: str, name: str, *, text: str, parts: list[Block], thread: str = "") -> Posted:
    """`channel` is an id or `#name`; `name` tells one message of a delivery from another."""
    mark = {"delivery": str(delivery.pk), "name": name}
    if delivery.attempts > 1:
        found = _posted(channel_id(channel), mark, thread)
        if found is not None:
            return found
    message: dict[str, Any] = {
        "channel": channel,
        "text": cut(text, TEXT),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if parts:
        message["blocks"] = parts[:MESSAGE_BLOCKS]
    if thread:
        message["thread_ts"] = thread
    answer = call("chat.postMessage", **message, metadata={"event_type": EVENT, "event_payload": mark})
    return Posted(str(answer["channel"]), str(answer["ts"]))


def channel_id(channel: str) -> str:
    """Of `#name`; the name itself where the app does not see such a channel."""
    name = channel.lstrip("#")
    if not channel.startswith("#") or CHANNEL_ID.match(name):
        return name
    key = f"slack-channel:{token_digest()[:16]}:{name}"
    known = cache.get(key)
    if known is None:
        known = _found(name)
        if known:
            cache.set(key, known, REMEMBERED_SECONDS)
    return str(known or channel)


def _found(name: str) -> str:
    cursor = ""
    while True:
        kinds = "public_channel,private_channel"
        page = call("conversations.list", types=kinds, exclude_archived=True, limit=1000, cursor=cursor)
        for one in page.get("channels") or []:
            if one.get("name") == name:
                return str(one["id"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return ""


def _posted(channel: str, mark: dict[str, str], thread: str) -> Posted | None:
    try:
        messages = _messages(channel, thread)
    except SlackRefusal as problem:
        if problem.code != "not_in_channel":
            if problem.code in UNSEEN:
                return None
            raise
        # chat:write.public writes where it cannot read: to look, the app joins.
        try:
            call("conversations.join", channel=channel)
            messages = _messages(channel, thread)
        except SlackRefusal:
            return None
    for message in messages:
        metadata = message.get("metadata") or {}
        if metadata.get("event_type") == EVENT and metadata.get("event_payload") == mark:
            return Posted(channel, str(message["ts"]))
    return None


def _messages(channel: str, thread: str) -> list[dict[str, Any]]:
    method, more = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
    found = call(method, channel=channel, limit=LOOKED_AT, include_all_metadata=True, **more)
    return list(found.get("messages") or [])
