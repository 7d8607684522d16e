"""auth.*, team.*, users.*, usergroups.*, files.*, apps.*: who is who, and what there is."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.slack.methods import Asking, method, page
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.shapes import shown_channel, shown_file, shown_group, shown_user


@method("api.test")
def api_test(asking: Asking) -> dict[str, Any]:
    return {"args": asking.arguments}


@method("auth.test")
def auth_test(asking: Asking) -> dict[str, Any]:
    workspace = asking.workspace
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": "Stand-in",
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


@method("team.info", scope="team:read", takes_json=False)
def team_info(asking: Asking) -> dict[str, Any]:
    workspace = asking.workspace
    domain = f"{workspace.domain}.example"
    return {"team": {"id": workspace.team_id, "name": "Stand-in", "domain": workspace.domain, "email_domain": domain}}


@method("bots.info", scope="users:read", takes_json=False)
def bots_info(asking: Asking) -> dict[str, Any]:
    if asking.get("bot") != asking.workspace.bot_id:
        raise Refused("bot_not_found")
    bot = asking.workspace.bot
    return {"bot": {"id": asking.get("bot"), "deleted": False, "name": bot.real_name, "user_id": bot.id}}


@method("users.info", "user", scope="users:read", takes_json=False)
def users_info(asking: Asking) -> dict[str, Any]:
    user = asking.workspace.users.get(asking.get("user"))
    if user is None:
        raise Refused("user_not_found")
    return {"user": shown_user(asking.workspace, user)}


@method("users.lookupByEmail", "email", scope="users:read.email", takes_json=False)
def users_by_email(asking: Asking) -> dict[str, Any]:
    wanted = asking.get("email").casefold()
    for user in asking.workspace.users.values():
        if user.email.casefold() == wanted and not user.deleted:
            return {"user": shown_user(asking.workspace, user)}
    raise Refused("users_not_found")


@method("users.list", scope="users:read", takes_json=False)
def users_list(asking: Asking) -> dict[str, Any]:
    shown, more = page(asking, list(asking.workspace.users.values()))
    return {
        "members": [shown_user(asking.workspace, user) for user in shown],
        "cache_ts": asking.workspace.now(),
        **more,
    }


@method("users.conversations", scope="channels:read", takes_json=False)
def users_conversations(asking: Asking) -> dict[str, Any]:
    who = asking.get("user", asking.bot.id)
    rows = [one for one in asking.workspace.channels.values() if who in one.members and not one.private]
    shown, more = page(asking, rows)
    return {"channels": [shown_channel(asking.workspace, channel) for channel in shown], **more}


@method("usergroups.list", scope="usergroups:read", takes_json=False)
def groups_list(asking: Asking) -> dict[str, Any]:
    groups = []
    for group in asking.workspace.groups.values():
        if group.deleted and not asking.flag("include_disabled"):
            continue
        shown = shown_group(asking.workspace, group)
        groups.append({**shown, "users": group.users} if asking.flag("include_users") else shown)
    return {"usergroups": groups}


@method("usergroups.users.list", "usergroup", scope="usergroups:read", takes_json=False)
def group_users(asking: Asking) -> dict[str, Any]:
    group = asking.workspace.groups.get(asking.get("usergroup"))
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": group.users}


@method("files.info", "file", scope="files:read", takes_json=False)
def files_info(asking: Asking) -> dict[str, Any]:
    file = asking.workspace.files.get(asking.get("file"))
    visible = file and any(asking.bot.id in asking.workspace.channels[one].members for one in file.channels)
    if file is None or not visible:
        raise Refused("file_not_found")
    if file.deleted:
        raise Refused("file_deleted")
    return {
        "file": shown_file(asking.workspace, file, asking.slack.url),
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }


@method("apps.connections.open")
def open_connection(asking: Asking) -> dict[str, Any]:
    return {"url": asking.slack.use_sockets()}
