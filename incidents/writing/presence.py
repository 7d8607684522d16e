"""Who is where in a text. A browser says where its cursor is; who it is, the server says."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

from incidents.writing.protocol import Presence

COLOURS = 6
# As the awareness protocol has it: who was not heard for so long is gone.
FORGET_AFTER = 30.0
LARGEST_CURSOR = 600
ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Who:
    """`socket` tells apart two tabs of one person."""

    socket: str
    user_id: int
    name: str
    initials: str

    @property
    def shown(self) -> dict[str, Any]:
        return {"id": self.user_id, "name": self.name, "initials": self.initials, "colour": self.user_id % COLOURS + 1}


class Present:
    """What every client of a document last said. A socket speaks for one client, the first that it names: browsers
    pass on what they hear of others.
    """

    def __init__(self) -> None:
        self._client_of: dict[str, int] = {}
        self._known: dict[int, tuple[str, Presence, float]] = {}

    def said(self, who: Who, rows: list[Presence]) -> list[Presence]:
        """What a socket may say, with its true name; what others' clients are said to do is left out."""
        own = self._client_of.setdefault(who.socket, rows[0].client) if rows else 0
        mine = (self._taken(who.socket, row, who.shown) for row in rows if row.client == own)
        return [row for row in mine if row is not None]

    def elsewhere(self, told: str) -> list[Presence]:
        """What another process tells; raises ValueError for what is none."""
        found = json.loads(base64.b64decode(told))
        rows = [Presence(int(client), int(clock), state) for client, clock, state in found]
        return [row for row in (self._taken(ELSEWHERE, row, None) for row in rows) if row is not None]

    def everybody(self) -> list[Presence]:
        self._tidy()
        return [row for _, row, _ in self._known.values() if row.state is not None]

    def forget(self, who: Who) -> list[Presence]:
        """The farewells of a socket's clients."""
        self._client_of.pop(who.socket, None)
        mine = [row for socket, row, _ in self._known.values() if socket == who.socket]
        for row in mine:
            del self._known[row.client]
        return [Presence(row.client, row.clock + 1, None) for row in mine if row.state is not None]

    def _taken(self, socket: str, row: Presence, shown: dict[str, Any] | None) -> Presence | None:
        known = self._known.get(row.client)
        if known is not None and known[1].state is not None:
            # Who comes back through this process is no longer where another one last saw them.
            taken_over = known[0] == ELSEWHERE and socket != ELSEWHERE
            if (known[0] != socket and not taken_over) or (known[0] == socket and known[1].clock > row.clock):
                return None
        if known is None and len(self._known) > 500:
            self._tidy()
        state = row.state
        if state is not None and shown is not None:
            state = {"user": shown, "cursor": _cursor(state)}
        row = Presence(row.client, row.clock, state)
        self._known[row.client] = (socket, row, time.monotonic())
        return row

    def _tidy(self) -> None:
        old = time.monotonic() - FORGET_AFTER
        for client in [client for client, (_, _, at) in self._known.items() if at < old]:
            del self._known[client]


def packed(rows: list[Presence]) -> str:
    """For other processes."""
    told = json.dumps([[row.client, row.clock, row.state] for row in rows], separators=(",", ":"))
    return base64.b64encode(told.encode()).decode()


def _cursor(state: Any) -> Any:
    cursor = state.get("cursor") if isinstance(state, dict) else None
    return cursor if isinstance(cursor, dict) and len(json.dumps(cursor)) <= LARGEST_CURSOR else None
