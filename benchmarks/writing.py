"""Writing together: a keystroke's way to the other editor beside a bare echo, many editors beside a bare relay, and
opening a text with a long past beside opening it fresh. One server process, real sockets, real PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pycrdt import Doc, Text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from accounts.models import Role, User
from benchmarks.measure import Figure, figure
from incidents.actions.incident import declare_incident
from incidents.actions.postmortem import open_postmortem
from incidents.models import Incident, PostMortem, Severity, SharedUpdate
from incidents.writing import documents, protocol
from tests import running
from tests.incidents.writing.editors import Editor, Session, session_of

NOW = datetime(2026, 11, 21, 6, 20, tzinfo=UTC)
KEYS, WARM = 400, 40
EDITORS, DOCUMENTS, SECONDS, PER_SECOND = 50, 10, 10, 1.9
PAST, SIZE, OPENINGS = 10_000, 50_000, 15


def figures() -> list[Figure]:
    person = User.objects.create(username="writer", email="writer@example.org", name="Wren", role=Role.RESPONDER)
    session = session_of(person)
    rows = [_postmortem(person, number) for number in range(DOCUMENTS + 2)]
    old, fresh = rows[-2:]
    _long_past(old, person)
    documents.rewrite(
        postmortem_id=fresh.pk, body=PostMortem.objects.get(pk=old.pk).body, by=person, via="api", now=NOW
    )
    environment = {**os.environ, "DATABASE_POOL": "8"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "web.log"
        with running.web(environment=environment, log=log, application="benchmarks.echo:application") as address:
            guids = [str(documents.open_document(row.pk, NOW).guid) for row in rows]
            rooms = [(row.incident.number, guid) for row, guid in zip(rows, guids, strict=True)]
            process = _server(address)
            return [
                *asyncio.run(_keystrokes(address, session, rooms[0])),
                *asyncio.run(_crowd(address, session, rooms[:DOCUMENTS], process)),
                asyncio.run(_openings(address, session, rooms[-2], rooms[-1])),
            ]


def _postmortem(person: User, number: int) -> PostMortem:
    incident: Incident = declare_incident(
        title=f"Written together {number}", severity=Severity.objects.get(rank=2), by=person, now=NOW
    )
    row = open_postmortem(incident=incident, by=person, now=NOW)
    return documents.rewrite(postmortem_id=row.pk, body="## Summary\n\n" + "word " * 400, by=person, via="api", now=NOW)


def _long_past(row: PostMortem, person: User) -> None:
    """Five people write words, here and there, and take some back, until the text has its size."""
    document = documents.open_document(row.pk, NOW)
    chance, updates = random.Random(7), []
    first = documents.load(document)
    writers = [_writer(str(document.guid), first.state()) for _ in range(5)]
    size = len(first.body)
    while len(updates) < PAST:
        doc, text = chance.choice(writers)
        at = chance.randrange(len(str(text)))
        for letter in chance.choice(["checkout ", "rolled back, ", "orders-db ", "latency rose. "]):
            before = doc.get_state()
            text.insert(at, letter)
            updates.append(doc.get_update(before))
            at += 1
            size += 1
            if size > SIZE and len(updates) % 7:
                before = doc.get_state()
                del text[at - 1 : at]
                updates.append(doc.get_update(before))
                at, size = at - 1, size - 1
        for other, _ in writers:
            if other is not doc:
                for update in updates[-20:]:
                    other.apply_update(update)
    for at in range(0, PAST, 190):
        some = updates[at : at + 190]
        SharedUpdate.objects.bulk_create(
            SharedUpdate(document=document, payload=update, author=person, created_at=NOW) for update in some
        )
        documents.current_text(row.pk, NOW)
    missing = SIZE - len(PostMortem.objects.get(pk=row.pk).body)
    body = PostMortem.objects.get(pk=row.pk).body + "x" * max(missing, 0)
    documents.rewrite(postmortem_id=row.pk, body=body, by=person, via="api", now=NOW)


def _writer(guid: str, state: bytes) -> tuple[Doc[Any], Text]:
    doc: Doc[Any] = Doc()
    text = doc.get(guid, type=Text)
    doc.apply_update(state)
    return doc, text


def _server(address: str) -> psutil.Process:
    port = int(address.rsplit(":", 1)[1])
    listening = (one for one in psutil.net_connections("inet") if one.status == psutil.CONN_LISTEN)
    return psutil.Process(next(one.pid for one in listening if one.laddr.port == port))


async def _open(address: str, session: Session, room: tuple[int, str]) -> Editor:
    editor = Editor(session, *room)
    await editor.open(address)
    await asyncio.wait_for(editor.synced.wait(), 20)
    return editor


async def _keystrokes(address: str, session: Session, room: tuple[int, str]) -> list[Figure]:
    """From the sender's send to the moment the other one has it, in turn with an echo of as many bytes."""
    ada, ben = await _open(address, session, room), await _open(address, session, room)
    url = address.replace("http", "ws", 1) + "/echo/"
    ways: list[list[float]] = [[], []]
    async with connect(url, additional_headers={"Cookie": session.header}, origin=address, proxy=None) as echo:
        for place in range(WARM + KEYS):
            for kept, way in zip(ways, (lambda: _key(ada, ben), lambda: _echo(echo)), strict=True):
                taken = await way()
                if place >= WARM:
                    kept.append(taken)
            await asyncio.sleep(0.01)
    for editor in (ada, ben):
        await editor.close()
    ours, bare = ([statistics.median(kept), statistics.quantiles(kept, n=20)[18]] for kept in ways)
    return [
        figure(f"keystroke to the other editor, {name} / echo", value=a * 1000, floor=b * 1000, unit="ms", aim=2.0)
        for name, a, b in zip(("p50", "p95"), ours, bare, strict=True)
    ]


async def _key(ada: Editor, ben: Editor) -> float:
    arrived = asyncio.Event()
    subscription = ben.doc.observe(lambda event: arrived.set())
    started = time.perf_counter()
    await ada.type(20, "k")
    await asyncio.wait_for(arrived.wait(), 10)
    taken = time.perf_counter() - started
    ben.doc.unobserve(subscription)
    return taken


async def _echo(socket: Any) -> float:
    started = time.perf_counter()
    await socket.send(protocol.sync(protocol.UPDATE, b"x" * 24))
    await socket.recv()
    return time.perf_counter() - started


async def _crowd(address: str, session: Session, rooms: list[tuple[int, str]], process: psutil.Process) -> list[Figure]:
    """CPU seconds of the server while 50 people type, and while a bare relay passes on as many messages."""
    idle = process.memory_info().rss / 2**20
    editors = [await _open(address, session, rooms[place % DOCUMENTS]) for place in range(EDITORS)]

    async def key(place: int) -> None:
        await editors[place].type(20, "k")

    ours = await _typed(key, process)
    memory = process.memory_info().rss / 2**20
    for editor in editors:
        await editor.stored_all()
        await editor.close()
    base = address.replace("http", "ws", 1)
    headers = {"Cookie": session.header}
    sockets = [
        await connect(f"{base}/relay/{n % DOCUMENTS}/", additional_headers=headers, origin=address, proxy=None)
        for n in range(EDITORS)
    ]
    readers = [asyncio.create_task(_drain(socket)) for socket in sockets]

    async def message(place: int) -> None:
        await sockets[place].send(protocol.sync(protocol.UPDATE, b"x" * 24))

    bare = await _typed(message, process)
    for socket, reader in zip(sockets, readers, strict=True):
        await socket.close()
        await reader
    share, floor = ours / SECONDS * 100, bare / SECONDS * 100
    return [
        figure(
            "50 editors, 10 texts, 95 keys/s: CPU of the server / bare relay",
            value=share,
            floor=floor,
            unit="% of a core",
            aim=8.0,
        ),
        figure("the same: memory of the server / idle", value=memory, floor=idle, unit="MiB", aim=1.5),
    ]


async def _drain(socket: Any) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def _typed(key: Callable[[int], Awaitable[None]], process: psutil.Process) -> float:
    chance = random.Random(3)

    async def person(place: int) -> None:
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            await asyncio.sleep(chance.expovariate(PER_SECOND))
            await key(place)

    before = process.cpu_times()
    await asyncio.gather(*(person(place) for place in range(EDITORS)))
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system)


async def _openings(address: str, session: Session, old: tuple[int, str], fresh: tuple[int, str]) -> Figure:
    taken: list[list[float]] = [[], []]
    for place in range(OPENINGS + 2):
        pairs = list(zip(taken, (old, fresh), strict=True))
        for kept, room in pairs if place % 2 else reversed(pairs):
            # Rooms are forgotten when nobody is in them: each opening reads the database.
            await asyncio.sleep(0.4)
            started = time.perf_counter()
            editor = await _open(address, session, room)
            seconds = time.perf_counter() - started
            assert len(editor.text()) >= SIZE
            await editor.close()
            if place >= 2:
                kept.append(seconds)
    ours, bare = (statistics.median(kept) * 1000 for kept in taken)
    return figure("opening 50 kB with 10,000 past updates / fresh", value=ours, floor=bare, unit="ms", aim=1.5)
