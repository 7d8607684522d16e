"""What happens in the workspace, done to its state and told as an event to the app if it may hear of it."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.slack.outbox import Outbox
from tests.stand_ins.slack.shapes import permalink, shown_message
from tests.stand_ins.slack.workspace import Channel, Message, User, Workspace

SUBSCRIBED = frozenset(
    [
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "reaction_added",
        "reaction_removed",
        "pin_added",
        "pin_removed",
        "channel_rename",
        "channel_archive",
        "member_joined_channel",
    ]
)
NEEDED = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "pin_added": "pins:read",
    "pin_removed": "pins:read",
    "channel_rename": "channels:read",
    "channel_archive": "channels:read",
    "channel_unarchive": "channels:read",
    "group_rename": "groups:read",
    "group_archive": "groups:read",
    "group_unarchive": "groups:read",
}
MESSAGE_KINDS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
LETTERS = {"channel": "C", "group": "G", "im": "D", "mpim": "G"}


class Occurrences:
    """`subscribed` are the event types that the app asked for in its manifest."""

    def __init__(self, workspace: Workspace, outbox: Outbox) -> None:
        self.workspace = workspace
        self.outbox = outbox
        self.subscribed = set(SUBSCRIBED)

    def said(self, channel: Channel, message: Message) -> None:
        """`message` stands in the channel already."""
        told = {name: value for name, value in message.items() if name not in {"reactions", "metadata"}}
        if message.get("thread_ts", message["ts"]) != message["ts"]:
            root = channel.messages.get(message["thread_ts"], {})
            told["parent_user_id"] = root.get("user", "")
        self._tell_message(channel, told | {"event_ts": message["ts"]})
        if f"<@{self.workspace.bot.id}>" in message.get("text", "") and message.get("user") != self.workspace.bot.id:
            mention = {name: told[name] for name in told if name not in {"subtype", "parent_user_id"}}
            self._tell(
                channel,
                "app_mention",
                mention | {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]},
            )

    def edited(self, channel: Channel, before: Message, message: Message) -> None:
        """`before` is a copy of what it was; `message` stands in the channel as it is now."""
        ts = self.workspace.next_ts()
        told = {
            "type": "message",
            "subtype": "message_changed",
            "message": {**shown_message(channel, message), "source_team": self.workspace.team_id},
            "previous_message": before,
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
        }
        self._tell_message(channel, told)

    def deleted(self, channel: Channel, before: Message) -> None:
        ts = self.workspace.next_ts()
        told = {
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": before,
            "hidden": True,
            "deleted_ts": before["ts"],
            "ts": ts,
            "event_ts": ts,
        }
        self._tell_message(channel, told)

    def pinned(self, channel: Channel, message: Message, by: User) -> None:
        channel.pins[message["ts"]] = (by.id, self.workspace.now())
        self._tell_pin("pin_added", channel, message, by)

    def unpinned(self, channel: Channel, message: Message, by: User) -> None:
        self._tell_pin("pin_removed", channel, message, by, after={"has_pins": len(channel.pins) > 1})
        del channel.pins[message["ts"]]

    def _tell_pin(
        self, kind: str, channel: Channel, message: Message, by: User, after: dict[str, Any] | None = None
    ) -> None:
        pinned_by, at = channel.pins[message["ts"]]
        shown = shown_message(channel, message)
        shown["permalink"] = permalink(self.workspace, channel, message)
        item = {"type": "message", "created": at, "created_by": pinned_by, "channel": channel.id, "message": shown}
        told = {
            "type": kind,
            "user": by.id,
            "channel_id": channel.id,
            "item": item,
            "item_user": message.get("user", ""),
            "pin_count": len(channel.pins),
            "pinned_info": {"channel": channel.id, "pinned_by": pinned_by, "pinned_ts": at},
            "event_ts": self.workspace.next_ts(),
        }
        self._tell(channel, kind, told | (after or {}))

    def reacted(self, channel: Channel, message: Message, by: User, name: str) -> None:
        message.setdefault("reactions", []).append([name, by.id])
        self._tell_reaction("reaction_added", channel, message, by, name)

    def unreacted(self, channel: Channel, message: Message, by: User, name: str) -> None:
        message["reactions"].remove([name, by.id])
        self._tell_reaction("reaction_removed", channel, message, by, name)

    def _tell_reaction(self, kind: str, channel: Channel, message: Message, by: User, name: str) -> None:
        told = {
            "type": kind,
            "user": by.id,
            "reaction": name,
            "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
            "item_user": message.get("user", ""),
            "event_ts": self.workspace.next_ts(),
        }
        self._tell(channel, kind, told)

    def joined(self, channel: Channel, user: User, *, inviter: User | None) -> None:
        channel.members.append(user.id)
        told: dict[str, Any] = {
            "type": "member_joined_channel",
            "user": user.id,
            "channel": channel.id,
            "channel_type": LETTERS[channel.kind],
            "team": self.workspace.team_id,
            "event_ts": self.workspace.next_ts(),
        }
        if inviter is not None:
            told["inviter"] = inviter.id
        self._tell(channel, "member_joined_channel", told)

    def renamed(self, channel: Channel, name: str) -> None:
        channel.previous_names.append(channel.name)
        channel.name = name
        told = {
            "id": channel.id,
            "name": name,
            "created": channel.created,
            "is_channel": channel.kind == "channel",
            "is_mpim": False,
            "name_normalized": name,
        }
        kind = f"{channel.kind}_rename"
        self._tell(channel, kind, {"type": kind, "channel": told, "event_ts": self.workspace.next_ts()})

    def archived(self, channel: Channel, by: User) -> None:
        channel.archived = True
        kind = f"{channel.kind}_archive"
        told = {
            "type": kind,
            "channel": channel.id,
            "user": by.id,
            "is_moved": 0,
            "event_ts": self.workspace.next_ts(),
        }
        self._tell(channel, kind, told)

    def home_opened(self, user: User, tab: str) -> None:
        told = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": self.workspace.direct(user.id).id,
            "tab": tab,
            "event_ts": self.workspace.next_ts(),
        }
        if user.id in self.workspace.homes:
            told["view"] = self.workspace.homes[user.id]
        self._tell(self.workspace.direct(user.id), "app_home_opened", told)

    def tokens_revoked(self) -> None:
        self.workspace.revoked = True
        told = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.workspace.bot.id]}}
        self.outbox.put(self.wrapped(told | {"event_ts": self.workspace.next_ts()}))

    def _tell_message(self, channel: Channel, event: dict[str, Any]) -> None:
        where = {"channel": channel.id, "channel_type": channel.kind}
        self._tell(channel, MESSAGE_KINDS[channel.kind], event | where)

    def _tell(self, channel: Channel, kind: str, event: dict[str, Any]) -> None:
        needed = NEEDED.get(kind)
        allowed = needed is None or needed in self.workspace.scopes
        if kind in self.subscribed and allowed and self.workspace.bot.id in channel.members:
            self.outbox.put(self.wrapped(event))

    def wrapped(self, event: dict[str, Any]) -> dict[str, Any]:
        """The outer envelope, the same for every event."""
        workspace = self.workspace
        channel = event.get("channel") or event.get("channel_id") or ""
        return {
            "token": workspace.verification_token,
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": None,
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": workspace.new_id("Ev"),
            "event_time": int(float(event["event_ts"])),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team_id,
                    "user_id": workspace.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event['type']}-{workspace.team_id}-{channel if isinstance(channel, str) else ''}",
        }
