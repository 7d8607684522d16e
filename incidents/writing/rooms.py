"""All rooms of this process, and the line on which it hears of other processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from incidents.writing import protocol
from incidents.writing.presence import packed
from incidents.writing.room import FIRST_WAIT, LONGEST_WAIT, Member, Opened, Room, Settle
from incidents.writing.store import AWAY, Store

log = logging.getLogger(__name__)
SPREAD_EVERY = 0.06
SPREAD_AT_ONCE = 20


class Rooms:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._rooms: dict[int, Room] = {}
        self._opening: dict[int, asyncio.Lock] = {}
        self._listening: asyncio.Task[None] | None = None
        self._spreading: asyncio.Task[None] | None = None
        self._unspread: dict[int, dict[int, protocol.Presence]] = {}

    async def enter(self, member: Member, of: Opened, settle: Settle) -> Room:
        """The room of this document, loaded, with the member in it. Raises one of AWAY."""
        if self._listening is None or self._listening.done():
            await self.store.open()
            self._listening = asyncio.create_task(self._listen())
        async with self._opening.setdefault(of.document_id, asyncio.Lock()):
            room = self._rooms.get(of.document_id)
            if room is None:
                room = Room(of, store=self.store, settle=settle)
                await room.load()
                self._rooms[of.document_id] = room
                # What was said of it between loading and here.
                room.look_again()
            # Before anybody else runs: a room without members may be forgotten.
            room.enter(member)
            return room

    async def vacate(self, room: Room) -> None:
        """Forget a room in which nobody is and nothing waits."""
        while not room.members:
            if room.is_idle:
                if self._rooms.get(room.document_id) is room:
                    del self._rooms[room.document_id]
                return
            await asyncio.sleep(0.2)

    def spread(self, room: Room, rows: list[protocol.Presence]) -> None:
        """Tell other processes who is where: at most every SPREAD_EVERY seconds, the last word of each client."""
        if not rows:
            return
        self._unspread.setdefault(room.document_id, {}).update({row.client: row for row in rows})
        if self._spreading is None or self._spreading.done():
            self._spreading = asyncio.create_task(self._spread())

    async def _spread(self) -> None:
        while self._unspread:
            await asyncio.sleep(SPREAD_EVERY)
            told, self._unspread = self._unspread, {}
            for document_id, by_client in told.items():
                rows = list(by_client.values())
                for at in range(0, len(rows), SPREAD_AT_ONCE):
                    # Who is where is said again every few seconds; a message that is lost is not missed.
                    with contextlib.suppress(*AWAY):
                        some = packed(rows[at : at + SPREAD_AT_ONCE])
                        await self.store.tell({"document": document_id, "present": some})

    async def _listen(self) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                async for message in self.store.hear():
                    wait = FIRST_WAIT
                    self._heard(message)
            except AWAY as problem:
                log.warning("the line to other processes is down (%s)", type(problem).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _heard(self, message: dict[str, object] | None) -> None:
        if message is None:
            # Whatever was said while nobody listened.
            for room in self._rooms.values():
                room.look_again()
            return
        found = self._rooms.get(int(str(message.get("document") or 0)))
        if "announce" in message:
            for one in self._rooms.values():
                if one.postmortem_id == message.get("postmortem"):
                    one.announce(str(message["announce"]))
        elif found is not None and "through" in message:
            found.hear(int(str(message["through"])))
        elif found is not None and "present" in message:
            with contextlib.suppress(ValueError, TypeError):
                found.show(found.present.elsewhere(str(message["present"])))
