"""The sockets' way to the database: appending updates, reading what other processes appended, and hearing of it.

Plain psycopg, on connections of its own: a keystroke must not wait for a page's query.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import django.db
import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from incidents.writing.documents import CHANNEL

# Everything that a database which is away for a while answers with.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    OSError,
    django.db.OperationalError,
    django.db.InterfaceError,
)
CONNECTIONS = 4
# NOTIFY takes less than 8,000 bytes.
LARGEST_NOTICE = 7_500
_LOCK = "SELECT snapshot_through FROM incidents_shareddocument WHERE id = %s FOR UPDATE"
_LAST = "SELECT max(id) FROM incidents_sharedupdate WHERE document_id = %s"
_APPEND = (
    "INSERT INTO incidents_sharedupdate (document_id, payload, author_id, created_at) VALUES (%s, %s, %s, %s)"
    " RETURNING id"
)
_SNAPSHOT = "SELECT snapshot, snapshot_through FROM incidents_shareddocument WHERE id = %s AND snapshot_through > %s"
_SINCE = (
    "SELECT id, payload FROM incidents_sharedupdate WHERE document_id = %s AND id > %s AND id <> ALL(%s) ORDER BY id"
)


class Gone(Exception):
    """The document was deleted with its post-mortem."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Appended:
    """The id of the newest update before these, and theirs."""

    previous: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class News:
    """Updates of others, and the id of the newest one."""

    updates: tuple[bytes, ...]
    through: int


class Store:
    def __init__(self, conninfo: str, *, process: str) -> None:
        self._conninfo, self._process = conninfo, process
        self._pool = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=3,
            open=False,
            check=AsyncConnectionPool.check_connection,
            kwargs={"autocommit": True, "application_name": "debrief writing", "connect_timeout": 5},
        )

    async def open(self) -> None:
        await self._pool.open()

    async def append(self, document_id: int, updates: Sequence[tuple[bytes, int | None]], now: datetime) -> Appended:
        """Store updates of (bytes, author's id) as one, in order; all other processes hear of it."""
        async with self._pool.connection() as connection, connection.transaction():
            folded = await (await connection.execute(_LOCK, [document_id])).fetchone()
            if folded is None:
                raise Gone
            last = await (await connection.execute(_LAST, [document_id])).fetchone()
            previous = max(folded[0], (last and last[0]) or 0)
            ids = []
            for payload, author_id in updates:
                row = await (await connection.execute(_APPEND, [document_id, payload, author_id, now])).fetchone()
                ids.append(row[0] if row else 0)
            message = {"document": document_id, "through": ids[-1], "from": self._process}
            await connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(message)])
        return Appended(previous, tuple(ids))

    async def since(self, document_id: int, through: int, own: Sequence[int] = ()) -> News:
        """What was appended after `through`, but for the ids in `own`. What is folded already comes as one update."""
        async with self._pool.connection() as connection:
            # Rows first: what is folded between the two questions is then in the snapshot.
            rows = await (await connection.execute(_SINCE, [document_id, through, list(own)])).fetchall()
            found = await (await connection.execute(_SNAPSHOT, [document_id, through])).fetchone()
        updates = [bytes(found[0])] if found else []
        updates += [bytes(payload) for _, payload in rows]
        through = max([through, *own, *(id_ for id_, _ in rows), found[1] if found else 0])
        return News(tuple(updates), through)

    async def tell(self, message: dict[str, Any]) -> None:
        """To the other processes; what is too long for a notice is dropped: it is only who is where."""
        text = json.dumps(message | {"from": self._process})
        if len(text) < LARGEST_NOTICE:
            async with self._pool.connection() as connection:
                await connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])

    async def hear(self) -> AsyncIterator[dict[str, Any] | None]:
        """What other processes tell; first None once listening has begun. Raises one of AWAY when the line breaks."""
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, application_name="debrief writing", connect_timeout=5
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield None
            async for notice in connection.notifies():
                message = json.loads(notice.payload)
                if message.get("from") != self._process:
                    yield message
