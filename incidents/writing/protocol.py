"""What goes over the socket: y-websocket's messages, and two of Debrief's own.

0 sync (0 step 1: a state vector, 1 step 2: an update, 2 an update), 1 awareness; from here on ours:
4 barrier (a number; comes back once all that the sender sent before it is stored),
5 settled (from the client: a number; comes back with the version that holds all of it; from the server also 0),
6 announce (a word: what else of the post-mortem changed).
https://github.com/yjs/y-protocols/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pycrdt import Decoder, write_message, write_var_uint

SYNC, AWARENESS, BARRIER, SETTLED, ANNOUNCE = 0, 1, 4, 5, 6
STEP1, STEP2, UPDATE = 0, 1, 2
PRESENCE_LIMIT = 4_000


class BadMessage(Exception):
    """Bytes that are no message of this protocol."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Message:
    """`kind` as above, `step` for sync; `data` the vector, update or presence; `number` of a barrier."""

    kind: int
    step: int = 0
    data: bytes = b""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """One client's state as awareness tells it; None when the client has gone."""

    client: int
    clock: int
    state: Any


def read(raw: bytes) -> Message:
    """Raises BadMessage."""
    try:
        decoder = Decoder(raw)
        kind = decoder.read_var_uint()
        if kind == SYNC:
            step, data = decoder.read_var_uint(), decoder.read_message()
            if step in {STEP1, STEP2, UPDATE} and data is not None:
                return Message(SYNC, step, data)
        elif kind == AWARENESS:
            data = decoder.read_message()
            if data is not None:
                return Message(AWARENESS, data=data)
        elif kind in {BARRIER, SETTLED}:
            return Message(kind, number=decoder.read_var_uint())
    except Exception as problem:
        raise BadMessage("cannot be read") from problem
    raise BadMessage("of an unknown kind")


def read_presences(data: bytes) -> list[Presence]:
    """Raises BadMessage."""
    if len(data) > PRESENCE_LIMIT:
        raise BadMessage("says too much of who is present")
    try:
        decoder, found = Decoder(data), []
        for _ in range(decoder.read_var_uint()):
            client, clock = decoder.read_var_uint(), decoder.read_var_uint()
            state = json.loads(decoder.read_var_string(), parse_constant=_no_number)
            found.append(Presence(client, clock, state))
        return found
    except Exception as problem:
        raise BadMessage("tells no presence") from problem


def _no_number(word: str) -> None:
    """NaN and Infinity are JSON to Python alone; a browser would drop the whole message."""
    raise ValueError(word)


def presences(rows: Iterable[Presence]) -> bytes:
    """The message that tells them."""
    rows = list(rows)
    parts = [write_var_uint(len(rows))]
    for row in rows:
        state = json.dumps(row.state, separators=(",", ":")).encode()
        parts += [write_var_uint(row.client), write_var_uint(row.clock), write_message(state)]
    return write_var_uint(AWARENESS) + write_message(b"".join(parts))


def sync(step: int, data: bytes) -> bytes:
    return bytes([SYNC, step]) + write_message(data)


def numbers(kind: int, *values: int) -> bytes:
    return write_var_uint(kind) + b"".join(write_var_uint(value) for value in values)


def announcement(what: str) -> bytes:
    return write_var_uint(ANNOUNCE) + write_message(what.encode())
