"""Editors without a browser: they speak y-websocket's protocol over a real socket, as the page does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pycrdt import Decoder, Doc, Text, write_message, write_var_uint
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts.models import User
from incidents.writing import protocol


@dataclass
class Session:
    """Cookies of somebody who signed in, for any web process on the same database."""

    cookies: dict[str, str]

    @property
    def header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def session_of(person: User) -> Session:
    from django.test import Client

    client = Client()
    client.force_login(person)
    return Session({name: morsel.value for name, morsel in client.cookies.items()})


class Editor:
    """One open editor of a post-mortem. `text()` is what its person sees."""

    def __init__(self, session: Session, number: int, guid: str) -> None:
        self.session, self.number, self.guid = session, number, guid
        self.doc: Doc[Any] = Doc()
        self.body: Text = self.doc.get(guid, type=Text)
        self.title: Text = self.doc.get(f"{guid}:title", type=Text)
        self.socket: ClientConnection | None = None
        self.closed_with: int | None = None
        self.made, self.stored, self.version = 0, 0, 0
        self.announced: list[str] = []
        self.present: dict[int, Any] = {}
        self.synced = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._outbox: list[bytes] = []
        self._applying = False
        self._subscription = self.doc.observe(self._changed)

    def text(self) -> str:
        return str(self.body)

    def _changed(self, event: Any) -> None:
        if not self._applying:
            self.made += 1
            self._outbox.append(event.update)

    async def open(self, address: str) -> None:
        """`address` is that of a web process, http://…"""
        self.synced.clear()
        self.closed_with = None
        url = f"{address.replace('http', 'ws', 1)}/incidents/{self.number}/postmortem/socket/"
        headers = {"Cookie": self.session.header}
        self.socket = await connect(url, additional_headers=headers, origin=address, max_size=None, proxy=None)
        self._reader = asyncio.create_task(self._read(self.socket))
        await self.send(protocol.sync(protocol.STEP1, self.doc.get_state()))

    async def open_patiently(self, addresses: Iterable[str]) -> None:
        """At the first web process that answers, as a browser that keeps trying."""
        rounds = list(addresses)
        for attempt in range(200):
            with contextlib.suppress(OSError, InvalidStatus, ConnectionClosed, TimeoutError):
                await self.open(rounds[attempt % len(rounds)])
                await asyncio.wait_for(self.synced.wait(), 3)
                return
            await asyncio.sleep(0.1)
        raise AssertionError("no web process let the editor in")

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)
        self.socket = None

    def cut(self) -> None:
        """The line is gone without a word."""
        if self.socket is not None:
            self.socket.transport.abort()
        self.socket = None

    async def send(self, message: bytes) -> None:
        if self.socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self.socket.send(message)

    async def type(self, at: int, text: str, remove: int = 0) -> None:
        """At a character; the rest of the room gets it unless this editor is offline."""
        raw = str(self.body)
        start = len(raw[:at].encode())
        with self.doc.transaction():
            if remove:
                del self.body[start : start + len(raw[at : at + remove].encode())]
            if text:
                self.body.insert(start, text)
        await self.push()

    async def push(self) -> None:
        if self.socket is None or not self.synced.is_set():
            return
        waiting, self._outbox = self._outbox, []
        for update in waiting:
            await self.send(protocol.sync(protocol.UPDATE, update))
        await self.send(protocol.numbers(protocol.BARRIER, self.made))

    async def stored_all(self, seconds: float = 20) -> None:
        """Until the server says that everything typed here is in the database."""
        await self.send(protocol.numbers(protocol.BARRIER, self.made))
        async with asyncio.timeout(seconds):
            while self.stored < self.made:
                await asyncio.sleep(0.01)

    async def settled(self, seconds: float = 20) -> int:
        """The version of the post-mortem that holds all that was typed here."""
        self.version = 0
        await self.send(protocol.numbers(protocol.SETTLED, 7))
        async with asyncio.timeout(seconds):
            while not self.version:
                await asyncio.sleep(0.01)
        return self.version

    async def say_where(self, state: Any, *, clock: int = 1, client: int | None = None) -> None:
        row = protocol.Presence(client or self.doc.client_id, clock, state)
        await self.send(protocol.presences([row]))

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                if isinstance(message, bytes):
                    await self._heard(message)
        except ConnectionClosed:
            pass
        finally:
            self.closed_with = socket.close_code
            if self.socket is socket:
                self.socket = None

    async def _heard(self, raw: bytes) -> None:
        decoder = Decoder(raw)
        kind = decoder.read_var_uint()
        if kind == protocol.SYNC:
            step, data = decoder.read_var_uint(), decoder.read_message() or b""
            if step == protocol.STEP1:
                self._outbox.clear()
                await self.send(protocol.sync(protocol.STEP2, self.doc.get_update(data)))
                await self.send(protocol.numbers(protocol.BARRIER, self.made))
                return
            self._applying = True
            self.doc.apply_update(data)
            self._applying = False
            if step == protocol.STEP2:
                self.synced.set()
        elif kind == protocol.BARRIER:
            self.stored = max(self.stored, decoder.read_var_uint())
        elif kind == protocol.SETTLED:
            number, version = decoder.read_var_uint(), decoder.read_var_uint()
            if number:
                self.version = version
        elif kind == protocol.ANNOUNCE:
            self.announced.append((decoder.read_message() or b"").decode())
        elif kind == protocol.AWARENESS:
            for row in protocol.read_presences(decoder.read_message() or b""):
                self.present[row.client] = row.state


def raw_message(kind: int, data: bytes) -> bytes:
    return write_var_uint(kind) + write_message(data)


def as_json(value: Any) -> str:
    return json.dumps(value)
