"""States of objects into the archive: each opens where the one before it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from telemetry.recorder.essence import is_same
from telemetry.recorder.states import Ending, State

CURRENT = """
SELECT uid, digest, changed_at FROM telemetry_objectsnapshot
WHERE cluster_id = %s AND resource = %s AND until_at IS NULL AND uid = ANY(%s)
"""
CLOSE = """
UPDATE telemetry_objectsnapshot SET until_at = greatest(changed_at, %s), ended = %s
WHERE cluster_id = %s AND resource = %s AND uid = %s AND until_at IS NULL
"""
MISSED = """
UPDATE telemetry_objectsnapshot SET until_at = greatest(changed_at, %s), ended = 'missed'
WHERE cluster_id = %s AND resource = %s AND until_at IS NULL AND uid <> ALL(%s)
"""
_STATE = (
    *("uid", "group", "kind", "namespace", "name", "resource_version", "generation", "owner_kind", "owner_name"),
    *("owner_uid", "changed_at", "body", "digest"),
)
INSERT = f"""
INSERT INTO telemetry_objectsnapshot
    (cluster_id, resource, received_at, until_at, ended, redactions, signals, {", ".join(f'"{name}"' for name in _STATE)})
VALUES (%s, %s, %s, %s, %s, %s, %s, {", ".join("%s::jsonb" if name == "body" else "%s" for name in _STATE)})
"""  # noqa: S608  every name is a constant of ours
_ENDING = tuple(one.name for one in fields(Ending))
# A life that ended as the present one becomes the previous one when the container starts again.
INSERT_ENDING = f"""
INSERT INTO telemetry_containerending
    (cluster_id, received_at, log, log_status, log_reason, log_lines, log_truncated, log_attempts, {", ".join(_ENDING)})
VALUES (%s, %s, '', '', '', 0, false, 0, {", ".join(["%s"] * len(_ENDING))})
ON CONFLICT (cluster_id, pod_uid, container, finished_at)
DO UPDATE SET is_previous = true
WHERE excluded.is_previous AND NOT telemetry_containerending.is_previous
"""  # noqa: S608  every name is a constant of ours


@dataclass(slots=True)
class _Open:
    """The newest state of an object while a batch is gone through; `row` is None for one already stored."""

    digest: str
    changed_at: datetime
    row: list[Any] | None


class _Changes:
    """What a batch makes of the states of one resource: rows to insert, stored ones to close first."""

    def __init__(self, cluster_id: int, resource: str, newest: dict[str, _Open], now: datetime) -> None:
        self._cluster_id, self._resource, self._newest, self._now = cluster_id, resource, newest, now
        self.inserts: list[list[Any]] = []
        self.closes: list[tuple[Any, ...]] = []

    def add(self, state: State) -> None:
        before = self._newest.get(state.uid)
        if state.is_gone:
            # Never seen alive: at least its last state is known.
            before = before or self._follow(state, None)
            self._close(state.uid, before, max(state.changed_at, before.changed_at), "deleted")
            self._newest.pop(state.uid, None)
        elif before is None or not is_same(before.digest, state.digest):
            self._newest[state.uid] = self._follow(state, before)

    def _follow(self, state: State, before: _Open | None) -> _Open:
        changed_at = max(state.changed_at, before.changed_at) if before else state.changed_at
        if before is not None:
            self._close(state.uid, before, changed_at, "replaced")
        known = [self._cluster_id, self._resource, self._now, None, ""]
        row = [*known, Jsonb(dict(state.redactions)), list(state.signals)]
        row += [changed_at if name == "changed_at" else getattr(state, name) for name in _STATE]
        self.inserts.append(row)
        return _Open(state.digest, changed_at, row)

    def _close(self, uid: str, before: _Open, at: datetime, how: str) -> None:
        if before.row is not None:
            before.row[3], before.row[4] = at, how
        else:
            self.closes.append((at, how, self._cluster_id, self._resource, uid))


class StateStore:
    """Writes within the caller's transaction, on the one connection of the cluster's leader."""

    def __init__(self, connection: Connection[Any], cluster_id: int) -> None:
        self._connection, self._cluster_id = connection, cluster_id

    def write(self, resource: str, states: Sequence[State], now: datetime) -> int:
        """How many states were new: one that equals the state before it is not stored again."""
        if not states:
            return 0
        newest = self._current(resource, sorted({state.uid for state in states}))
        changes = _Changes(self._cluster_id, resource, newest, now)
        for state in states:
            changes.add(state)
        with self._connection.cursor() as cursor:
            # The states before must be closed first: of each object only one may be open.
            cursor.executemany(CLOSE, changes.closes)
            cursor.executemany(INSERT, changes.inserts)
        self._write_endings(states, now)
        return len(changes.inserts)

    def end_missing(self, resource: str, listed: set[str], at: datetime) -> int:
        """Objects that a list no longer has were deleted while nobody watched."""
        return self._connection.execute(MISSED, [at, self._cluster_id, resource, sorted(listed)]).rowcount

    def _current(self, resource: str, uids: list[str]) -> dict[str, _Open]:
        rows = self._connection.execute(CURRENT, [self._cluster_id, resource, uids]).fetchall()
        return {uid: _Open(digest, changed_at, None) for uid, digest, changed_at in rows}

    def _write_endings(self, states: Sequence[State], now: datetime) -> None:
        found = {
            (one.pod_uid, one.container, one.finished_at, one.is_previous): one
            for state in states
            for one in state.endings
        }
        if not found:
            return
        place = _ENDING.index("redactions")
        rows = []
        for ending in found.values():
            values = list(astuple(ending))
            values[place] = Jsonb(dict(ending.redactions))
            rows.append([self._cluster_id, now, *values])
        with self._connection.cursor() as cursor:
            cursor.executemany(INSERT_ENDING, rows)
