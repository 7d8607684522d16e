"""What servers, networks and clocks do to a watch: nothing is lost without a gap that says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from telemetry.models import Cluster, ObjectSnapshot, Recording
from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.stand_ins.watching import Trouble
from tests.telemetry.recorder.recording import (
    archived,
    gaps,
    make_event,
    quickly,
    recorder,
    recording,
    until_archived,
    until_state,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(committed: None) -> Iterator[WatchedClusterStandIn]:
    with WatchedClusterStandIn() as stand_in:
        yield stand_in


def fill(server: WatchedClusterStandIn, first: int, last: int) -> None:
    for number in range(first, last):
        server.put("events", make_event(number))


def injected(line: bytes) -> Trouble:
    return Trouble(inject=line, inject_after_events=2)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(cut_after_bytes=1_000),
        Trouble(cut_after_bytes=10),
        Trouble(close_after_events=1, times=4),
        Trouble(close_after_seconds=0.05, times=4),
        Trouble(silent=True),
        Trouble(refuse=(401, "Unauthorized", "Unauthorized"), times=2),
        Trouble(refuse=(429, "TooManyRequests", "slow down"), times=2),
        Trouble(refuse=(500, "InternalError", "etcd is away"), times=3),
        Trouble(refuse=(503, "ServiceUnavailable", "starting"), times=2),
    ],
    ids=["cut", "cut-at-once", "closes", "closes-by-time", "half-open", "401", "429", "500", "503"],
)
def test_a_broken_watch_loses_nothing_and_leaves_no_gap(server: WatchedClusterStandIn, trouble: Trouble) -> None:
    server.trouble("events", trouble)
    fill(server, 0, 3)
    with recorder(server, pace=quickly(silence=0.4)):
        wait_for(archived, "the list")
        fill(server, 3, 12)
        until_archived(server.truth("events"))
    assert gaps() == []
    assert recording().dropped == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"type":"ADDED","object":{"kind":"Event","meta', "not JSON"),
        (b'{"type":"ADDED","object":{"metadata":{"name":"' + b"x" * 10_000_000 + b'"}}}', "more than 4 MiB"),
        (json.dumps({"type": "RENAMED", "object": make_event(90)}).encode(), "unknown type 'RENAMED'"),
        (b'{"type":"ADDED","object":{"metadata":{}}}', "without a name or a time"),
        (b"[]", "without a type"),
    ],
    ids=["cut-json", "10-MB", "unknown-type", "nameless", "no-object"],
)
def test_a_line_that_cannot_be_read_is_skipped_and_becomes_a_gap(
    server: WatchedClusterStandIn, line: bytes, told: str
) -> None:
    server.trouble("events", injected(line))
    with recorder(server):
        until_state("watching")
        fill(server, 0, 8)
        until_archived(server.truth("events"))
    (gap,) = gaps()
    assert gap.reason == "unreadable"
    assert told in gap.detail
    assert recording().dropped == 1


def test_a_server_without_bookmarks_is_heard_by_the_ends_of_its_watches(server: WatchedClusterStandIn) -> None:
    server.bookmark_seconds = 1_000
    with recorder(server):
        listed = until_state("watching").heard_at
        wait_for(lambda: recording().heard_at > listed, "the end of a quiet watch")
        assert recording().state == "watching"
    assert {one.query["timeoutSeconds"] for one in server.watches("events")} == {"1"}


def test_a_server_with_bookmarks_is_watched_for_long(server: WatchedClusterStandIn) -> None:
    with recorder(server):
        wait_for(lambda: len(server.watches("events")) > 1, "the second watch")
    assert [one.query["timeoutSeconds"] for one in server.watches("events")][:2] == ["1", "20"]


def test_an_event_about_nothing_is_kept(server: WatchedClusterStandIn) -> None:
    bare = make_event(1)
    del bare["involvedObject"]
    with recorder(server):
        server.put("events", bare)
        until_archived(server.truth("events"))
    (row,) = archived().values()
    assert (row.about_kind, row.about_name, row.reason) == ("", "", "Unhealthy")
    assert gaps() == []


def test_clocks_that_are_hours_off_are_kept_as_told(server: WatchedClusterStandIn) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=9)).replace(microsecond=0)
    with recorder(server):
        until_state("watching")
        server.put("events", make_event(1, lastTimestamp=ahead.isoformat().replace("+00:00", "Z")))
        server.put("events", make_event(2, firstTimestamp="2001-01-01T00:00:00Z"))
        until_archived(server.truth("events"))
        lag = recording().lag_seconds
    late, early = sorted(archived().values(), key=lambda row: row.last_at, reverse=True)
    assert late.last_at == ahead
    assert early.first_at.year == 2001
    assert lag is not None
    assert lag >= 0
    assert recording().last_event_at <= datetime.now(UTC)


def test_times_that_no_clock_means_do_not_stop_the_rest(server: WatchedClusterStandIn) -> None:
    odd = make_event(1, firstTimestamp="0001-01-01T00:00:00Z", lastTimestamp="9999-12-31T23:59:59Z", count=10**12)
    naive = make_event(6, lastTimestamp="2026-11-21T06:40:00", eventTime="2026-11-21T06:39:00Z")
    worse = make_event(2, firstTimestamp="yesterday", lastTimestamp=17, count="many", message="nul \x00 \ud800 half")
    with recorder(server):
        server.put("events", odd)
        server.put("events", worse)
        server.put("events", naive)
        fill(server, 3, 5)
        until_archived(server.truth("events"))
    rows = archived()
    assert rows[odd["metadata"]["uid"]].last_at.year == 2026
    assert rows[odd["metadata"]["uid"]].count == 2**31 - 1
    assert rows[worse["metadata"]["uid"]].count == 1
    assert rows[naive["metadata"]["uid"]].last_at.isoformat() == "2026-11-21T06:39:00+00:00"
    assert rows[worse["metadata"]["uid"]].message.startswith("nul ")
    assert gaps() == []


def test_a_refused_resource_says_which_rule_is_missing_and_goes_on_when_it_is_given(
    server: WatchedClusterStandIn,
) -> None:
    fill(server, 0, 3)
    server.deny("", "events")
    with recorder(server):
        denied = until_state("denied")
        assert 'cannot list resource "events"' in denied.reason
        assert 'resources: ["events"]' in denied.remedy
        assert '"watch"' in denied.remedy
        server.denied.clear()
        until_archived(server.truth("events"))
        assert until_state("watching").reason == ""


def test_a_right_that_is_taken_away_for_a_while_leaves_no_gap(server: WatchedClusterStandIn) -> None:
    with recorder(server):
        until_state("watching")
        fill(server, 0, 2)
        until_archived(server.truth("events"))
        server.deny("", "events")
        server.drop_watches()
        until_state("denied")
        fill(server, 2, 6)
        server.denied.clear()
        until_archived(server.truth("events"))
    assert gaps() == []


def test_a_resource_that_the_cluster_does_not_serve_is_no_fault_of_the_others(server: WatchedClusterStandIn) -> None:
    with recorder(server, "events", "velero.io/backups", "policy/poddisruptionbudgets"):
        absent = until_state("not_installed", "velero.io/backups")
        assert "does not serve velero.io/v1" in absent.reason
        # The recorded server is old: it has policy/v1beta1 alone.
        until_state("watching", "policy/poddisruptionbudgets")
        until_state("watching")


def test_a_list_that_expires_in_the_middle_begins_anew(server: WatchedClusterStandIn) -> None:
    fill(server, 0, 1_200)
    server.trouble("events", Trouble(times=1), on="list")
    server.trouble("events", Trouble(refuse=(410, "Expired", "too old")), on="list")
    with recorder(server):
        until_archived(server.truth("events"))
    asked = [one.query.get("continue", "") for one in server.requests if one.path.endswith("/events")]
    assert asked.count("") >= 2
    assert gaps() == []


def test_a_list_whose_page_is_cut_is_asked_for_again(server: WatchedClusterStandIn) -> None:
    fill(server, 0, 20)
    server.trouble("events", Trouble(cut_after_bytes=300, times=2), on="list")
    with recorder(server):
        until_archived(server.truth("events"))


def test_a_cluster_restored_from_a_backup_is_listed_anew_with_a_gap(server: WatchedClusterStandIn) -> None:
    with recorder(server):
        until_state("watching")
        fill(server, 0, 4)
        until_archived(server.truth("events"))
        words = "Too large resource version: 999, current: 7"
        server.trouble("events", Trouble(refuse=(504, "Timeout", words)))
        server.drop_watches()
        fill(server, 4, 6)
        until_archived(server.truth("events"))
        wait_for(gaps, "the gap")


def test_another_cluster_at_the_same_address_is_told_apart(server: WatchedClusterStandIn) -> None:
    with recorder(server, "events", "pods"):
        until_state("watching")
        server.replay("pods")
        fill(server, 0, 2)
        until_archived(server.truth("events"))
        wait_for(ObjectSnapshot.objects.filter(until_at=None).exists, "the pods")
    server.replace("another-uid")
    # As a preflight of the new kubeconfig does, before the recorder has seen it.
    Cluster.objects.update(uid="another-uid")
    with recorder(server, "events", "pods"):
        fill(server, 10, 12)
        until_archived(server.truth("events"))
        wait_for(lambda: not ObjectSnapshot.objects.filter(until_at=None).exists(), "the pods of the first to end")
    assert {gap.reason for gap in gaps()} == {"replaced"}
    assert len(archived()) == 4


def test_an_object_that_is_gone_after_an_outage_ends_as_missed(server: WatchedClusterStandIn) -> None:
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.replay("pods")
        uids = set(server.state.of("pods").living)
        rows = ObjectSnapshot.objects.filter(until_at=None)
        wait_for(lambda: set(rows.values_list("uid", flat=True)) == uids, "the pods")
    gone = sorted(uids)[0]
    server.delete("pods", gone)
    server.compact()
    with recorder(server, "pods"):
        until_state("watching", "pods")
        ended = wait_for(lambda: ObjectSnapshot.objects.filter(uid=gone, ended="missed").first(), "its end")
    assert ended.until_at is not None
    assert [gap.reason for gap in gaps("pods")] == ["expired"]


def test_what_the_database_refuses_becomes_a_gap_and_the_rest_is_kept(server: WatchedClusterStandIn) -> None:
    from telemetry.recorder.batches import Batch
    from telemetry.recorder.decoding import event_line
    from telemetry.recorder.events import EventRows
    from telemetry.recorder.leadership import connect
    from telemetry.recorder.store import Store
    from telemetry.redaction import Redactor
    from tests import database
    from tests.telemetry.recorder.recording import CLUSTER, make_recorded_cluster

    make_recorded_cluster()
    made = EventRows(Redactor())
    lines = [json.dumps({"type": "ADDED", "object": make_event(number)}).encode() for number in range(3)]
    rows = [list(made.row(event_line(line).object) or ()) for line in lines]
    rows[1][3] = "a name with \x00"
    now = datetime.now(UTC)
    with connect(database.conninfo(), name="tests") as connection:
        store = Store(connection, cluster_id=CLUSTER, leader="here")
        store.checkpoints(["events"])
        store.write(
            [Batch("events", [tuple(row) for row in rows], resource_version="9", heard_at=now, received=3)], now
        )
    assert len(archived()) == 2
    (gap,) = gaps()
    assert gap.detail == "1 rows that the database refused"
    assert gap.started_at < gap.ended_at
    kept = Recording.objects.get()
    assert (kept.resource_version, kept.received, kept.stored, kept.dropped) == ("9", 3, 2, 1)
