"""The register of Web API methods: what each needs, and how its arguments are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.workspace import Channel, Message, User, Workspace

if TYPE_CHECKING:
    from tests.stand_ins.slack.slack import SlackStandIn

AS_JSON = {"blocks", "view", "metadata", "attachments"}
MOST_PER_PAGE = 1000


@dataclass
class Asking:
    """One call: whose it is and what it says. `slack` is the stand-in itself, for events and addresses."""

    slack: SlackStandIn
    method: str
    arguments: dict[str, Any]

    @property
    def workspace(self) -> Workspace:
        return self.slack.workspace

    @property
    def bot(self) -> User:
        return self.workspace.bot

    def get(self, name: str, default: Any = None) -> Any:
        value = self.arguments.get(name)
        return default if value is None or value == "" else value

    def flag(self, name: str) -> bool:
        return str(self.arguments.get(name, "")).lower() in {"1", "true"}

    def ids(self, name: str) -> list[str]:
        value = self.get(name, [])
        return [one for one in (value.split(",") if isinstance(value, str) else value) if one]

    def need_scope(self, scope: str) -> None:
        if scope not in self.workspace.scopes:
            provided = ",".join(sorted(self.workspace.scopes))
            raise Refused("missing_scope", needed=scope, provided=provided)

    def channel(self, *, member: bool = False, living: bool = False, name: str = "channel") -> Channel:
        """The conversation named by the argument; one that the bot may not see does not exist."""
        channel = self.workspace.channels.get(self.get(name, ""))
        if channel is None or (channel.private and self.bot.id not in channel.members):
            raise Refused("channel_not_found")
        if living and channel.archived:
            raise Refused("is_archived")
        if member and self.bot.id not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def scope_for(self, channel: Channel, public: str, private: str) -> None:
        self.need_scope({"im": private.replace("groups", "im"), "mpim": private.replace("groups", "mpim")}.get(
            channel.kind, private if channel.private else public
        ))  # fmt: skip

    def message(self, channel: Channel, name: str = "ts") -> Message:
        found = channel.messages.get(str(self.get(name, "")))
        if found is None:
            raise Refused("message_not_found")
        return found


@dataclass(frozen=True)
class Method:
    name: str
    run: Callable[[Asking], dict[str, Any]]
    scope: str
    required: tuple[str, ...]
    takes_json: bool


METHODS: dict[str, Method] = {}


def method(
    name: str, *required: str, scope: str = "", takes_json: bool = True
) -> Callable[[Callable[[Asking], dict[str, Any]]], Callable[[Asking], dict[str, Any]]]:
    """Registers a function; `scope` is what every call of it needs, further ones it asks for itself."""

    def register(run: Callable[[Asking], dict[str, Any]]) -> Callable[[Asking], dict[str, Any]]:
        METHODS[name] = Method(name, run, scope, required, takes_json)
        return run

    return register


def perform(asking: Asking) -> dict[str, Any]:
    """The answer's fields beside `ok`; raises `Refused`."""
    found = METHODS.get(asking.method)
    if found is None:
        raise Refused("unknown_method", req_method=asking.method)
    if found.scope:
        asking.need_scope(found.scope)
    missing = [name for name in found.required if asking.get(name) is None]
    if missing:
        words = [f"[ERROR] missing required field: {name}" for name in missing]
        raise Refused("invalid_arguments", response_metadata={"messages": words})
    for name in AS_JSON & asking.arguments.keys():
        value = asking.arguments[name]
        if isinstance(value, str) and value:
            asking.arguments[name] = _parsed(name, value)
    return found.run(asking)


def _parsed(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        errors = {"blocks": "invalid_blocks_format", "metadata": "metadata_must_be_sent_as_json"}
        raise Refused(errors.get(name, "invalid_arguments")) from None


def page(asking: Asking, rows: list[Any], *, default: int = 100) -> tuple[list[Any], dict[str, Any]]:
    """Rows of this page, and `response_metadata` with the next cursor; a cursor is `next:<offset>`."""
    try:
        limit = int(asking.get("limit", default))
    except ValueError:
        raise Refused("invalid_limit") from None
    if not 0 < limit <= MOST_PER_PAGE:
        raise Refused("invalid_limit")
    cursor = str(asking.get("cursor", "next:0"))
    if not cursor.startswith("next:") or not cursor[5:].isdigit():
        raise Refused("invalid_cursor")
    start = int(cursor[5:])
    more = start + limit < len(rows)
    return rows[start : start + limit], {"response_metadata": {"next_cursor": f"next:{start + limit}" if more else ""}}
