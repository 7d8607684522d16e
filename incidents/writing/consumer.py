"""The socket of one open editor: y-websocket's protocol to the browser, a room to the rest.

Close codes that the browser knows: 4401 signed out, 4403 may not write here, 4404 gone, 4400 sent what is no edit of
this text; 4529 sent too much and may come back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.database import conninfo
from accounts.models import User
from accounts.permissions import can_respond
from incidents.models import Incident, PostMortem
from incidents.writing import documents, protocol
from incidents.writing.crdt import BadUpdate
from incidents.writing.presence import Who
from incidents.writing.room import Opened, Room
from incidents.writing.rooms import Rooms
from incidents.writing.store import AWAY, Store

CHECK_EVERY = 10.0
# A socket may send so much at once, and so much more each second.
BURST, PER_SECOND = 4 * 1024 * 1024, 256 * 1024
EACH_MESSAGE = 64
# A browser that takes nothing any more is let go; it comes back to what it missed.
LONGEST_BACKLOG = 2_000
_rooms: Rooms | None = None


def rooms() -> Rooms:
    global _rooms
    if _rooms is None:
        _rooms = Rooms(Store(conninfo(), process=secrets.token_hex(8)))
    return _rooms


class WritingConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    room: Room | None = None

    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        if isinstance(user, AnonymousUser):
            await self.close(4401)
            return
        number = self.scope["url_route"]["kwargs"]["number"]
        try:
            opened = await _open(user, number)
            if isinstance(opened, int):
                await self.close(opened)
                return
            self._prepare(user)
            self.room = await rooms().enter(self, opened, lambda: _settled(opened.postmortem_id))
        except AWAY:
            await self.close(1013)
            return
        self.tasks = [asyncio.create_task(self._deliver()), asyncio.create_task(self._check(number))]

    def _prepare(self, user: User) -> None:
        self.who = Who(secrets.token_hex(8), user.pk, user.display_name, user.initials)
        self.allowance, self.filled_at = float(BURST), time.monotonic()
        self.outbox: asyncio.Queue[bytes | int] = asyncio.Queue()
        self.leaving = self.has_answered = False

    async def disconnect(self, code: int) -> None:
        if self.room is None:
            return
        for task in self.tasks:
            task.cancel()
        rooms().spread(self.room, self.room.depart(self))
        asyncio.get_running_loop().create_task(rooms().vacate(self.room))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.room is None:
            return
        if not self._afford(len(bytes_data or b"")):
            await self.close(4529)
            return
        try:
            await self._act(self.room, protocol.read(bytes_data or b""))
        except (protocol.BadMessage, BadUpdate):
            await self.close(4400)

    async def _act(self, room: Room, message: protocol.Message) -> None:
        if message.kind == protocol.SYNC and message.step == protocol.STEP1:
            self.tell(protocol.sync(protocol.STEP2, room.missing(message.data)))
        elif message.kind == protocol.SYNC:
            # Before its answer to our step 1 a browser may send an edit that builds on what it has not sent yet; the
            # answer holds both.
            self.has_answered = self.has_answered or message.step == protocol.STEP2
            if self.has_answered:
                room.take(self, message.data)
        elif message.kind == protocol.AWARENESS:
            rows = room.present.said(self.who, protocol.read_presences(message.data))
            room.show(rows)
            rooms().spread(room, rows)
        else:
            room.ask(self, message.kind, message.number)

    def tell(self, message: bytes) -> None:
        if self.outbox.qsize() >= LONGEST_BACKLOG:
            self.leave(1013)
        elif not self.leaving:
            self.outbox.put_nowait(message)

    def leave(self, code: int) -> None:
        if not self.leaving:
            self.leaving = True
            self.outbox.put_nowait(code)

    async def _deliver(self) -> None:
        while True:
            message = await self.outbox.get()
            if isinstance(message, int):
                await self.close(message)
                return
            await self.send(bytes_data=message)

    async def _check(self, number: int) -> None:
        """Who signs out, loses the role or the sight of the incident writes no more; their browser keeps the text."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            session = self.scope["session"]
            try:
                user = await get_user({"session": type(session._wrapped)(session.session_key)})
                opened = 4401 if isinstance(user, AnonymousUser) else await _open(user, number)
            except AWAY:
                continue
            if isinstance(opened, int):
                self.leave(opened)
                return

    def _afford(self, size: int) -> bool:
        now = time.monotonic()
        refilled = min(BURST, self.allowance + (now - self.filled_at) * PER_SECOND)
        self.allowance = refilled - size - EACH_MESSAGE
        self.filled_at = now
        return self.allowance >= 0


def _open_now(user: User, number: int) -> Opened | int:
    """The document, or the code of a refusal."""
    if not can_respond(user):
        return 4403
    incident = Incident.objects.visible_to(user).filter(number=number).first()
    postmortem = PostMortem.objects.filter(incident=incident).first() if incident else None
    if postmortem is None:
        return 4404
    document = documents.open_document(postmortem.pk, timezone.now())
    return Opened(postmortem.pk, document.pk, str(document.guid))


async def _open(user: Any, number: int) -> Opened | int:
    found: Opened | int = await database_sync_to_async(_open_now)(user, number)
    return found


async def _settled(postmortem_id: int) -> int:
    settle = database_sync_to_async(documents.current_text, thread_sensitive=False)
    row: PostMortem = await settle(postmortem_id, timezone.now())
    return row.resource_version
