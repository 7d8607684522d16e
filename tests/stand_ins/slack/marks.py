"""pins.*, reactions.*, bookmarks.*: what is attached to messages and channels."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.slack.methods import Asking, method
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.shapes import permalink, shown_message, shown_reactions

LONGEST_TITLE = 255


@method("pins.add", "channel", "timestamp", scope="pins:write")
def add_pin(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True, living=True)
    message = asking.message(channel, "timestamp")
    if message["ts"] in channel.pins:
        raise Refused("already_pinned")
    asking.slack.occurred.pinned(channel, message, asking.bot)
    return {}


@method("pins.remove", "channel", "timestamp", scope="pins:write")
def remove_pin(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True, living=True)
    message = asking.message(channel, "timestamp")
    if message["ts"] not in channel.pins:
        raise Refused("no_pin")
    asking.slack.occurred.unpinned(channel, message, asking.bot)
    return {}


@method("pins.list", "channel", scope="pins:read", takes_json=False)
def list_pins(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True)
    items = []
    for ts, (by, at) in channel.pins.items():
        message = shown_message(channel, channel.messages[ts])
        message["permalink"] = permalink(asking.workspace, channel, message)
        items.append({"type": "message", "channel": channel.id, "created": at, "created_by": by, "message": message})
    return {"items": items}


@method("reactions.add", "channel", "name", "timestamp", scope="reactions:write")
def add_reaction(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True, living=True)
    message = asking.message(channel, "timestamp")
    name = asking.get("name").strip(":")
    if [name, asking.bot.id] in message.get("reactions", []):
        raise Refused("already_reacted")
    asking.slack.occurred.reacted(channel, message, asking.bot, name)
    return {}


@method("reactions.remove", "name", scope="reactions:write")
def remove_reaction(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True)
    message = asking.message(channel, "timestamp")
    name = asking.get("name").strip(":")
    if [name, asking.bot.id] not in message.get("reactions", []):
        raise Refused("no_reaction")
    asking.slack.occurred.unreacted(channel, message, asking.bot, name)
    return {}


@method("reactions.get", scope="reactions:read", takes_json=False)
def get_reactions(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True)
    message = asking.message(channel, "timestamp")
    shown = shown_message(channel, message)
    shown |= {"permalink": permalink(asking.workspace, channel, message), "reactions": shown_reactions(message)}
    return {"type": "message", "channel": channel.id, "message": shown}


@method("bookmarks.add", "channel_id", "title", "type", scope="bookmarks:write")
def add_bookmark(asking: Asking) -> dict[str, Any]:
    channel = asking.channel(member=True, living=True, name="channel_id")
    if asking.get("type") != "link":
        raise Refused("invalid_bookmark_type")
    bookmark = {
        "id": asking.workspace.new_id("Bk"),
        "channel_id": channel.id,
        "type": "link",
        "emoji": asking.get("emoji", ""),
        "date_created": asking.workspace.now(),
        "date_updated": 0,
        "rank": f"{len(channel.bookmarks):03d}",
        "last_updated_by_user_id": asking.bot.id,
        "last_updated_by_team_id": asking.workspace.team_id,
        "app_id": asking.workspace.app_id,
        **_checked(asking, required=True),
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


def _checked(asking: Asking, *, required: bool) -> dict[str, Any]:
    title, link = asking.get("title"), asking.get("link")
    if title and len(title) > LONGEST_TITLE:
        raise Refused("invalid_arguments")
    if (required and not link) or (link and not str(link).startswith(("http://", "https://"))):
        raise Refused("invalid_link")
    return {name: value for name, value in {"title": title, "link": link}.items() if value}


def _bookmark(asking: Asking) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    channel = asking.channel(member=True, name="channel_id")
    for bookmark in channel.bookmarks:
        if bookmark["id"] == asking.get("bookmark_id"):
            return channel.bookmarks, bookmark
    raise Refused("not_found")


@method("bookmarks.edit", "bookmark_id", "channel_id", scope="bookmarks:write")
def edit_bookmark(asking: Asking) -> dict[str, Any]:
    _, bookmark = _bookmark(asking)
    bookmark.update(_checked(asking, required=False), date_updated=asking.workspace.now())
    return {"bookmark": bookmark}


@method("bookmarks.remove", "bookmark_id", "channel_id", scope="bookmarks:write")
def remove_bookmark(asking: Asking) -> dict[str, Any]:
    bookmarks, bookmark = _bookmark(asking)
    bookmarks.remove(bookmark)
    return {}


@method("bookmarks.list", "channel_id", scope="bookmarks:read")
def list_bookmarks(asking: Asking) -> dict[str, Any]:
    return {"bookmarks": asking.channel(member=True, name="channel_id").bookmarks}
