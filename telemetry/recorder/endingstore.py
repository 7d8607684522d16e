"""Which endings still lack their log, and what came of reading it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from telemetry.recorder.lastlines import LastLines, Wanted

AT_ONCE = 10
WITHOUT_LOG = """
SELECT id, namespace, pod, container, started_at, finished_at, is_previous, log_attempts
FROM telemetry_containerending WHERE cluster_id = %s AND log_status = '' AND NOT id = ANY(%s)
ORDER BY received_at DESC, id DESC LIMIT %s
"""
KEEP = """
UPDATE telemetry_containerending SET log = %s, log_status = %s, log_reason = %s, log_lines = %s, log_truncated = %s,
    redactions = redactions || %s, log_fetched_at = %s, log_attempts = log_attempts + 1
WHERE id = %s AND log_status = ''
"""


class EndingStore:
    def __init__(self, connection: Connection[Any], cluster_id: int) -> None:
        self._connection, self._cluster_id = connection, cluster_id

    def wanted(self, under_way: set[int]) -> list[Wanted]:
        """The newest first: theirs are the logs that are most surely still there."""
        rows = self._connection.execute(WITHOUT_LOG, [self._cluster_id, list(under_way), AT_ONCE]).fetchall()
        return [Wanted(*row) for row in rows]

    def keep(self, found: LastLines, now: datetime) -> None:
        values = [found.text, found.status, found.reason, found.lines, found.truncated, Jsonb(found.redactions)]
        self._connection.execute(KEEP, [*values, now, found.id])
