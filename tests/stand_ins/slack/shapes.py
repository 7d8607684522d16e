"""People, channels, files and messages as the Web API and the events show them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import quote

from tests.stand_ins.slack.workspace import Channel, File, Message, User, UserGroup, Workspace

CHANNEL_TYPES = {"channel": "channel", "group": "group", "im": "im", "mpim": "mpim"}


def shown_user(workspace: Workspace, user: User) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "title": "",
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.display_name,
        "display_name_normalized": user.display_name,
        "image_48": f"https://avatars.slack-edge.com/{user.id}_48.png",
        "team": workspace.team_id,
    }
    if user.email and "users:read.email" in workspace.scopes:
        profile["email"] = user.email
    if user.is_bot:
        profile |= {"bot_id": workspace.bot_id, "api_app_id": workspace.app_id}
    return {
        "id": user.id,
        "team_id": workspace.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": 3600,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1732000000,
    }


def shown_group(workspace: Workspace, group: UserGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 1732000000,
        "date_update": 1732000000,
        "date_delete": 1732000000 if group.deleted else 0,
        "user_count": len(group.users),
    }


def shown_channel(workspace: Workspace, channel: Channel) -> dict[str, Any]:
    if channel.kind == "im":
        other = next((one for one in channel.members if one != workspace.bot.id), workspace.bot.id)
        return {"id": channel.id, "created": channel.created, "is_im": True, "is_archived": False, "user": other}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": False,
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_general": channel.name == "general",
        "is_member": workspace.bot.id in channel.members,
        "is_shared": False,
        "is_ext_shared": False,
        "created": channel.created,
        "creator": channel.creator,
        "context_team_id": workspace.team_id,
        "topic": {"value": channel.topic, "creator": channel.creator if channel.topic else "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": channel.creator if channel.purpose else "", "last_set": 0},
        "previous_names": channel.previous_names,
        "num_members": len(channel.members),
    }


def shown_file(workspace: Workspace, file: File, base: str) -> dict[str, Any]:
    """`base` is where the stand-in listens: Slack's own files.slack.com."""
    if file.deleted:
        return {"id": file.id, "mode": "tombstone"}
    where = f"{base}/files-pri/{workspace.team_id}-{file.id}"
    shown = {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.name,
        "mimetype": file.mimetype,
        "filetype": file.filetype,
        "pretty_type": file.filetype.upper(),
        "user": file.user,
        "user_team": workspace.team_id,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{where}/{quote(file.name)}",
        "url_private_download": f"{where}/download/{quote(file.name)}",
        "permalink": f"https://{workspace.domain}.slack.com/files/{file.user}/{file.id}/{quote(file.name)}",
        "permalink_public": f"https://slack-files.com/{workspace.team_id}-{file.id}",
        "has_rich_preview": False,
        "file_access": "visible",
    }
    return shown


def permalink(workspace: Workspace, channel: Channel, message: Message) -> str:
    address = f"https://{workspace.domain}.slack.com/archives/{channel.id}/p{message['ts'].replace('.', '')}"
    thread = message.get("thread_ts")
    return f"{address}?thread_ts={thread}&cid={channel.id}" if thread and thread != message["ts"] else address


def shown_message(channel: Channel, message: Message, *, with_metadata: bool = False) -> Message:
    """As the history has it: with its thread, reactions and pins; metadata only on request."""
    shown = {name: value for name, value in message.items() if name not in {"reactions", "metadata"}}
    replies = channel.replies(message["ts"])
    if replies:
        people = list(dict.fromkeys(one.get("user", "") for one in replies))
        shown |= {
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "reply_users_count": len(people),
            "latest_reply": replies[-1]["ts"],
            "reply_users": people,
            "is_locked": False,
        }
    reactions = shown_reactions(message)
    if reactions:
        shown["reactions"] = reactions
    if message["ts"] in channel.pins:
        by, at = channel.pins[message["ts"]]
        shown |= {"pinned_to": [channel.id], "pinned_info": {"channel": channel.id, "pinned_by": by, "pinned_ts": at}}
    if with_metadata and "metadata" in message:
        shown["metadata"] = message["metadata"]
    return shown


def shown_reactions(message: Message) -> list[dict[str, Any]]:
    by_name: dict[str, list[str]] = defaultdict(list)
    for name, user in message.get("reactions", []):
        by_name[name].append(user)
    return [{"name": name, "users": users, "count": len(users)} for name, users in by_name.items()]
