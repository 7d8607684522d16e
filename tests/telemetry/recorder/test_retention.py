"""What the archive keeps, what it lets go, and the days it makes ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.utils import timezone

from telemetry.models import ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from telemetry.recorder import partitions, retention
from telemetry.tasks import keep_archive
from tests import database
from tests.builders import (
    NOW,
    make_cluster,
    make_cluster_event,
    make_ending,
    make_gap,
    make_recording,
    make_snapshot,
)

CUTOFF = NOW + timedelta(days=2)
OLD, YOUNG = CUTOFF - timedelta(seconds=1), CUTOFF
TODAY = date(2026, 11, 21)


@pytest.fixture
def plain(committed: None) -> Iterator[psycopg.Connection[Any]]:
    """Without days that another test made."""
    with psycopg.connect(database.conninfo(), autocommit=True) as found:
        drop_days(found)
        yield found
        drop_days(found)


def drop_days(found: psycopg.Connection[Any]) -> None:
    for day in partitions.partition_days(found):
        partitions.drop_partition(found, day, before=datetime.max.replace(tzinfo=UTC))


def let_go() -> dict[str, int]:
    return retention.let_go(before=CUTOFF, seconds=60)


def kept() -> set[str]:
    return set(ClusterEvent.objects.values_list("uid", flat=True))


def test_a_day_whose_events_all_ended_is_dropped_as_a_whole(plain: psycopg.Connection[Any]) -> None:
    partitions.ensure_partitions(plain, [TODAY, TODAY + timedelta(days=2)])
    make_cluster_event(uid="old", last_at=OLD)
    assert let_go()["days"] == 1
    assert partitions.partition_days(plain) == [TODAY + timedelta(days=2)]


def test_of_a_day_with_a_younger_event_the_old_ones_go(plain: psycopg.Connection[Any]) -> None:
    partitions.ensure_partitions(plain, [TODAY])
    make_cluster_event(uid="old", last_at=OLD)
    make_cluster_event(uid="goes-on", last_at=YOUNG)
    assert let_go() == {
        "days": 0,
        "telemetry_clusterevent": 1,
        "telemetry_objectsnapshot": 0,
        "telemetry_containerending": 0,
        "telemetry_coveragegap": 0,
    }
    assert kept() == {"goes-on"}


def test_old_events_of_the_default_partition_go(plain: psycopg.Connection[Any]) -> None:
    make_cluster_event(uid="old", created_at=NOW - timedelta(days=400), last_at=OLD)
    make_cluster_event(uid="young", created_at=NOW + timedelta(days=400), last_at=YOUNG)
    let_go()
    assert kept() == {"young"}


@pytest.mark.django_db
def test_states_that_ended_go_and_the_present_ones_stay_however_old() -> None:
    make_snapshot(uid="ended", changed_at=OLD - timedelta(days=1), until_at=OLD)
    make_snapshot(uid="just-ended", changed_at=OLD, until_at=YOUNG)
    make_snapshot(uid="present", changed_at=NOW - timedelta(days=900))
    let_go()
    assert set(ObjectSnapshot.objects.values_list("uid", flat=True)) == {"just-ended", "present"}


@pytest.mark.django_db
def test_endings_and_gaps_go_by_age() -> None:
    for at in (OLD, YOUNG):
        make_ending(finished_at=at)
        make_gap(started_at=at - timedelta(minutes=1), ended_at=at)
    let_go()
    assert [row.finished_at for row in ContainerEnding.objects.all()] == [YOUNG]
    assert [row.ended_at for row in CoverageGap.objects.all()] == [YOUNG]


@pytest.mark.django_db
def test_the_recording_begins_where_the_archive_now_begins() -> None:
    make_recording(since=NOW)
    make_recording(resource="pods", since=YOUNG + timedelta(hours=1))
    make_recording(resource="nodes", since=None)
    let_go()
    assert dict(Recording.objects.values_list("resource", "since")) == {
        "events": CUTOFF,
        "pods": YOUNG + timedelta(hours=1),
        "nodes": None,
    }


def test_rows_of_a_removed_cluster_go_and_those_of_others_stay(plain: psycopg.Connection[Any]) -> None:
    partitions.ensure_partitions(plain, [TODAY])
    here, gone = make_cluster(), make_cluster(name="gone")
    young = {"last_at": YOUNG}
    for cluster, uid in ((here, "here"), (gone, "gone")):
        make_cluster_event(cluster=cluster, uid=uid, **young)
        make_cluster_event(cluster=cluster, uid=f"{uid}-elsewhere", created_at=NOW + timedelta(days=40), **young)
        make_snapshot(cluster=cluster)
        make_ending(cluster=cluster, finished_at=YOUNG)
        make_gap(cluster=cluster, ended_at=YOUNG)
    gone.delete()
    let_go()
    assert kept() == {"here", "here-elsewhere"}
    for model in (ObjectSnapshot, ContainerEnding, CoverageGap):
        assert set(model.objects.values_list("cluster_id", flat=True)) == {here.pk}


def test_what_does_not_fit_into_the_time_waits_for_the_next_run(plain: psycopg.Connection[Any]) -> None:
    partitions.ensure_partitions(plain, [TODAY])
    make_cluster_event(uid="old", last_at=OLD)
    assert retention.let_go(before=CUTOFF, seconds=-1)["days"] == 0
    assert kept() == {"old"}


def test_behind_a_long_reader_the_rest_is_still_done(plain: psycopg.Connection[Any]) -> None:
    partitions.ensure_partitions(plain, [TODAY])
    make_cluster_event(uid="old", last_at=OLD)
    make_gap(ended_at=OLD)
    with psycopg.connect(database.conninfo()) as reader:
        reader.execute("SELECT count(*) FROM telemetry_clusterevent")
        assert retention.make_days(TODAY + timedelta(days=20)) == []
        assert let_go() == {
            "days": 0,
            "telemetry_clusterevent": 1,
            "telemetry_objectsnapshot": 0,
            "telemetry_containerending": 0,
            "telemetry_coveragegap": 1,
        }


def test_the_hourly_task_makes_yesterday_to_a_week_ahead(plain: psycopg.Connection[Any]) -> None:
    keep_archive()
    today = timezone.now().astimezone(UTC).date()
    assert partitions.partition_days(plain) == [today + timedelta(days=offset) for offset in range(-1, 8)]


def test_bootstrap_makes_the_days_that_the_recorder_begins_with(plain: psycopg.Connection[Any]) -> None:
    call_command("bootstrap")
    assert timezone.now().astimezone(UTC).date() in partitions.partition_days(plain)
