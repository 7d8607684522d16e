"""Batches into the archive: rows, gaps and checkpoint in one transaction.

The connection is the one that holds the cluster's lock. When it is lost, so is the lock, and nothing
more can be written by this process: no second leader can be overtaken by a first one that sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

import psycopg
from psycopg import Connection

from telemetry.recorder.batches import Batch, Gap, unreadable
from telemetry.recorder.events import COLUMNS
from telemetry.recorder.eventstore import EventStore
from telemetry.recorder.reflector import Checkpoint
from telemetry.recorder.resources import EVENTS
from telemetry.recorder.statestore import StateStore

# What one row can be refused for; anything else is the database's own trouble.
REFUSALS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
# When a row of objects, and one of Events, says that it happened.
TIMES: tuple[Callable[[Any], datetime], ...] = (attrgetter("changed_at"), itemgetter(COLUMNS.index("last_at")))
READ = """
SELECT resource, resource_version, heard_at, since FROM telemetry_recording WHERE cluster_id = %s
"""
CLAIM = """
INSERT INTO telemetry_recording
    (cluster_id, resource, resource_version, cluster_uid, state, reason, remedy, leader, received, stored, dropped,
     reconnects, per_minute, updated_at)
VALUES (%s, %s, '', '', 'starting', '', '', %s, 0, 0, 0, 0, 0, now())
ON CONFLICT (cluster_id, resource) DO UPDATE SET leader = excluded.leader, state = 'starting', reason = '', remedy = ''
"""
KEEP = """
UPDATE telemetry_recording SET
    resource_version = coalesce(%(resource_version)s, resource_version),
    heard_at = least(greatest(heard_at, %(heard_at)s), clock_timestamp()),
    since = coalesce(since, %(since)s),
    state = coalesce(%(state)s, state),
    reason = CASE WHEN %(state)s::text IS NULL THEN reason ELSE %(reason)s END,
    remedy = CASE WHEN %(state)s::text IS NULL THEN remedy ELSE %(remedy)s END,
    received = received + %(received)s, stored = stored + %(stored)s,
    dropped = dropped + %(dropped)s, reconnects = reconnects + %(reconnects)s,
    last_event_at = greatest(last_event_at, %(last_event_at)s),
    lag_seconds = coalesce(%(lag)s, lag_seconds),
    updated_at = %(now)s
WHERE cluster_id = %(cluster)s AND resource = %(resource)s
"""
# Versions mean something to the cluster alone that gave them; which one that was stands beside them.
ADOPT = """
UPDATE telemetry_recording SET cluster_uid = %(uid)s,
    resource_version = CASE WHEN cluster_uid IN ('', %(uid)s) THEN resource_version ELSE '' END
WHERE cluster_id = %(cluster)s AND cluster_uid <> %(uid)s RETURNING resource, resource_version = ''
"""
HEARD = """
SELECT heard_at FROM telemetry_recording WHERE cluster_id = %s AND resource = %s
"""
RATE = """
UPDATE telemetry_recording SET per_minute = %s WHERE cluster_id = %s AND resource = %s
"""
STOP = """
UPDATE telemetry_recording SET state = 'stopped', reason = '', remedy = '', per_minute = 0, updated_at = %s
WHERE cluster_id = %s AND leader = %s
"""
# A gap that goes on is one gap: a line that cannot be read comes again with every reconnection.
EXTEND_GAP = """
UPDATE telemetry_coveragegap SET ended_at = greatest(ended_at, %(ended_at)s)
WHERE id = (
    SELECT id FROM telemetry_coveragegap
    WHERE cluster_id = %(cluster)s AND resource = %(resource)s AND reason = %(reason)s AND detail = %(detail)s
      AND ended_at >= %(started_at)s AND started_at <= %(started_at)s
    ORDER BY id DESC LIMIT 1
)
"""
ADD_GAP = """
INSERT INTO telemetry_coveragegap (cluster_id, resource, started_at, ended_at, reason, detail, recorded_at)
VALUES (%(cluster)s, %(resource)s, %(started_at)s, %(ended_at)s, %(reason)s, %(detail)s, %(now)s)
"""


@dataclass(slots=True)
class _Joined:
    """All batches of one resource in one transaction."""

    rows: list[Any] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    listed: list[tuple[set[str], datetime]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        self.rows += batch.rows
        self.gaps += batch.gaps
        for name in ("received", "dropped", "reconnects"):
            self.kept[name] = self.kept.get(name, 0) + getattr(batch, name)
        for name in ("resource_version", "heard_at", "since"):
            given = getattr(batch, name)
            self.kept[name] = self.kept.get(name) if given is None else given
        if batch.state is not None:
            self.kept |= {"state": batch.state, "reason": batch.reason, "remedy": batch.remedy}
        if batch.listed is not None and batch.heard_at is not None:
            self.listed.append((batch.listed, batch.heard_at))


class Store:
    """Everything that a cluster's leader writes. Raises psycopg.Error when the database does not take it."""

    def __init__(self, connection: Connection[Any], *, cluster_id: int, leader: str) -> None:
        self._connection, self._cluster_id, self._leader = connection, cluster_id, leader
        self._events = EventStore(connection, cluster_id)
        self._states = StateStore(connection, cluster_id)

    def checkpoints(self, resources: Sequence[str]) -> dict[str, Checkpoint]:
        """Take the recordings over; how far each got."""
        with self._connection.cursor() as cursor:
            cursor.executemany(CLAIM, [(self._cluster_id, name, self._leader) for name in resources])
            cursor.execute(READ, [self._cluster_id])
            rows = cursor.fetchall()
        return {name: Checkpoint(version, heard_at, since) for name, version, heard_at, since in rows}

    def adopt(self, uid: str) -> set[str]:
        """The cluster that answers has this uid; the resources whose checkpoint was another cluster's, now forgotten."""
        rows = self._connection.execute(ADOPT, {"uid": uid, "cluster": self._cluster_id}).fetchall()
        return {resource for resource, forgotten in rows if forgotten}

    def _heard_at(self, resource: str) -> datetime | None:
        row = self._connection.execute(HEARD, [self._cluster_id, resource]).fetchone()
        return row[0] if row else None

    def keep_rates(self, per_minute: Mapping[str, float]) -> None:
        values = [(rate, self._cluster_id, name) for name, rate in per_minute.items()]
        with self._connection.cursor() as cursor:
            cursor.executemany(RATE, values)

    def stop(self, now: datetime) -> None:
        self._connection.execute(STOP, [now, self._cluster_id, self._leader])

    def write(self, batches: Sequence[Batch], now: datetime) -> int:
        """How many rows were added or changed. A row that the database refuses becomes a gap, the rest is kept."""
        self._events.prepare([row for batch in batches if batch.resource == EVENTS for row in batch.rows], now)
        try:
            return self._write(batches, now)
        except REFUSALS:
            return self._write([self._without_refused(batch, now) for batch in batches], now)

    def _write(self, batches: Sequence[Batch], now: datetime) -> int:
        parts: list[tuple[str, _Joined]] = []
        current: dict[str, _Joined] = {}
        for batch in batches:
            found = current.get(batch.resource)
            # What comes after the end of a list is newer than the list, which knows nothing of it.
            if found is None or (found.listed and batch.resource != EVENTS):
                found = current[batch.resource] = _Joined()
                parts.append((batch.resource, found))
            found.add(batch)
        with self._connection.transaction():
            return sum(self._write_resource(resource, one, now) for resource, one in parts)

    def _write_resource(self, resource: str, one: _Joined, now: datetime) -> int:
        stored = self._write_rows(resource, one.rows, now) if one.rows else 0
        for listed, at in one.listed if resource != EVENTS else ():
            self._states.end_missing(resource, listed, at)
        for gap in one.gaps:
            self._write_gap(resource, gap, now)
        # A reporter's clock may run ahead of every other.
        last = min(now, max(map(TIMES[resource == EVENTS], one.rows))) if one.rows else None
        told = {"state": None, "reason": "", "remedy": "", **one.kept}
        lag = (now - last).total_seconds() if last and not one.listed else None
        own = {"stored": stored, "last_event_at": last, "lag": lag, "now": now, "resource": resource}
        self._connection.execute(KEEP, {**told, **own, "cluster": self._cluster_id})
        return stored

    def _write_rows(self, resource: str, rows: list[Any], now: datetime) -> int:
        return self._events.write(rows, now) if resource == EVENTS else self._states.write(resource, rows, now)

    def _write_gap(self, resource: str, gap: Gap, now: datetime) -> None:
        values = {"cluster": self._cluster_id, "resource": resource, "now": now}
        values |= {name: getattr(gap, name) for name in ("started_at", "ended_at", "reason", "detail")}
        if not self._connection.execute(EXTEND_GAP, values).rowcount:
            self._connection.execute(ADD_GAP, values)

    def _without_refused(self, batch: Batch, now: datetime) -> Batch:
        """Row by row, each in a transaction of its own that is rolled back: slow, for what no check foresaw."""
        taken, refused = [], 0
        for row in batch.rows:
            try:
                with self._connection.transaction(force_rollback=True):
                    self._write_rows(batch.resource, [row], now)
                taken.append(row)
            except REFUSALS:
                refused += 1
        if refused:
            detail = f"{refused} rows that the database refused"
            batch.gaps.append(unreadable(detail, since=self._heard_at(batch.resource), now=now))
        batch.rows, batch.dropped = taken, batch.dropped + refused
        return batch
