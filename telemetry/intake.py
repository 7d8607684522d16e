"""Writing what was pushed: COPY into a temporary table, then one INSERT that leaves out what is there already.

When a function here returns, its rows are committed: a sender that is answered may forget them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import DataError, OperationalError, connection, transaction

from telemetry.models import LogRecord, Source
from telemetry.models.intake import SERIES_LOCK
from telemetry.rows import LogRow, PointRow, SeriesRow, SpanRow, namespace_of

REFUSED = "a row that the database refused"
TOO_MANY_SERIES = "a series more than the {:,} of this source (max_series)"
# PostgreSQL counts microseconds from here.
ITS_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
JSONB_VERSION = b"\x01"
# The class of SQLSTATE of a row too large for an index or a page.
LIMITS_OF_ITS_OWN = {"54"}

# How a column's binary form is given: times as int8, uuid and jsonb as bytes.
TYPES = {
    "timestamptz": "int8",
    "uuid": "bytea",
    "jsonb": "bytea",
    "text": "text",
    "int2": "int2",
    "int8": "int8",
    "float8": "float8",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Where rows go: the table, the key by which a source's are known again, and its columns with their types.

    `through` is a table in which the first column finds the id that stands for it, with that id's name.
    """

    name: str
    key: str
    columns: Mapping[str, str]
    through: str = ""

    @property
    def incoming(self) -> str:
        return self.name.replace("telemetry_", "incoming_")

    @property
    def create(self) -> str:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        return f"CREATE TEMP TABLE IF NOT EXISTS {self.incoming} ({columns}) ON COMMIT DELETE ROWS"

    @property
    def copy(self) -> str:
        return f"COPY {self.incoming} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"

    @property
    def insert(self) -> str:
        names = taken = ", ".join(self.columns)
        joined = self.incoming
        if self.through:
            first, *others = self.columns
            names, taken = (
                ", ".join(["series_id", *others]),
                ", ".join(["known.id", *(f"told.{name}" for name in others)]),
            )
            mine = "known.source_id = %(source)s"
            joined = f"{self.incoming} AS told JOIN {self.through} AS known ON known.{first} = told.{first} AND {mine}"
        return (
            f"INSERT INTO {self.name} (source_id, received_at, {names})"  # noqa: S608 - names of ours
            f" SELECT %(source)s, %(now)s, {taken} FROM {joined} ON CONFLICT ({self.key}) DO NOTHING"
        )


LOGS = Table(
    "telemetry_logrecord",
    "digest, source_id",
    {
        "at": "timestamptz",
        "severity_number": "int2",
        "severity_text": "text",
        "service": "text",
        "namespace": "text",
        "body": "text",
        "trace_id": "text",
        "span_id": "text",
        "attributes": "jsonb",
        "resource": "jsonb",
        "digest": "uuid",
    },
)
SPANS = Table(
    "telemetry_span",
    "trace_id, span_id, source_id",
    {
        "trace_id": "text",
        "span_id": "text",
        "parent_span_id": "text",
        "service": "text",
        "namespace": "text",
        "name": "text",
        "kind": "int2",
        "start_at": "timestamptz",
        "end_at": "timestamptz",
        "status_code": "int2",
        "status_message": "text",
        "attributes": "jsonb",
        "resource": "jsonb",
    },
)
POINTS = Table(
    "telemetry_metricpoint",
    "series_id, at",
    {
        "digest": "uuid",
        "at": "timestamptz",
        "start_at": "timestamptz",
        "value": "float8",
        "count": "int8",
        "distribution": "jsonb",
    },
    through="telemetry_metricseries",
)
STATUS_MESSAGE_LIMIT = 5_000


def store_logs(rows: Sequence[LogRow], source: Source, now: datetime) -> dict[str, int]:
    """Why rows were refused, with how many; raises django.db.Error while the database takes nothing."""
    known: dict[int, tuple[str, bytes]] = {}

    def made(row: LogRow) -> tuple[Any, ...]:
        namespace, resource = known.get(id(row.resource)) or _resource(row.resource, known)
        return (
            _microseconds(row.at),
            row.severity_number,
            row.severity_text,
            row.service,
            namespace,
            row.body,
            row.trace_id,
            row.span_id,
            _jsonb(row.attributes),
            resource,
            bytes.fromhex(row.digest),
        )

    return _store(LOGS, [made(row) for row in rows], source.pk, now)


def has_come(digest: str, source: Source, since: datetime) -> bool:
    """Whether this source was told a log record of this digest after `since`."""
    return LogRecord.objects.filter(digest=digest, source=source, received_at__gt=since).exists()


def store_spans(rows: Sequence[SpanRow], source: Source, now: datetime) -> dict[str, int]:
    """As `store_logs`."""
    known: dict[int, tuple[str, bytes]] = {}

    def made(row: SpanRow) -> tuple[Any, ...]:
        namespace, resource = known.get(id(row.resource)) or _resource(row.resource, known)
        return (
            row.trace_id,
            row.span_id,
            row.parent_span_id,
            row.service,
            namespace,
            row.name,
            row.kind,
            _microseconds(row.start_at),
            _microseconds(row.end_at),
            row.status_code,
            row.status_message[:STATUS_MESSAGE_LIMIT],
            _jsonb(row.attributes),
            resource,
        )

    return _store(SPANS, [made(row) for row in rows], source.pk, now)


def store_points(rows: Sequence[PointRow], source: Source, now: datetime) -> dict[str, int]:
    """As `store_logs`. Points of series past the source's `max_series` are refused."""
    max_series = int(source.options.get("max_series") or settings.INTAKE_MAX_SERIES)
    series = {row.series.digest: row.series for row in rows}
    made = [
        (
            bytes.fromhex(row.series.digest),
            _microseconds(row.at),
            _microseconds(row.start_at) if row.start_at else None,
            row.value,
            row.count,
            _jsonb(row.distribution) if row.distribution else None,
        )
        for row in rows
    ]
    without: set[str] = set()

    def make_series(cursor: Any) -> None:
        """Those that this source has not told before, while there is room."""
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SERIES_LOCK])
        cursor.execute(NEW_SERIES, [source.pk])
        new = [digest.hex for (digest,) in cursor.fetchall()]
        if new:
            cursor.execute(COUNT_SERIES, [source.pk])
            room = max(0, max_series - cursor.fetchone()[0])
            cursor.executemany(ADD_SERIES, [_series(series[digest], source.pk, now) for digest in new[:room]])
            without.update(new[room:])

    refused = _store(POINTS, made, source.pk, now, before=make_series)
    if without:
        refused[TOO_MANY_SERIES.format(max_series)] = sum(row.series.digest in without for row in rows)
    return refused


NEW_SERIES = """
SELECT DISTINCT told.digest FROM incoming_metricpoint AS told
LEFT JOIN telemetry_metricseries AS known ON known.digest = told.digest AND known.source_id = %s
WHERE known.id IS NULL
"""
COUNT_SERIES = "SELECT count(*) FROM telemetry_metricseries WHERE source_id = %s"
ADD_SERIES = """
INSERT INTO telemetry_metricseries
    (source_id, digest, name, unit, kind, is_delta, service, namespace, labels, resource, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (digest, source_id) DO NOTHING
"""


def _series(one: SeriesRow, source_id: int, now: datetime) -> tuple[Any, ...]:
    labels, resource = (orjson.dumps(value).decode() for value in (one.labels, one.resource))
    named = (one.digest, one.name, one.unit, one.kind, one.is_delta)
    return (source_id, *named, one.service, namespace_of(one.resource), labels, resource, now)


def _microseconds(at: datetime) -> int:
    past = at - ITS_EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def _jsonb(value: Any) -> bytes:
    return JSONB_VERSION + orjson.dumps(value)


def _resource(resource: Mapping[str, Any], known: dict[int, tuple[str, bytes]]) -> tuple[str, bytes]:
    """Once for all rows that share it: `known` is by identity, which holds as long as the rows do."""
    found = known[id(resource)] = namespace_of(resource), _jsonb(resource)
    return found


Step = Callable[[Any], None]


def _store(
    table: Table, rows: Sequence[tuple[Any, ...]], source_id: int, now: datetime, before: Step | None = None
) -> dict[str, int]:
    if not rows:
        return {}
    refused = _halving(lambda part: _write(table, part, source_id, now, before), rows)
    return {REFUSED: refused} if refused else {}


def _halving(write: Callable[[Sequence[Any]], None], rows: Sequence[Any]) -> int:
    """How many rows no check foresaw and the database refuses: found by halves, so that one costs itself alone."""
    try:
        write(rows)
    except (DataError, OperationalError) as problem:
        if isinstance(problem, OperationalError) and _state(problem) not in LIMITS_OF_ITS_OWN:
            raise
        if len(rows) == 1:
            return 1
        middle = len(rows) // 2
        return _halving(write, rows[:middle]) + _halving(write, rows[middle:])
    return 0


def _state(problem: Exception) -> str:
    return str(getattr(problem.__cause__, "sqlstate", "") or "")[:2]


def _write(
    table: Table, rows: Iterable[tuple[Any, ...]], source_id: int, now: datetime, before: Step | None = None
) -> None:
    """`before` runs between COPY and INSERT, in the same transaction."""
    within_another = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(table.create)
        with connection.wrap_database_errors, cursor.copy(table.copy) as copy:
            copy.set_types([TYPES[kind] for kind in table.columns.values()])
            for row in rows:
                copy.write_row(row)
        if before:
            before(cursor)
        cursor.execute(table.insert, {"source": source_id, "now": now})
        if within_another:
            cursor.execute(f"DELETE FROM {table.incoming}")  # noqa: S608 - a name of ours
