"""The age and the number of what was pushed: the oldest rows go, and what went is remembered with their source."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, models, transaction
from django.db.models import Exists, OuterRef, Q

from telemetry.models import Alert, LogRecord, MetricPoint, MetricSeries, Source, Span
from telemetry.models.alert import AlertStatus
from telemetry.models.intake import SERIES_LOCK

# A chunk holds its locks for well under a second.
CHUNK = 5_000
# For the lock of series; pushes wait behind it.
LONGEST_WAIT, LOCK_NOT_AVAILABLE = "2s", "55P03"
# How Removal calls them, and the column that says when a row happened.
KINDS: tuple[tuple[str, type[models.Model], str], ...] = (
    ("logs", LogRecord, "at"),
    ("spans", Span, "start_at"),
    ("points", MetricPoint, "at"),
)
# A row whose clock ran ahead of its arrival must not make all that follows look incomplete.
DELETE = """
WITH gone AS (
    DELETE FROM {table} WHERE id IN (
        SELECT id FROM (SELECT id, received_at FROM {table} WHERE {owner} ORDER BY id LIMIT {chunk}) AS oldest
        WHERE {condition}
    ) RETURNING least({at}, received_at) AS at
)
SELECT count(*), max(at) FROM gone
"""
REMEMBER = """
INSERT INTO telemetry_removal AS kept (source_id, what, because, rows, until_at, changed_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (source_id, what, because) DO UPDATE SET
    rows = kept.rows + excluded.rows,
    until_at = greatest(kept.until_at, excluded.until_at),
    changed_at = excluded.changed_at
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source keeps: days, and rows of each kind."""

    days: float
    rows: int

    @classmethod
    def of(cls, source: Source | None) -> Limits:
        options: dict[str, Any] = source.options if source else {}
        return cls(
            days=float(options.get("keep_days") or settings.INTAKE_RETENTION_DAYS),
            rows=int(options.get("keep_rows") or settings.INTAKE_MAX_ROWS),
        )


def let_go(*, now: datetime, seconds: float) -> dict[str, int]:
    """What is too old or too much, by source, and rows of removed sources; what does not fit into `seconds` waits.

    Returns the rows gone by kind, with `alerts` and `series`.
    """
    until = time.monotonic() + seconds
    gone = {what: 0 for what, _, _ in KINDS}
    known = {source.pk: source for source in Source.objects.all()}
    for what, model, at in KINDS:
        for owner in _owners(model):
            source = known.get(owner) if owner else _first_otlp(known)
            gone[what] += _trim(what, model, at, owner, source, now, until)
    gone["alerts"] = sum(_old_alerts(source, now, until) for source in known.values())
    gone["series"] = _unused_series(now, until)
    return gone


def _owners(model: type[models.Model]) -> Iterator[int | None]:
    """The sources that own rows, None for rows of before: one look into the index for each."""
    rows: Any = model._default_manager
    if rows.filter(source=None).exists():
        yield None
    last = -1
    while (
        found := rows.filter(source__gt=last).order_by("source").values_list("source", flat=True).first()
    ) is not None:
        yield found
        last = found


def _first_otlp(known: dict[int, Source]) -> Source | None:
    return next((known[pk] for pk in sorted(known) if known[pk].kind == "otlp"), None)


def _trim(
    what: str, model: type[models.Model], at: str, owner: int | None, source: Source | None, now: datetime, until: float
) -> int:
    trimming = _Trimming(what, model._meta.db_table, at, owner, source, now, until)
    if source is None and owner is not None:
        return trimming.run("age", "true", [])
    limits = Limits.of(source)
    gone = trimming.run("age", "received_at < %s", [now - timedelta(days=limits.days)])
    # The first id that stays: one look along the index, for which nothing has to be counted.
    ids: Any = model._default_manager.filter(source=owner).order_by("-id").values_list("id", flat=True)
    last_to_go = ids[limits.rows : limits.rows + 1].first()
    return gone if last_to_go is None else gone + trimming.run("quota", "id <= %s", [last_to_go])


@dataclass(frozen=True, slots=True)
class _Trimming:
    what: str
    table: str
    at: str
    owner: int | None
    source: Source | None
    now: datetime
    until: float

    def run(self, because: str, condition: str, values: list[Any]) -> int:
        """Chunk by chunk from the oldest, each remembered in the transaction in which it goes."""
        mine = "source_id IS NULL" if self.owner is None else f"source_id = {int(self.owner)}"
        statement = DELETE.format(table=self.table, owner=mine, condition=condition, at=self.at, chunk=CHUNK)
        gone, rows = 0, CHUNK
        while rows == CHUNK and time.monotonic() < self.until:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, values)
                rows, latest = cursor.fetchone()
                if rows and self.source is not None:
                    kept = [self.source.pk, self.what, because, rows, latest, self.now]
                    cursor.execute(REMEMBER, kept)
            gone += rows
        return gone


def _old_alerts(source: Source, now: datetime, until: float) -> int:
    """Those that have ended; one that fires stays, however long it has."""
    gone = 0
    old = Alert.objects.filter(source=source, changed_at__lt=now - timedelta(days=Limits.of(source).days))
    ended = old.filter(status=AlertStatus.RESOLVED).order_by("changed_at").values_list("pk", flat=True)
    while time.monotonic() < until and (chunk := list(ended[:CHUNK])):
        gone += Alert.objects.filter(pk__in=chunk, status=AlertStatus.RESOLVED).delete()[1].get("telemetry.Alert", 0)
    return gone


def _unused_series(now: datetime, until: float) -> int:
    """Series without points: found while others push, looked at again and let go while nobody does.

    Who pushes shares the lock, and waits behind who waits for it alone: so it is had even under steady pushing.
    """
    if time.monotonic() > until:
        return 0
    points = MetricPoint.objects.filter(series=OuterRef("pk"))
    unused = MetricSeries.objects.filter(~Q(Exists(points)), created_at__lt=now - timedelta(hours=1))
    found = list(unused.values_list("pk", flat=True)[:CHUNK])
    if not found:
        return 0
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT])
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SERIES_LOCK])
            return unused.filter(pk__in=found).delete()[0]
    except OperationalError as problem:
        if getattr(problem.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
            raise
        return 0
