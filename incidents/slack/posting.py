"""Posting a message once: after a try whose end nobody saw, Slack is asked whether it stands there already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache

from incidents.models import Delivery
from incidents.slack.blocks import MESSAGE_BLOCKS, Block, cut
from incidents.slack.client import SlackLater, SlackRefusal, call, token_digest

EVENT = "debrief_message"
TEXT = 4_000
LOOKED_AT, MOST_PAGES = 200, 10
LOOKED_BACK = timedelta(minutes=5)
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
        since = (delivery.created_at - LOOKED_BACK).timestamp()
        found = _posted(channel_id(channel), mark, thread, since)
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


def post_direct(delivery: Delivery, slack_id: str, *, text: str, parts: list[Block]) -> None:
    """To one person. The app may not read there, so an answer that got lost counts as one: better once than twice."""
    channel = str(call("conversations.open", users=slack_id)["channel"]["id"])
    try:
        post(delivery, channel, "direct", text=text, parts=parts)
    except SlackLater as problem:
        if not problem.is_uncertain:
            raise


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


def _posted(channel: str, mark: dict[str, str], thread: str, since: float) -> Posted | None:
    try:
        messages = _messages(channel, thread, since)
    except SlackRefusal as problem:
        if problem.code != "not_in_channel":
            if problem.code in UNSEEN:
                return None
            raise
        # chat:write.public writes where it cannot read: to look, the app joins.
        try:
            call("conversations.join", channel=channel)
            messages = _messages(channel, thread, since)
        except SlackRefusal:
            return None
    for message in messages:
        metadata = message.get("metadata") or {}
        if metadata.get("event_type") == EVENT and metadata.get("event_payload") == mark:
            return Posted(channel, str(message["ts"]))
    return None


def _messages(channel: str, thread: str, since: float) -> list[dict[str, Any]]:
    """All that was said since, page by page."""
    method, more = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        asked = {"limit": LOOKED_AT, "oldest": f"{since:.6f}", "include_all_metadata": True, "cursor": cursor}
        page = call(method, channel=channel, **more, **{name: value for name, value in asked.items() if value != ""})
        found += page.get("messages") or []
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            break
    return found
