"""Days of the table of Events, made while others write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from telemetry.models import ClusterEvent
from telemetry.recorder import partitions
from tests import database
from tests.builders import NOW, make_cluster_event

DAY = date(2026, 11, 21)


@pytest.fixture
def plain(committed: None) -> Iterator[psycopg.Connection[Any]]:
    """Without the days that a recorder of an earlier test made: emptying the tables leaves them."""
    with psycopg.connect(database.conninfo(), autocommit=True) as found:
        drop_days(found)
        yield found
        drop_days(found)


def drop_days(found: psycopg.Connection[Any]) -> None:
    for day in partitions.partition_days(found):
        partitions.drop_partition(found, day, before=datetime.max.replace(tzinfo=UTC))


def places() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT uid, tableoid::regclass::text FROM telemetry_clusterevent")
        return dict(cursor.fetchall())


def test_an_event_of_a_made_day_lies_in_its_partition(plain: psycopg.Connection[Any]) -> None:
    assert partitions.ensure_partitions(plain, [DAY]) == [DAY]
    make_cluster_event(uid="today")
    make_cluster_event(uid="tomorrow", created_at=NOW + timedelta(days=1))
    assert places() == {"today": "telemetry_clusterevent_20261121", "tomorrow": "telemetry_clusterevent_other"}


def test_a_made_day_takes_its_rows_out_of_the_default_one(plain: psycopg.Connection[Any]) -> None:
    make_cluster_event(uid="early", created_at=datetime(2026, 11, 21, tzinfo=UTC))
    make_cluster_event(uid="late", created_at=datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC))
    make_cluster_event(uid="next", created_at=datetime(2026, 11, 22, tzinfo=UTC))
    partitions.ensure_partitions(plain, [DAY])
    assert places() == {
        "early": "telemetry_clusterevent_20261121",
        "late": "telemetry_clusterevent_20261121",
        "next": "telemetry_clusterevent_other",
    }


def test_a_day_is_made_once(plain: psycopg.Connection[Any]) -> None:
    assert partitions.ensure_partitions(plain, [DAY, DAY]) == [DAY]
    assert partitions.ensure_partitions(plain, [DAY]) == []
    assert partitions.partition_days(plain) == [DAY]


def test_many_that_make_the_same_days_while_others_write_lose_nothing(plain: psycopg.Connection[Any]) -> None:
    days = [DAY + timedelta(days=offset) for offset in range(4)]
    row = make_cluster_event(uid="seed")
    columns = [field.column for field in ClusterEvent._meta.fields if field.column not in {"id", "uid", "created_at"}]
    copy = (
        f"INSERT INTO telemetry_clusterevent (uid, created_at, {', '.join(columns)})"
        f" SELECT %s, %s, {', '.join(columns)} FROM telemetry_clusterevent WHERE id = {row.pk}"
        " ON CONFLICT (cluster_id, uid, created_at) DO NOTHING"
    )
    problems: list[Exception] = []

    def make() -> None:
        with psycopg.connect(database.conninfo(), autocommit=True) as own:
            try:
                partitions.ensure_partitions(own, days)
            except psycopg.Error as problem:
                problems.append(problem)

    def write(writer: int) -> None:
        with psycopg.connect(database.conninfo(), autocommit=True) as own:
            try:
                for number in range(100):
                    created_at = NOW + timedelta(days=number % 5)
                    own.execute(copy, [f"{writer}-{number}", created_at])
            except psycopg.Error as problem:
                problems.append(problem)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    threads += [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert partitions.partition_days(plain) == days
    found = places()
    assert len(found) == 301
    assert {found[f"{writer}-{number}"] for writer in range(3) for number in range(4, 100, 5)} == {
        "telemetry_clusterevent_other"
    }
    assert found["2-99"] == "telemetry_clusterevent_other"
    assert found["2-98"] == "telemetry_clusterevent_20261124"


def test_behind_a_reader_it_gives_up_and_leaves_all_as_it_was(plain: psycopg.Connection[Any]) -> None:
    make_cluster_event(uid="kept")
    with psycopg.connect(database.conninfo()) as reader:
        reader.execute("SELECT count(*) FROM telemetry_clusterevent")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            partitions.ensure_partitions(plain, [DAY], patience="50ms")
    assert partitions.partition_days(plain) == []
    assert places() == {"kept": "telemetry_clusterevent_other"}
    assert partitions.ensure_partitions(plain, [DAY]) == [DAY]


def test_inside_a_transaction_of_the_caller_it_goes_with_it(plain: psycopg.Connection[Any]) -> None:
    with plain.transaction(force_rollback=True):
        partitions.ensure_partitions(plain, [DAY])
    assert partitions.partition_days(plain) == []


def test_a_day_with_one_young_event_is_not_dropped(plain: psycopg.Connection[Any]) -> None:
    partitions.ensure_partitions(plain, [DAY])
    make_cluster_event(uid="old", last_at=NOW)
    make_cluster_event(uid="young", last_at=NOW + timedelta(days=3))
    assert partitions.drop_partition(plain, DAY, before=NOW + timedelta(days=2)) is False
    assert set(places()) == {"old", "young"}
    assert partitions.drop_partition(plain, DAY, before=NOW + timedelta(days=4)) is True
    assert places() == {}
