"""Days of the table of Events: made ahead, dropped when every row is old. Plain psycopg, so that the recorder
needs no Django here; from Django hand in `connection.connection`.

A row whose day has no partition lands in the default one, so a day that is missing loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import tuple_row

TABLE = "telemetry_clusterevent"
OTHER = f"{TABLE}_other"
LOCK = "debrief-partitions"
# Readers queue behind a waiting lock; rather than hold them up, give up and try again later.
PATIENCE = "3s"
_NAME = re.compile(rf"{TABLE}_(\d{{8}})\Z")


def partition_name(day: date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"


def partition_days(connection: Connection[Any]) -> list[date]:
    """The days that have a partition, oldest first."""
    rows = connection.cursor(row_factory=tuple_row).execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)",
        [TABLE],
    )
    found = (_NAME.match(name) for (name,) in rows.fetchall())
    return sorted(datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date() for match in found if match)


def ensure_partitions(connection: Connection[Any], days: Iterable[date], *, patience: str = PATIENCE) -> list[date]:
    """Makes the partitions of these days (UTC) that are missing, and moves their rows out of the default one.

    One transaction, or a savepoint of the caller's; the caller must not have read Events in it before,
    or two of them may wait for each other; its lock timeout stays at `patience`. Returns the days made. Raises psycopg.errors.LockNotAvailable
    after `patience` behind a long reader: nothing is lost then, and a later call does it.
    """
    wanted = set(days)
    if not wanted - set(partition_days(connection)):
        return []
    with connection.transaction():
        _lock(connection, patience)
        missing = sorted(wanted - set(partition_days(connection)))
        for day in missing:
            _make(connection, day)
    return missing


def drop_partition(connection: Connection[Any], day: date, *, before: datetime) -> bool:
    """Drops the day if none of its Events went on until `before` or later; an upsert may have come meanwhile.

    Raises psycopg.errors.LockNotAvailable as `ensure_partitions` does.
    """
    name = sql.Identifier(partition_name(day))
    with connection.transaction():
        _lock(connection, PATIENCE)
        query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE last_at >= %s)").format(name)
        row = connection.cursor(row_factory=tuple_row).execute(query, [before]).fetchone()
        if row is None or row[0]:
            return False
        connection.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(sql.Identifier(TABLE), name))
        connection.execute(sql.SQL("DROP TABLE {}").format(name))
    return True


def _lock(connection: Connection[Any], patience: str) -> None:
    """One at a time, and alone.

    A lock of the default partition would not do: a statement that waits for it has already planned without
    the new partition, so a reader would miss the rows that moved and a writer be refused.
    """
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [patience])
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
    connection.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(TABLE)))


def _make(connection: Connection[Any], day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    names = {"table": sql.Identifier(TABLE), "other": sql.Identifier(OTHER), "new": sql.Identifier(partition_name(day))}
    bounds = {"start": sql.Literal(start), "end": sql.Literal(start + timedelta(days=1))}
    for statement in (
        "CREATE TABLE {new} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)",
        "WITH moved AS (DELETE FROM {other} WHERE created_at >= {start} AND created_at < {end} RETURNING *)"
        " INSERT INTO {new} SELECT * FROM moved",
        "ALTER TABLE {table} ATTACH PARTITION {new} FOR VALUES FROM ({start}) TO ({end})",
    ):
        connection.execute(sql.SQL(statement).format(**names, **bounds))
