"""Events into the archive: COPY into a temporary table, then one upsert."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import Connection, errors

from telemetry.recorder.events import COLUMNS, Row
from telemetry.recorder.partitions import ensure_partitions

UID, CREATED_AT, COUNT = (COLUMNS.index(name) for name in ("uid", "created_at", "count"))
TYPES = {
    **dict.fromkeys(COLUMNS, "text"),
    **dict.fromkeys(("created_at", "first_at", "last_at"), "timestamptz"),
    "count": "int4",
    "is_lower_bound": "bool",
    "is_gone": "bool",
}
# Events of other days go to the default partition; a wrong clock must not make a thousand tables.
DAYS_BACK, DAYS_AHEAD = 31, 1

CREATE = (
    f"CREATE TEMP TABLE incoming_event ({', '.join(f'{name} {TYPES[name]}' for name in COLUMNS)}) ON COMMIT DELETE ROWS"
)
COPY = f"COPY incoming_event ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"

_SAME = [name for name in COLUMNS if name not in {"is_gone", "redactions"}]
_CHANGING = [name for name in _SAME if name not in {"uid", "created_at"}]
UPSERT = f"""
INSERT INTO telemetry_clusterevent AS kept
    (cluster_id, {", ".join(_SAME)}, highest_count, redactions, received_at, updated_at, gone_at)
SELECT %(cluster)s, {", ".join(_SAME)}, count, redactions::jsonb, %(now)s, %(now)s, CASE WHEN is_gone THEN %(now)s END
FROM incoming_event
ON CONFLICT (cluster_id, uid, created_at) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)},
    highest_count = greatest(kept.highest_count, excluded.count),
    redactions = excluded.redactions,
    updated_at = excluded.updated_at,
    gone_at = excluded.gone_at
WHERE kept.resource_version <> excluded.resource_version OR kept.gone_at IS DISTINCT FROM excluded.gone_at
"""  # noqa: S608  every name is a constant of ours


# A count that rose and fell within one batch: its peak is no row's own.
PEAK = """
UPDATE telemetry_clusterevent SET highest_count = %s WHERE cluster_id = %s AND uid = %s AND highest_count < %s
"""


class EventStore:
    """Writes within the caller's transaction, on the one connection of the cluster's leader."""

    def __init__(self, connection: Connection[Any], cluster_id: int) -> None:
        self._connection, self._cluster_id = connection, cluster_id
        self._days: set[date] = set()
        connection.execute(CREATE)

    def prepare(self, rows: Iterable[Row], now: datetime) -> None:
        """Make the days that these rows need; before the transaction, for it needs the table alone."""
        days = {row[CREATED_AT].date() for row in rows} - self._days
        today = now.astimezone(UTC).date()
        within = {day for day in days if today - timedelta(days=DAYS_BACK) <= day <= today + timedelta(days=DAYS_AHEAD)}
        if not within:
            return
        try:
            ensure_partitions(self._connection, within)
        except errors.LockNotAvailable:
            # Somebody reads for long; the rows go to the default partition, and a task moves them later.
            return
        self._days |= within

    def write(self, rows: Sequence[Row], now: datetime) -> int:
        """How many rows were added or changed; once in a transaction. Of several rows of one Event the last counts."""
        latest: dict[str, Row] = {}
        peaks: dict[str, int] = {}
        for row in rows:
            before = latest.get(row[UID])
            if before is not None and before[COUNT] > row[COUNT]:
                peaks[row[UID]] = max(before[COUNT], peaks.get(row[UID], 0))
            latest[row[UID]] = row
        cursor = self._connection.cursor()
        with cursor.copy(COPY) as copy:
            copy.set_types([TYPES[name] for name in COLUMNS])
            for row in latest.values():
                copy.write_row(row)
        cursor.execute(UPSERT, {"cluster": self._cluster_id, "now": now})
        stored = cursor.rowcount
        if peaks:
            cursor.executemany(PEAK, [(peak, self._cluster_id, uid, peak) for uid, peak in peaks.items()])
        return stored
