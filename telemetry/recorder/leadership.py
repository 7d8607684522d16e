"""One leader for each cluster: who holds the advisory lock on the very connection that everything is written by.

https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from psycopg import Connection

# The first half of the lock's key, "DBRF"; the second is the cluster's id.
LOCK_CLASS = 0x44425246
# A leader whose machine is gone must lose its session soon: the server asks after 5 s and gives up 6 s later.
SESSION = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "2",
    "statement_timeout": "60000",
    "lock_timeout": "30000",
    "idle_in_transaction_session_timeout": "60000",
}
CLIENT: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
    "connect_timeout": 5,
}


def connect(conninfo: str, *, name: str) -> Connection[Any]:
    """A session of its own, never one of a pool's: it lives as long as the lead. Raises psycopg.OperationalError."""
    options = " ".join(f"-c {key}={value}" for key, value in SESSION.items())
    return psycopg.connect(conninfo, autocommit=True, application_name=name[:60], options=options, **CLIENT)


def take_lead(connection: Connection[Any], cluster_id: int, stopping: threading.Event, *, every: float) -> bool:
    """Wait until nobody else leads, asking every so many seconds; False when told to stop before."""
    while not stopping.is_set():
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, cluster_id]).fetchone()
        if row is not None and row[0]:
            return True
        stopping.wait(every)
    return False
