"""The age of the archive: days made ahead, what is too old let go, what belongs to no cluster any more too."""

from __future__ import annotations

import logging
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from django.db import connection, models, transaction
from psycopg import sql

from telemetry.models import Cluster, ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from telemetry.recorder import partitions

log = logging.getLogger(__name__)
DAYS_AHEAD = 7
# A chunk holds its locks for well under a second.
CHUNK = 5_000
AGES: tuple[tuple[type[models.Model], str], ...] = (
    (ObjectSnapshot, "until_at"),
    (ContainerEnding, "finished_at"),
    (CoverageGap, "ended_at"),
)
OF_CLUSTERS: tuple[type[models.Model], ...] = (ClusterEvent, ObjectSnapshot, ContainerEnding, CoverageGap)


def make_days(today: date) -> list[date]:
    """Yesterday to a week ahead; returns the days made. Behind a long reader: none, the next call does it."""
    days = [today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]
    try:
        return partitions.ensure_partitions(_plain(), days)
    except psycopg.errors.LockNotAvailable:
        log.warning("partitions of Events wait for a long reader; Events go to the default one meanwhile")
        return []


def let_go(*, before: datetime, seconds: float) -> dict[str, int]:
    """Rows that ended before `before` and rows of removed clusters; what does not fit into `seconds` waits.

    Returns the rows gone by table, with `days` for whole partitions. A dropped day's rows are not counted.
    """
    until = time.monotonic() + seconds
    gone = {"days": _drop_days(before, until)}
    for table in _event_tables():
        gone["telemetry_clusterevent"] = gone.get("telemetry_clusterevent", 0) + _delete(
            table, sql.SQL("last_at < {}").format(sql.Literal(before)), until
        )
    for model, field in AGES:
        condition = sql.SQL("{} < {}").format(sql.Identifier(field), sql.Literal(before))
        gone[model._meta.db_table] = _delete(model._meta.db_table, condition, until)
    for model in OF_CLUSTERS:
        gone[model._meta.db_table] += _forget_clusters(model, until)
    Recording.objects.filter(since__lt=before).update(since=before)
    return gone


def _plain() -> psycopg.Connection[Any]:
    connection.ensure_connection()
    found = connection.connection
    assert isinstance(found, psycopg.Connection)  # noqa: S101 - the one engine that config.env makes
    return found


def _event_tables() -> list[str]:
    return [*map(partitions.partition_name, partitions.partition_days(_plain())), partitions.OTHER]


def _drop_days(before: datetime, until: float) -> int:
    """Created on an earlier day, an Event may have gone on; `drop_partition` looks."""
    dropped = 0
    for day in partitions.partition_days(_plain()):
        if day >= before.astimezone(UTC).date() or time.monotonic() > until:
            break
        try:
            dropped += partitions.drop_partition(_plain(), day, before=before)
        except psycopg.errors.LockNotAvailable:
            log.warning("%s waits for a long reader; the next run drops it", partitions.partition_name(day))
            break
    return dropped


def _delete(table: str, condition: sql.Composable, until: float) -> int:
    statement = sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {condition} LIMIT {chunk}))"
    ).format(table=sql.Identifier(table), condition=condition, chunk=sql.Literal(CHUNK))
    deleted = 0
    while time.monotonic() < until:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            deleted += cursor.rowcount
            if cursor.rowcount < CHUNK:
                break
    return deleted


def _forget_clusters(model: type[models.Model], until: float) -> int:
    """The archive names its clusters without a constraint, so that removing one does not wait for its rows."""
    known = set(Cluster.objects.values_list("pk", flat=True))
    tables = _event_tables() if model is ClusterEvent else [model._meta.db_table]
    return sum(
        _delete(table, sql.SQL("cluster_id = {}").format(sql.Literal(cluster)), until)
        for cluster in _clusters_of(model._meta.db_table)
        if cluster not in known
        for table in tables
    )


def _clusters_of(table: str) -> list[int]:
    """One look-up in an index for each; DISTINCT would read every row."""
    found: list[int] = []
    query = sql.SQL("SELECT min(cluster_id) FROM {} WHERE cluster_id > %s").format(sql.Identifier(table))
    with connection.cursor() as cursor:
        while True:
            cursor.execute(query, [found[-1] if found else -1])
            (cluster,) = cursor.fetchone()
            if cluster is None:
                return found
            found.append(cluster)
