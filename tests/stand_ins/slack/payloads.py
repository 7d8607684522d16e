"""The bodies of commands and interactions, as Slack documents them."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.slack.elements import initial_state
from tests.stand_ins.slack.shapes import shown_message
from tests.stand_ins.slack.workspace import Channel, Message, User, View, Workspace

SHOWN_NAMES = {"im": "directmessage", "group": "privategroup", "mpim": "mpdm"}


def command(
    workspace: Workspace, user: User, channel: Channel, *, name: str, text: str, response_url: str
) -> dict[str, str]:
    return {
        "token": workspace.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": SHOWN_NAMES.get(channel.kind, channel.name),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": workspace.issue_trigger(user.id),
    }


def _common(workspace: Workspace, user: User, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "token": workspace.verification_token,
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": workspace.team_id},
    }


def _triggered(workspace: Workspace, user: User, kind: str) -> dict[str, Any]:
    return _common(workspace, user, kind) | {"trigger_id": workspace.issue_trigger(user.id)}


def shortcut(workspace: Workspace, user: User, callback_id: str) -> dict[str, Any]:
    payload = _triggered(workspace, user, "shortcut")
    payload["user"].pop("name")
    return payload | {"callback_id": callback_id, "action_ts": workspace.next_ts()}


def message_action(
    workspace: Workspace, user: User, channel: Channel, message: Message, callback_id: str, response_url: str
) -> dict[str, Any]:
    payload = _triggered(workspace, user, "message_action")
    payload["user"] = {"id": user.id, "name": user.name, "team_id": workspace.team_id, "username": user.name}
    return payload | {
        "action_ts": workspace.next_ts(),
        "channel": _channel(channel),
        "callback_id": callback_id,
        "response_url": response_url,
        "message_ts": message["ts"],
        "message": shown_message(channel, message),
    }


def _channel(channel: Channel) -> dict[str, str]:
    return {"id": channel.id, "name": SHOWN_NAMES.get(channel.kind, channel.name)}


def message_press(
    workspace: Workspace,
    user: User,
    channel: Channel,
    message: Message,
    action: dict[str, Any],
    response_url: str,
    *,
    ephemeral: bool,
) -> dict[str, Any]:
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if "thread_ts" in message:
        container["thread_ts"] = message["thread_ts"]
    payload = _triggered(workspace, user, "block_actions") | {
        "api_app_id": workspace.app_id,
        "container": container,
        "channel": _channel(channel),
        "state": {"values": initial_state(message["blocks"])},
        "response_url": response_url,
        "actions": [action],
    }
    # An ephemeral message is not kept, so Slack cannot send it along.
    return payload if ephemeral else payload | {"message": shown_message(channel, message)}


def view_press(workspace: Workspace, user: User, view: View, action: dict[str, Any]) -> dict[str, Any]:
    return _triggered(workspace, user, "block_actions") | {
        "api_app_id": workspace.app_id,
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [action],
    }


def suggestion(
    workspace: Workspace, user: User, view: View, block: dict[str, Any], element: dict[str, Any], typed: str
) -> dict[str, Any]:
    return _common(workspace, user, "block_suggestion") | {
        "container": {"type": "view", "view_id": view["id"]},
        "api_app_id": workspace.app_id,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": typed,
        "view": view,
    }


def submission(workspace: Workspace, user: User, view: View) -> dict[str, Any]:
    return _triggered(workspace, user, "view_submission") | {
        "api_app_id": workspace.app_id,
        "view": view,
        "response_urls": [],
    }


def closing(workspace: Workspace, user: User, view: View) -> dict[str, Any]:
    return _common(workspace, user, "view_closed") | {
        "api_app_id": workspace.app_id,
        "view": view,
        "is_cleared": False,
    }
