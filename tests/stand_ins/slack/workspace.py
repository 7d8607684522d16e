"""What a workspace holds: people, groups, channels, messages, files, modals. Pure state, one lock."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

BOT_SCOPES = frozenset(
    [
        "app_mentions:read",
        "bookmarks:write",
        "channels:history",
        "channels:join",
        "channels:manage",
        "channels:read",
        "chat:write",
        "chat:write.public",
        "commands",
        "files:read",
        "groups:history",
        "groups:read",
        "groups:write",
        "im:write",
        "pins:read",
        "pins:write",
        "reactions:read",
        "reactions:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
    ]
)

Message = dict[str, Any]
View = dict[str, Any]


class NotPossible(Exception):
    """What Slack's own window would not let a person do; the words say why."""


@dataclass
class User:
    id: str
    name: str
    real_name: str
    email: str = ""
    display_name: str = ""
    tz: str = "Europe/Berlin"
    is_bot: bool = False
    deleted: bool = False


@dataclass
class UserGroup:
    id: str
    handle: str
    name: str
    users: list[str]
    deleted: bool = False


@dataclass
class File:
    """`size` and `mimetype` are what Slack says of it; the content may be something else."""

    id: str
    name: str
    content: bytes
    mimetype: str
    filetype: str
    size: int
    user: str
    created: int
    channels: list[str] = field(default_factory=list)
    deleted: bool = False


@dataclass
class Channel:
    """A conversation of any kind; `kind` is channel, group (private), im or mpim. Messages are by their ts."""

    id: str
    name: str
    kind: str
    creator: str
    created: int
    members: list[str]
    topic: str = ""
    purpose: str = ""
    archived: bool = False
    previous_names: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    pins: dict[str, tuple[str, int]] = field(default_factory=dict)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def private(self) -> bool:
        return self.kind != "channel"

    def replies(self, ts: str) -> list[Message]:
        return [one for one in self.messages.values() if one.get("thread_ts") == ts and one["ts"] != ts]

    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages.values()]


@dataclass
class Trigger:
    """A trigger_id: good for one view, for a few seconds."""

    user: str
    issued_at: float
    exchanged: bool = False


@dataclass
class ResponseAddress:
    """A response_url and what came to it."""

    id: str
    user: str
    channel: str
    ts: str
    issued_at: float
    received: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Ephemeral:
    """A message that one person sees; it leaves no trace in the history."""

    user: str
    channel: str
    ts: str
    message: Message


Who = User | str
Where = Channel | str


class Workspace:
    """Everything under one lock, `.lock`; whoever reads or writes more than one thing holds it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock: Callable[[], float] = time.time
        self.team_id, self.domain, self.app_id, self.bot_id = "T0STANDIN", "stand-in", "A0STANDIN", "B0STANDIN"
        self.scopes = set(BOT_SCOPES)
        self.bot_token, self.app_token = "xoxb-stand-in-5f2a", "xapp-1-stand-in-77c1"
        self.signing_secret, self.verification_token = "8f742231b10e8888abcd99yyyzzz85a5", "stand-in-verification"
        self.revoked = False
        self.users: dict[str, User] = {}
        self.groups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = defaultdict(list)
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.addresses: dict[str, ResponseAddress] = {}
        self.ephemerals: list[Ephemeral] = []
        self._numbers: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        self._last_tick = 0
        self.bot = self.add_user("debrief", "Debrief", is_bot=True)

    def new_id(self, prefix: str) -> str:
        """Upper-case letters and digits behind the kind's letter, as Slack's ids are."""
        with self.lock:
            return f"{prefix}0{next(self._numbers[prefix]):08X}"

    def number(self, what: str) -> int:
        with self.lock:
            return next(self._numbers[what])

    def next_ts(self) -> str:
        """The next moment as Slack writes it: seconds and six digits, never twice the same."""
        with self.lock:
            self._last_tick = max(int(self.clock() * 1_000_000), self._last_tick + 100)
            return f"{self._last_tick // 1_000_000}.{self._last_tick % 1_000_000:06d}"

    def now(self) -> int:
        return int(self.clock())

    def add_user(self, name: str, real_name: str = "", **more: Any) -> User:
        user = User(self.new_id("U"), name, real_name or name.capitalize(), **more)
        self.users[user.id] = user
        return user

    def add_group(self, handle: str, name: str, users: list[str]) -> UserGroup:
        group = UserGroup(self.new_id("S"), handle, name, users)
        self.groups[group.id] = group
        return group

    def add_channel(self, name: str, *, kind: str, creator: str, members: list[str]) -> Channel:
        prefix = {"im": "D", "mpim": "G"}.get(kind, "C")
        channel = Channel(self.new_id(prefix), name, kind, creator, self.now(), list(dict.fromkeys(members)))
        self.channels[channel.id] = channel
        return channel

    def add_file(self, name: str, content: bytes, *, mimetype: str, filetype: str, size: int, user: str) -> File:
        file = File(self.new_id("F"), name, content, mimetype, filetype, size, user, self.now())
        self.files[file.id] = file
        return file

    def direct(self, *users: str) -> Channel:
        """The conversation of just these people and the bot, opened if it was not."""
        wanted = {self.bot.id, *users}
        for channel in self.channels.values():
            if channel.kind in {"im", "mpim"} and set(channel.members) == wanted:
                return channel
        kind = "im" if len(wanted) == 2 else "mpim"
        return self.add_channel("", kind=kind, creator=self.bot.id, members=sorted(wanted))

    def issue_trigger(self, user: str) -> str:
        with self.lock:
            trigger_id = f"{self.number('trigger')}.{self.now()}.{self.number('secret'):032x}"
            self.triggers[trigger_id] = Trigger(user, self.clock())
            return trigger_id

    def issue_address(self, user: str, channel: str, ts: str = "") -> ResponseAddress:
        with self.lock:
            address = ResponseAddress(f"R{self.number('address'):012d}", user, channel, ts, self.clock())
            self.addresses[address.id] = address
            return address

    def find_user(self, who: User | str) -> User:
        """By object, id or name."""
        if isinstance(who, User):
            return who
        for user in self.users.values():
            if who in {user.id, user.name}:
                return user
        raise KeyError(f"nobody in this workspace is {who!r}")

    def find_channel(self, which: Channel | str) -> Channel:
        """By object, id, or name with or without its #."""
        if isinstance(which, Channel):
            return which
        for channel in self.channels.values():
            if which == channel.id or which.removeprefix("#") == channel.name != "":
                return channel
        raise KeyError(f"no channel in this workspace is {which!r}")

    def modal(self, who: User | str) -> View | None:
        """The view on top of this person's window, if one is open."""
        stack = self.stacks[self.find_user(who).id]
        return self.views[stack[-1]] if stack else None
