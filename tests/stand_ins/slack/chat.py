"""chat.*: messages that the app posts, edits and deletes."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.slack.limits import check_message
from tests.stand_ins.slack.methods import Asking, method
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.shapes import permalink, shown_message
from tests.stand_ins.slack.workspace import Channel, Ephemeral, Message, Workspace


def with_block_ids(workspace: Workspace, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks and elements without an id are given one, as Slack gives them."""
    named = []
    for block in blocks:
        block = {**block, "block_id": block.get("block_id") or f"b{workspace.number('block'):04x}"}
        elements = block.get("elements")
        if block["type"] == "actions" and elements:
            block["elements"] = [_with_action_id(workspace, one) for one in elements]
        for name in ("accessory", "element"):
            if isinstance(block.get(name), dict) and block[name].get("type") != "image":
                block[name] = _with_action_id(workspace, block[name])
        named.append(block)
    return named


def _with_action_id(workspace: Workspace, element: dict[str, Any]) -> dict[str, Any]:
    return {**element, "action_id": element.get("action_id") or f"a{workspace.number('action'):04x}"}


def _content(asking: Asking) -> dict[str, Any]:
    """What was asked to be said, checked."""
    text, blocks = asking.get("text"), asking.get("blocks")
    check_message(text, blocks, asking.get("metadata"))
    if not text and not blocks and not asking.get("attachments"):
        raise Refused("no_text")
    content: dict[str, Any] = {"text": text or ""}
    if blocks:
        content["blocks"] = with_block_ids(asking.workspace, blocks)
    for name in ("metadata", "attachments"):
        if asking.get(name):
            content[name] = asking.get(name)
    return content


def bot_message(workspace: Workspace, content: dict[str, Any], ts: str) -> Message:
    profile = {
        "id": workspace.bot_id,
        "app_id": workspace.app_id,
        "name": workspace.bot.real_name,
        "deleted": False,
        "team_id": workspace.team_id,
    }
    return {
        "user": workspace.bot.id,
        "type": "message",
        "ts": ts,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
        "team": workspace.team_id,
        "bot_profile": profile,
        **content,
    }


def _where(asking: Asking) -> Channel:
    """Where to post: a channel's id or name, or a person's id for a direct message."""
    wanted = str(asking.get("channel"))
    if wanted in asking.workspace.users:
        asking.arguments["channel"] = asking.workspace.direct(wanted).id
    elif wanted.startswith("#"):
        named = [one.id for one in asking.workspace.channels.values() if one.name == wanted[1:]]
        asking.arguments["channel"] = named[0] if named else ""
    channel = asking.channel(living=True)
    if asking.bot.id not in channel.members and "chat:write.public" not in asking.workspace.scopes:
        raise Refused("not_in_channel")
    return channel


@method("chat.postMessage", "channel", scope="chat:write")
def post(asking: Asking) -> dict[str, Any]:
    channel = _where(asking)
    message = bot_message(asking.workspace, _content(asking), asking.workspace.next_ts())
    thread = asking.get("thread_ts")
    if thread:
        root = channel.messages.get(str(thread))
        if root is None:
            raise Refused("thread_not_found")
        message["thread_ts"] = root.get("thread_ts", root["ts"])
        if asking.flag("reply_broadcast"):
            message |= {"subtype": "thread_broadcast", "root": shown_message(channel, root)}
    channel.messages[message["ts"]] = message
    asking.slack.occurred.said(channel, message)
    shown = shown_message(channel, message, with_metadata=True)
    return {"channel": channel.id, "ts": message["ts"], "message": shown}


@method("chat.update", "channel", "ts", scope="chat:write")
def update(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(living=True)
    message = asking.message(channel)
    if message.get("bot_id") != asking.workspace.bot_id:
        raise Refused("cant_update_message")
    given = asking.arguments.keys() & {"blocks", "text"}
    content = _content(asking)
    before = shown_message(channel, message)
    message.update(content)
    if "blocks" not in content and given:
        message.pop("blocks", None)
    if "blocks" not in content:
        # Slack shows no "(edited)" on what an app replaces with blocks.
        message["edited"] = {"user": asking.workspace.bot_id, "ts": f"{asking.workspace.now()}.000000"}
    asking.slack.occurred.edited(channel, before, message)
    shown = shown_message(channel, message, with_metadata=True)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": shown}


@method("chat.delete", "channel", "ts", scope="chat:write")
def delete(asking: Asking) -> dict[str, Any]:
    channel = asking.channel()
    message = asking.message(channel)
    if message.get("bot_id") != asking.workspace.bot_id:
        raise Refused("cant_delete_message")
    before = shown_message(channel, message)
    del channel.messages[message["ts"]]
    channel.pins.pop(message["ts"], None)
    asking.slack.occurred.deleted(channel, before)
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.postEphemeral", "channel", "user", scope="chat:write")
def post_ephemeral(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(living=True, member=True)
    if asking.get("user") not in channel.members:
        raise Refused("user_not_in_channel")
    ts = asking.workspace.next_ts()
    message = bot_message(asking.workspace, _content(asking), ts)
    asking.workspace.ephemerals.append(Ephemeral(asking.get("user"), channel.id, ts, message))
    return {"message_ts": ts}


@method("chat.getPermalink", "channel", "message_ts", takes_json=False)
def get_permalink(asking: Asking) -> dict[str, Any]:
    channel = asking.channel()
    message = asking.message(channel, "message_ts")
    return {"channel": channel.id, "permalink": permalink(asking.workspace, channel, message)}
