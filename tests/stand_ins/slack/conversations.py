"""conversations.*: channels, their members and their history."""

from __future__ import annotations

import re
from typing import Any

from tests.stand_ins.slack.methods import Asking, method, page
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.shapes import shown_channel, shown_message
from tests.stand_ins.slack.workspace import Channel, Workspace

LONGEST_NAME = 80
LONGEST_TOPIC = 250


def checked_name(workspace: Workspace, name: str) -> str:
    if not name:
        raise Refused("invalid_name_required")
    if len(name) > LONGEST_NAME:
        raise Refused("invalid_name_maxlength")
    if not re.fullmatch(r"[\w-]+", name) or name != name.lower():
        raise Refused("invalid_name_specials")
    if not re.search(r"\w", name.replace("_", "")):
        raise Refused("invalid_name_punctuation")
    if any(channel.name == name for channel in workspace.channels.values()):
        raise Refused("name_taken")
    return name


def _manage(asking: Asking, *, member: bool = True, living: bool = True) -> Channel:
    channel = asking.channel()
    asking.scope_for(channel, "channels:manage", "groups:write")
    if channel.kind in {"im", "mpim"}:
        raise Refused("method_not_supported_for_channel_type")
    return asking.channel(member=member, living=living)


@method("conversations.create")
def create(asking: Asking) -> dict[str, Any]:
    kind = "group" if asking.flag("is_private") else "channel"
    asking.need_scope("groups:write" if kind == "group" else "channels:manage")
    name = checked_name(asking.workspace, str(asking.get("name", "")))
    channel = asking.workspace.add_channel(name, kind=kind, creator=asking.bot.id, members=[asking.bot.id])
    return {"channel": shown_channel(asking.workspace, channel)}


@method("conversations.list", takes_json=False)
def list_channels(asking: Asking) -> dict[str, Any]:
    kinds = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
    scopes = {"channel": "channels:read", "group": "groups:read", "mpim": "mpim:read", "im": "im:read"}
    wanted = asking.ids("types") or ["public_channel"]
    if set(wanted) - kinds.keys():
        raise Refused("invalid_types")
    for one in wanted:
        asking.need_scope(scopes[kinds[one]])
    rows = [
        channel
        for channel in asking.workspace.channels.values()
        if channel.kind in {kinds[one] for one in wanted}
        and (not channel.private or asking.bot.id in channel.members)
        and not (channel.archived and asking.flag("exclude_archived"))
    ]
    shown, more = page(asking, rows)
    return {"channels": [shown_channel(asking.workspace, channel) for channel in shown], **more}


@method("conversations.info", "channel", takes_json=False)
def info(asking: Asking) -> dict[str, Any]:
    channel = asking.channel()
    asking.scope_for(channel, "channels:read", "groups:read")
    shown = shown_channel(asking.workspace, channel)
    if not asking.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


@method("conversations.members", "channel", takes_json=False)
def members(asking: Asking) -> dict[str, Any]:
    channel = asking.channel()
    asking.scope_for(channel, "channels:read", "groups:read")
    shown, more = page(asking, channel.members)
    return {"members": shown, **more}


@method("conversations.join", "channel", scope="channels:join")
def join(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(living=True)
    if channel.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    more: dict[str, Any] = {}
    if asking.bot.id in channel.members:
        more = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    else:
        asking.slack.occurred.joined(channel, asking.bot, inviter=None)
    return {"channel": shown_channel(asking.workspace, channel), **more}


@method("conversations.invite", "channel", "users")
def invite(asking: Asking) -> dict[str, Any]:
    channel = _manage(asking)
    problems = [problem for user in asking.ids("users") if (problem := _why_not(asking, channel, user))]
    if problems:
        first = problems[0]
        if len(asking.ids("users")) == 1:
            raise Refused(first["error"], errors=problems)
        if not asking.flag("force"):
            raise Refused(first["error"], errors=problems)
    refused = {problem["user"] for problem in problems}
    for user in asking.ids("users"):
        if user not in refused:
            asking.slack.occurred.joined(channel, asking.workspace.users[user], inviter=asking.bot)
    return {"channel": shown_channel(asking.workspace, channel), **({"errors": problems} if problems else {})}


@method("conversations.kick", "channel", "user")
def kick(asking: Asking) -> dict[str, Any]:
    channel, user = _manage(asking), str(asking.get("user"))
    if user not in asking.workspace.users:
        raise Refused("user_not_found")
    if user == asking.bot.id:
        raise Refused("cant_kick_self")
    if user not in channel.members:
        raise Refused("not_in_channel")
    channel.members.remove(user)
    return {}


def _why_not(asking: Asking, channel: Channel, user: str) -> dict[str, Any] | None:
    known = asking.workspace.users.get(user)
    error = ""
    if known is None:
        error = "user_not_found"
    elif known.deleted:
        error = "cant_invite"
    elif user == asking.bot.id:
        error = "cant_invite_self"
    elif user in channel.members:
        error = "already_in_channel"
    return {"user": user, "ok": False, "error": error} if error else None


def _announce(asking: Asking, channel: Channel, subtype: str, text: str, **more: Any) -> None:
    """The line that Slack writes into the channel, as the app."""
    ts = asking.workspace.next_ts()
    said = {"user": asking.bot.id, "type": "message", "subtype": subtype, "text": text, "ts": ts, **more}
    channel.messages[ts] = said
    asking.slack.occurred.said(channel, said)


@method("conversations.setTopic", "channel")
def set_topic(asking: Asking) -> dict[str, Any]:
    channel = _manage(asking)
    topic = str(asking.arguments.get("topic", ""))
    if len(topic) > LONGEST_TOPIC:
        raise Refused("too_long")
    channel.topic = topic
    _announce(asking, channel, f"{channel.kind}_topic", f"set the channel topic: {topic}", topic=topic)
    return {"channel": shown_channel(asking.workspace, channel)}


@method("conversations.setPurpose", "channel")
def set_purpose(asking: Asking) -> dict[str, Any]:
    channel = _manage(asking)
    purpose = str(asking.arguments.get("purpose", ""))
    if len(purpose) > LONGEST_TOPIC:
        raise Refused("too_long")
    channel.purpose = purpose
    _announce(asking, channel, f"{channel.kind}_purpose", f"set the channel description: {purpose}", purpose=purpose)
    return {"channel": shown_channel(asking.workspace, channel)}


@method("conversations.rename", "channel", "name")
def rename(asking: Asking) -> dict[str, Any]:
    channel = _manage(asking)
    asking.slack.occurred.renamed(channel, checked_name(asking.workspace, asking.get("name")))
    return {"channel": shown_channel(asking.workspace, channel)}


@method("conversations.archive", "channel")
def archive(asking: Asking) -> dict[str, Any]:
    channel = _manage(asking, living=False)
    if channel.archived:
        raise Refused("already_archived")
    if channel.name == "general":
        raise Refused("cant_archive_general")
    asking.slack.occurred.archived(channel, asking.bot)
    return {}


@method("conversations.unarchive", "channel")
def unarchive(asking: Asking) -> dict[str, Any]:
    channel = _manage(asking, living=False)
    if not channel.archived:
        raise Refused("not_archived")
    channel.archived = False
    return {}


@method("conversations.open")
def open_direct(asking: Asking) -> dict[str, Any]:
    users = asking.ids("users")
    if not users and asking.get("channel"):
        return {"channel": shown_channel(asking.workspace, asking.channel())}
    asking.need_scope("im:write" if len(users) < 2 else "mpim:write")
    if not users:
        raise Refused("users_list_not_supplied")
    for user in users:
        if user not in asking.workspace.users:
            raise Refused("user_not_found")
        if asking.workspace.users[user].deleted:
            raise Refused("user_disabled")
    channel = asking.workspace.direct(*users)
    shown = shown_channel(asking.workspace, channel) if asking.flag("return_im") else {"id": channel.id}
    return {"channel": shown}


def _between(asking: Asking, ts: str) -> bool:
    oldest, latest = str(asking.get("oldest", "0")), str(asking.get("latest", "9999999999.999999"))
    if asking.flag("inclusive"):
        return float(oldest) <= float(ts) <= float(latest)
    return float(oldest) < float(ts) < float(latest)


@method("conversations.history", "channel", takes_json=False)
def history(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True)
    asking.scope_for(channel, "channels:history", "groups:history")
    rows = [
        shown_message(channel, one, with_metadata=asking.flag("include_all_metadata"))
        for one in reversed(list(channel.messages.values()))
        if (one.get("thread_ts", one["ts"]) == one["ts"] or one.get("subtype") == "thread_broadcast")
        and _between(asking, one["ts"])
    ]
    shown, more = page(asking, rows)
    has_more = bool(more["response_metadata"]["next_cursor"])
    return {"messages": shown, "has_more": has_more, "pin_count": len(channel.pins), **(more if has_more else {})}


@method("conversations.replies", "channel", "ts", takes_json=False)
def replies(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True)
    asking.scope_for(channel, "channels:history", "groups:history")
    asked = channel.messages.get(asking.get("ts"))
    if asked is None:
        raise Refused("thread_not_found")
    root = asked.get("thread_ts", asked["ts"])
    found = [channel.messages[root]] if root in channel.messages else []
    rows = [
        shown_message(channel, one, with_metadata=asking.flag("include_all_metadata"))
        for one in [*found, *channel.replies(root)]
        if one["ts"] == root or _between(asking, one["ts"])
    ]
    shown, more = page(asking, rows, default=1000)
    return {"messages": shown, "has_more": bool(more["response_metadata"]["next_cursor"]), **more}
