"""People in their channels: they write, edit, delete, upload, pin, react, join, rename and archive."""

from __future__ import annotations

import uuid
from typing import Any

from tests.stand_ins.slack.occurrences import Occurrences
from tests.stand_ins.slack.rich_text import kept_text, rich_text
from tests.stand_ins.slack.shapes import shown_file, shown_message
from tests.stand_ins.slack.workspace import Channel, File, Message, NotPossible, User, UserGroup, Where, Who, Workspace

# Two by two pixels, red and white.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73000000124944415478da"
    "63b8e1ecfcffff7f06080500395508b760a1a3fd0000000049454e44ae426082"
)


class Talking:
    """Mixed into the stand-in; whatever Slack's window would refuse raises `NotPossible`."""

    workspace: Workspace
    occurred: Occurrences
    url: str

    def _after_acting(self) -> None: ...

    def person(self, name: str, real_name: str = "", **more: Any) -> User:
        """Somebody new: `email`, `display_name`, `tz`, `is_bot`, `deleted`."""
        with self.workspace.lock:
            return self.workspace.add_user(name, real_name, **more)

    def group(self, handle: str, name: str = "", users: list[Who] | None = None) -> UserGroup:
        with self.workspace.lock:
            ids = [self.workspace.find_user(who).id for who in users or []]
            return self.workspace.add_group(handle, name or handle.capitalize(), ids)

    def channel(
        self, name: str, members: list[Who] | None = None, *, private: bool = False, bot: bool = True
    ) -> Channel:
        """A channel that is there: quietly, without events. The bot is in it unless `bot` is false."""
        with self.workspace.lock:
            ids = [self.workspace.find_user(who).id for who in members or []]
            ids += [self.workspace.bot.id] if bot else []
            kind = "group" if private else "channel"
            return self.workspace.add_channel(name, kind=kind, creator=ids[0] if ids else "U0", members=ids)

    def file(
        self, name: str, content: bytes = PNG, mimetype: str = "image/png", *, size: int | None = None, by: Who = ""
    ) -> File:
        """A file to be uploaded with `say(files=[…])`; `mimetype` and `size` may lie about the content."""
        with self.workspace.lock:
            user = self.workspace.find_user(by).id if by else ""
            filetype = name.rpartition(".")[2] or "binary"
            told = len(content) if size is None else size
            return self.workspace.add_file(name, content, mimetype=mimetype, filetype=filetype, size=told, user=user)

    def _place(self, who: Who, where: Where, *, living: bool = True) -> tuple[User, Channel]:
        user, channel = self.workspace.find_user(who), self.workspace.find_channel(where)
        if user.id not in channel.members:
            raise NotPossible(f"{user.name} is not in #{channel.name}; slack.join({user.name!r}, …) first")
        if living and channel.archived:
            raise NotPossible(f"#{channel.name} is archived")
        return user, channel

    def _message(self, channel: Channel, ts: str | Message) -> Message:
        wanted = ts if isinstance(ts, str) else ts["ts"]
        if wanted not in channel.messages:
            raise NotPossible(f"#{channel.name} has no message {wanted}")
        return channel.messages[wanted]

    def say(
        self,
        who: Who,
        where: Where,
        text: str,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        blocks: list[dict[str, Any]] | None = None,
        files: list[File] | None = None,
        raw: bool = False,
    ) -> Message:
        """What was said, as it stands in the channel (its `ts` names it). `text` is as typed, with Slack's marks;
        <@U…>, <#C…>, <!subteam^S…> and <https://…|words> are mentions and links, other brackets are escaped.
        `raw` text is kept as it is given; `blocks` replace the rich_text block made of it."""
        with self.workspace.lock:
            user, channel = self._place(who, where)
            kept = text if raw else kept_text(text)
            ts = self.workspace.next_ts()
            message: Message = {
                "client_msg_id": str(uuid.UUID(int=int(ts.replace(".", "")))),
                "type": "message",
                "text": kept,
                "user": user.id,
                "ts": ts,
                "team": self.workspace.team_id,
            }
            if kept or blocks:
                message["blocks"] = blocks or [rich_text(kept, f"r{self.workspace.number('block'):04x}")]
            self._into_thread(channel, message, thread_ts, broadcast)
            self._attach(channel, message, user, files or [])
            channel.messages[ts] = message
            self.occurred.said(channel, message)
        self._after_acting()
        return message

    def _into_thread(self, channel: Channel, message: Message, thread_ts: str | None, broadcast: bool) -> None:
        if thread_ts is None:
            return
        root = self._message(channel, thread_ts)
        message["thread_ts"] = root.get("thread_ts", root["ts"])
        if broadcast:
            message |= {"subtype": "thread_broadcast", "root": shown_message(channel, root)}

    def _attach(self, channel: Channel, message: Message, user: User, files: list[File]) -> None:
        for file in files:
            file.user = file.user or user.id
            file.channels.append(channel.id)
        if files:
            shown = [shown_file(self.workspace, file, self.url) for file in files]
            message |= {"subtype": "file_share", "files": shown, "upload": True, "display_as_bot": False}

    def upload(self, who: Who, where: Where, file: File, text: str = "", **more: Any) -> Message:
        return self.say(who, where, text, files=[file], **more)

    def integration_says(self, where: Where, text: str, username: str = "alertmanager", **more: Any) -> Message:
        """A message of another app's incoming webhook: subtype bot_message, with no user."""
        with self.workspace.lock:
            channel, ts = self.workspace.find_channel(where), self.workspace.next_ts()
            said = {"type": "message", "subtype": "bot_message", "text": text, "ts": ts, "username": username}
            message: Message = {**said, "bot_id": "B0OTHERAPP", **more}
            channel.messages[ts] = message
            self.occurred.said(channel, message)
        self._after_acting()
        return message

    def mention(self, who: Who, where: Where, text: str, **more: Any) -> Message:
        """Writes to the bot by name."""
        return self.say(who, where, f"<@{self.workspace.bot.id}> {text}", **more)

    def edit(self, who: Who, where: Where, ts: str | Message, text: str, *, raw: bool = False) -> Message:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            message = self._message(channel, ts)
            if message.get("user") != user.id:
                raise NotPossible(f"{user.name} did not write this message")
            before = shown_message(channel, message)
            kept = text if raw else kept_text(text)
            message["text"] = kept
            message["blocks"] = [rich_text(kept, f"r{self.workspace.number('block'):04x}")]
            message["edited"] = {"user": user.id, "ts": f"{self.workspace.now()}.000000"}
            self.occurred.edited(channel, before, message)
        self._after_acting()
        return message

    def delete(self, who: Who, where: Where, ts: str | Message) -> None:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            message = self._message(channel, ts)
            if message.get("user") != user.id:
                raise NotPossible(f"{user.name} did not write this message")
            before = shown_message(channel, message)
            del channel.messages[message["ts"]]
            channel.pins.pop(message["ts"], None)
            self.occurred.deleted(channel, before)
        self._after_acting()

    def pin(self, who: Who, where: Where, ts: str | Message) -> None:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            message = self._message(channel, ts)
            if message["ts"] in channel.pins:
                raise NotPossible("the message is pinned already")
            self.occurred.pinned(channel, message, user)
        self._after_acting()

    def unpin(self, who: Who, where: Where, ts: str | Message) -> None:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            message = self._message(channel, ts)
            if message["ts"] not in channel.pins:
                raise NotPossible("the message is not pinned")
            self.occurred.unpinned(channel, message, user)
        self._after_acting()

    def react(self, who: Who, where: Where, ts: str | Message, name: str) -> None:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            message = self._message(channel, ts)
            if [name, user.id] in message.get("reactions", []):
                raise NotPossible(f"{user.name} reacted with :{name}: already")
            self.occurred.reacted(channel, message, user, name)
        self._after_acting()

    def unreact(self, who: Who, where: Where, ts: str | Message, name: str) -> None:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            message = self._message(channel, ts)
            if [name, user.id] not in message.get("reactions", []):
                raise NotPossible(f"{user.name} did not react with :{name}:")
            self.occurred.unreacted(channel, message, user, name)
        self._after_acting()

    def join(self, who: Who, where: Where, *, invited_by: Who | None = None) -> None:
        with self.workspace.lock:
            user, channel = self.workspace.find_user(who), self.workspace.find_channel(where)
            inviter = self.workspace.find_user(invited_by) if invited_by else None
            if user.id in channel.members:
                raise NotPossible(f"{user.name} is in #{channel.name} already")
            if channel.private and inviter is None:
                raise NotPossible(f"#{channel.name} is private; somebody in it must invite (invited_by=…)")
            self.occurred.joined(channel, user, inviter=inviter)
        self._after_acting()

    def rename(self, who: Who, where: Where, name: str) -> None:
        with self.workspace.lock:
            _, channel = self._place(who, where)
            self.occurred.renamed(channel, name)
        self._after_acting()

    def archive(self, who: Who, where: Where) -> None:
        with self.workspace.lock:
            user, channel = self._place(who, where)
            self.occurred.archived(channel, user)
        self._after_acting()

    def open_home(self, who: Who, tab: str = "home") -> None:
        with self.workspace.lock:
            self.occurred.home_opened(self.workspace.find_user(who), tab)
        self._after_acting()
