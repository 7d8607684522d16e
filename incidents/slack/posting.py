"""Posting a message once: after a try whose end nobody saw, Slack is asked whether it stands there already."""

from __future__ import annotations

from typing import Any

from incidents.models import Delivery
from incidents.slack.blocks import MESSAGE_BLOCKS, Block, cut
from incidents.slack.client import SlackRefusal, call

EVENT = "debrief_message"
TEXT = 4_000
LOOKED_AT = 100


def post(delivery: Delivery, channel: str, name: str, *, text: str, parts: list[Block], thread: str = "") -> str:
    """The `ts` of the message; `name` tells one message of a delivery from another."""
    mark = {"delivery": str(delivery.pk), "name": name}
    if delivery.attempts > 1:
        found = _posted(channel, mark, thread)
        if found:
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
    return str(answer["ts"])


def _posted(channel: str, mark: dict[str, str], thread: str) -> str:
    method, more = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
    try:
        found = call(method, channel=channel, limit=LOOKED_AT, include_all_metadata=True, **more)
    except SlackRefusal as problem:
        # A channel that was never joined shows no history; then nothing of ours stands in it.
        if problem.code in {"not_in_channel", "channel_not_found", "thread_not_found", "missing_scope"}:
            return ""
        raise
    for message in found.get("messages") or []:
        metadata = message.get("metadata") or {}
        if metadata.get("event_type") == EVENT and metadata.get("event_payload") == mark:
            return str(message["ts"])
    return ""
