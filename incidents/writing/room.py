"""Who writes in which document on this process. A room holds one document while somebody has it open.

An update reaches the others in the room at once, the database in groups right after, and other processes from there.
Nothing is acknowledged before it is stored: while the database is away editing goes on, and all of it arrives later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

import psycopg
from django.utils import timezone
from pycrdt import merge_updates

from incidents.models.incident import TITLE_LIMIT
from incidents.models.postmortem import BODY_LIMIT
from incidents.writing import protocol
from incidents.writing.crdt import BadUpdate, SharedText
from incidents.writing.presence import Present, Who
from incidents.writing.store import AWAY, Appended, Gone, Store

log = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 0.25, 4.0
SETTLE_AFTER = 1.0
MOST_ASKS = 5_000
# In bytes, and with room for what is being typed; the row has the first TITLE_LIMIT characters.
LONGEST_TITLE = 8 * TITLE_LIMIT
# A text as it was seeded is a snapshot through update 0.
FROM_THE_START = -1
# While the database is away so much is kept; then the sockets are closed and browsers keep what they have.
LONGEST_QUEUE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """A document that somebody may write in."""

    postmortem_id: int
    document_id: int
    guid: str


Settle = Callable[[], Awaitable[int]]


class Member(Protocol):
    """A socket. `tell` must never wait for a slow one."""

    who: Who

    def tell(self, message: bytes) -> None: ...

    def leave(self, code: int) -> None: ...


@dataclass(slots=True)
class _Waiting:
    update: bytes
    author_id: int


@dataclass(slots=True)
class _Ask:
    member: Member
    kind: int
    number: int
    after: int


@dataclass(slots=True)
class _Tally:
    """Updates taken, stored and settled since the room was opened; bytes that wait; ids of rows written here."""

    taken: int = 0
    stored: int = 0
    settled: int = 0
    bytes: int = 0
    own: list[int] = field(default_factory=list)


class Room:
    def __init__(self, of: Opened, *, store: Store, settle: Settle) -> None:
        self.document_id, self.guid, self.postmortem_id = of.document_id, of.guid, of.postmortem_id
        self._store, self._settle = store, settle
        self._through = 0
        self._shared = SharedText(of.guid)
        # Every update is tried here first: what is no edit of this text never touches the other.
        self._probe = SharedText(of.guid)
        self._queue: list[_Waiting] = []
        self._asks: list[_Ask] = []
        self._tally = _Tally()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again = False
        self.members: set[Member] = set()
        self.present = Present()

    async def load(self) -> None:
        news = await self._store.since(self.document_id, FROM_THE_START)
        self._shared, self._through = SharedText(self.guid, news.updates), news.through
        self._probe = SharedText(self.guid, news.updates)

    @property
    def is_idle(self) -> bool:
        return not (self.members or self._queue or self._asks or self._tasks)

    def enter(self, member: Member) -> None:
        self.members.add(member)
        member.tell(protocol.sync(protocol.STEP1, self._shared.vector()))
        if everybody := self.present.everybody():
            member.tell(protocol.presences(everybody))

    def depart(self, member: Member) -> list[protocol.Presence]:
        """What the others, here and elsewhere, must be told."""
        self.members.discard(member)
        self._asks = [ask for ask in self._asks if ask.member is not member]
        gone = self.present.forget(member.who)
        if gone:
            self._tell(protocol.presences(gone))
        if not self.members and self._tally.settled < self._tally.stored:
            self._run("settle", self._settle_soon(0))
        return gone

    def missing(self, vector: bytes) -> bytes:
        return self._shared.missing(vector)

    def take(self, member: Member, update: bytes) -> None:
        """An edit of a member. Raises BadUpdate, and then the document is as if it had never come."""
        if update == b"\x00\x00":
            return
        try:
            self._probe.apply(update)
            if self._probe.size > BODY_LIMIT and len(self._probe.body) > BODY_LIMIT:
                raise BadUpdate(f"makes the text longer than {BODY_LIMIT:,} characters")
            if self._probe.title_size > LONGEST_TITLE:
                raise BadUpdate("makes the title far too long")
        except BadUpdate:
            self._probe = SharedText(self.guid, [self._shared.state()])
            raise
        self._shared.doc.apply_update(update)
        self._queue.append(_Waiting(update, member.who.user_id))
        self._tell(protocol.sync(protocol.UPDATE, update), but=member)
        self._tally.taken += 1
        self._tally.bytes += len(update)
        if self._tally.bytes > LONGEST_QUEUE:
            log.warning(
                "document %s: too much is waiting for the database; its editors are sent away", self.document_id
            )
            self.close(1013)
        self._run("flush", self._flush())

    def ask(self, member: Member, kind: int, number: int) -> None:
        """A barrier, or a wish to have the text settled: answered once all that came before it is."""
        if kind == protocol.BARRIER:
            # The newest says it of the earlier ones too.
            self._asks = [ask for ask in self._asks if ask.member is not member or ask.kind != kind]
        if len(self._asks) >= MOST_ASKS:
            member.leave(4529)
            return
        self._asks.append(_Ask(member, kind, number, self._tally.taken))
        self._answer()
        if kind == protocol.SETTLED:
            self._run("settle", self._settle_soon(0))

    def show(self, rows: list[protocol.Presence]) -> None:
        """Presences, of this process or of another one."""
        if rows:
            self._tell(protocol.presences(rows))

    def announce(self, what: str) -> None:
        self._tell(protocol.announcement(what))

    def hear(self, through: int) -> None:
        """Another process appended up to this id."""
        if through > self._through:
            self._again = True
            self._run("catch up", self._catch_up())

    def look_again(self) -> None:
        self._again = True
        self._run("catch up", self._catch_up())

    def close(self, code: int) -> None:
        for member in list(self.members):
            member.leave(code)

    def _tell(self, message: bytes, but: Member | None = None) -> None:
        for member in self.members:
            if member is not but:
                member.tell(message)

    def _run(self, name: str, work: Awaitable[None]) -> None:
        """One task of a name at a time."""
        if name in self._tasks:
            getattr(work, "close", lambda: None)()
            return
        task = asyncio.ensure_future(work)
        self._tasks[name] = task

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.pop(name, None)
            if not done.cancelled() and (problem := done.exception()) is not None:
                log.error("document %s: %s failed", self.document_id, name, exc_info=problem)
                self.close(1011)
            else:
                self._go_on()

        task.add_done_callback(ended)

    def _go_on(self) -> None:
        """What was asked for in the moment between the end of a task and the news of it."""
        if self._queue:
            self._run("flush", self._flush())
        if self._again:
            self._run("catch up", self._catch_up())
        if self._wanted() or self._tally.settled < self._tally.stored:
            self._run("settle", self._settle_soon(SETTLE_AFTER))

    async def _flush(self) -> None:
        wait = FIRST_WAIT
        while self._queue:
            batch = list(self._queue)
            rows: list[tuple[bytes, int | None]] = [
                (_merged([one.update for one in group]), author)
                for author, group in groupby(batch, key=lambda one: one.author_id)
            ]
            try:
                done = await self._append(rows)
            except Gone:
                self._queue.clear()
                self._asks.clear()
                self._tally.settled = self._tally.stored = self._tally.taken
                self.close(4404)
                return
            except Exception as problem:
                # Whatever it is: nobody is told that it is saved, and it is tried again.
                known = isinstance(problem, AWAY)
                log.warning("document %s: not stored yet", self.document_id, exc_info=None if known else problem)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
                continue
            wait = FIRST_WAIT
            self._stored(batch, done.previous, done.ids)

    async def _append(self, rows: list[tuple[bytes, int | None]]) -> Appended:
        try:
            return await self._store.append(self.document_id, rows, timezone.now())
        except psycopg.errors.ForeignKeyViolation:
            # A person was deleted while writing; the words stay.
            return await self._store.append(self.document_id, [(row, None) for row, _ in rows], timezone.now())

    def _stored(self, batch: list[_Waiting], previous: int, ids: tuple[int, ...]) -> None:
        del self._queue[: len(batch)]
        self._tally.stored += len(batch)
        self._tally.bytes -= sum(len(one.update) for one in batch)
        if previous == self._through:
            self._through = ids[-1]
        else:
            self._tally.own += ids
            self.look_again()
        self._answer()
        self._run("settle", self._settle_soon(SETTLE_AFTER))

    def _answer(self) -> None:
        """Barriers that everything before them has passed."""
        left = []
        for ask in self._asks:
            if ask.kind == protocol.BARRIER and ask.after <= self._tally.stored:
                ask.member.tell(protocol.numbers(protocol.BARRIER, ask.number))
            else:
                left.append(ask)
        self._asks = left

    async def _settle_soon(self, delay: float) -> None:
        """Take the text over into the post-mortem, and say which version that is."""
        until = asyncio.get_running_loop().time() + delay
        while asyncio.get_running_loop().time() < until and not self._wanted():
            await asyncio.sleep(0.02)
        wait = FIRST_WAIT
        while True:
            stored = self._tally.stored
            ready = [ask for ask in self._wanted() if ask.after <= stored]
            if self._wanted() and not ready:
                await asyncio.sleep(0.02)
                continue
            try:
                version = await self._settle()
            except AWAY as problem:
                log.warning("document %s: not settled yet (%s)", self.document_id, type(problem).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
                continue
            self._tally.settled = stored
            self._asks = [ask for ask in self._asks if ask not in ready]
            for ask in ready:
                ask.member.tell(protocol.numbers(protocol.SETTLED, ask.number, version))
            self._tell(protocol.numbers(protocol.SETTLED, 0, version))
            if not self._wanted() and self._tally.stored == stored:
                return
            await asyncio.sleep(0.02 if self._wanted() else SETTLE_AFTER)

    def _wanted(self) -> list[_Ask]:
        return [ask for ask in self._asks if ask.kind == protocol.SETTLED]

    async def _catch_up(self) -> None:
        wait = FIRST_WAIT
        while self._again:
            self._again = False
            own = list(self._tally.own)
            try:
                news = await self._store.since(self.document_id, self._through, own)
            except AWAY:
                self._again = True
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
                continue
            self._through = max(self._through, news.through)
            self._tally.own = [id_ for id_ in self._tally.own if id_ > self._through]
            for update in news.updates:
                for shared in (self._shared, self._probe):
                    shared.doc.apply_update(update)
                self._tell(protocol.sync(protocol.UPDATE, update))


def _merged(updates: list[bytes]) -> bytes:
    return updates[0] if len(updates) == 1 else merge_updates(*updates)
