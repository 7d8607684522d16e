"""Acknowledging: the row is written, then Slack hears that it arrived. Nothing here waits for Slack."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils import timezone
from slack_bolt import Ack, BoltContext

from incidents.slack import driving, inbox, names
from incidents.slack.models import SlackChannel, SlackMessage

Body = dict[str, Any]
# In a channel that has nothing to do with an incident it concerns nobody here.
TALK = frozenset({"message", "pin_added", "pin_removed"})
MOMENTS = ("ts", "thread_ts", "deleted_ts")
FORM_SHORTCUTS = frozenset({names.DECLARE, names.DECLARE_FROM_MESSAGE, names.ADD_TO_TIMELINE, names.CREATE_FOLLOWUP})
FORM_ACTIONS = frozenset({names.OPEN_DECLARE, names.OPEN_UPDATE, names.OPEN_FOLLOWUP, names.PROPOSAL_DECLARE})
SILENT_ACTIONS = frozenset({names.VISIT})


def command(ack: Ack, body: Body, context: BoltContext) -> None:
    """`/incident …`: help at once, a form at once, anything else from Celery by its response address."""
    said = driving.parse(str(body.get("text", "")))
    if said.name in driving.AT_ONCE:
        ack(**driving.AT_ONCE[said.name](said))
        return
    key = _key("command", body.get("trigger_id"), body)
    if driving.opens_form(said):
        context["opens"] = inbox.claim(kind="command", key=key, now=timezone.now())
    else:
        lane = f"channel:{body.get('channel_id', '')}"
        inbox.keep(kind="command", key=key, lane=lane, payload=_clean(body), now=timezone.now())
    ack()


def shortcut(ack: Ack, body: Body, context: BoltContext) -> None:
    key = _key("shortcut", body.get("trigger_id"), body)
    if body.get("callback_id") in FORM_SHORTCUTS:
        context["opens"] = inbox.claim(kind="shortcut", key=key, now=timezone.now())
    ack()


def action(ack: Ack, body: Body, context: BoltContext) -> None:
    pressed = body.get("actions") or [{}]
    name = str(pressed[0].get("action_id", "")).partition(":")[0]
    key = _key("action", body.get("trigger_id"), body)
    if name in FORM_ACTIONS:
        context["opens"] = inbox.claim(kind="action", key=key, now=timezone.now())
    elif name not in SILENT_ACTIONS and (body.get("view") or {}).get("type") != "modal":
        inbox.keep(kind="action", key=key, lane=_lane(body), payload=_clean(body), now=timezone.now())
    ack()


def closed(ack: Ack) -> None:
    ack()


def event(ack: Ack, body: Body) -> None:
    """Kept before it is acknowledged: Slack sends again what was not."""
    told = body.get("event") or {}
    kind, channel = str(told.get("type", "")), _channel_of(told)
    if kind not in TALK or _is_followed(channel, told):
        lane = f"channel:{channel}" if channel else f"user:{told.get('user', '')}"
        key = _key("event", body.get("event_id"), body)
        inbox.keep(kind=f"event:{kind}"[:40], key=key, lane=lane, payload=_clean(body), now=timezone.now())
    ack()


def _is_followed(channel: str, told: Body) -> bool:
    """An incident's channel; elsewhere what concerns a message that somebody put on a timeline."""
    if SlackChannel.objects.filter(channel_id=channel).exists():
        return True
    parts = [told, told.get("message"), told.get("previous_message"), (told.get("item") or {}).get("message")]
    found = [part.get(name) for part in parts if isinstance(part, dict) for name in MOMENTS]
    moments = [str(one) for one in found if one]
    return bool(moments) and SlackMessage.objects.filter(channel_id=channel, ts__in=moments).exists()


def _channel_of(told: Body) -> str:
    """Events name their channel in four ways."""
    channel = told.get("channel") or told.get("channel_id") or (told.get("item") or {}).get("channel") or ""
    return str(channel.get("id", "") if isinstance(channel, dict) else channel)


def _lane(body: Body) -> str:
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    return f"channel:{channel}" if channel else f"user:{(body.get('user') or {}).get('id', '')}"


def _key(kind: str, given: Any, body: Body) -> str:
    """Slack's own id where there is one; a request without it is known by all that it says."""
    if isinstance(given, str) and given:
        return f"{kind}:{given}"
    return f"{kind}:{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()}"


def _clean(body: Body) -> Body:
    """Without Slack's old verification token, which is a secret of a kind."""
    return {name: value for name, value in body.items() if name != "token"}
