"""Lists and watches of a real server's outage, as they come into the archive."""

from __future__ import annotations

import itertools

import pytest

from telemetry.models import ObjectSnapshot
from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.telemetry.recorder.recording import (
    archived,
    gaps,
    make_event,
    recorder,
    recording,
    seen_again,
    until_archived,
    until_state,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_recorded_outage_is_kept_event_by_event(committed: None) -> None:
    with WatchedClusterStandIn() as server:
        steps = server.steps("core-v1-events")
        for step in steps[:20]:
            step()
        with recorder(server):
            until_state("watching")
            for step in steps[20:]:
                step()
            until_archived(server.truth("events"))
        rows = archived()
        assert len(rows) == len(server.truth("events"))
        for uid, event in server.truth("events").items():
            row = rows[uid]
            assert (row.reason, row.about_name) == (event["reason"], event["involvedObject"]["name"])
            assert row.message == event["message"]
    assert gaps() == []
    assert recording().state == "stopped"
    assert recording().received >= 54


def test_a_rising_count_updates_one_row(committed: None) -> None:
    with WatchedClusterStandIn() as server, recorder(server):
        until_state("watching")
        event = server.put("events", make_event(1))
        for _ in range(5):
            event = server.put("events", seen_again(event, lastTimestamp="2026-11-21T06:40:00Z"))
        until_archived(server.truth("events"))
        (row,) = archived().values()
    assert (row.count, row.highest_count) == (6, 6)
    assert (row.last_at - row.first_at).total_seconds() == 172


def test_a_count_that_goes_down_keeps_the_most_that_was_seen(committed: None) -> None:
    with WatchedClusterStandIn() as server, recorder(server):
        event = server.put("events", make_event(1, count=50))
        until_archived(server.truth("events"))
        server.put("events", {**event, "count": 2})
        until_archived(server.truth("events"))
        (row,) = archived().values()
    assert (row.count, row.highest_count) == (2, 50)


def test_a_peak_that_came_and_went_in_one_breath_is_kept(committed: None) -> None:
    with WatchedClusterStandIn() as server:
        with recorder(server):
            until_state("watching")
        for count in (1, 9, 2):
            server.put("events", make_event(1, count=count))
        with recorder(server):
            until_archived(server.truth("events"))
            (row,) = archived().values()
    assert (row.count, row.highest_count) == (2, 9)


def test_an_event_that_the_server_forgets_stays(committed: None) -> None:
    with WatchedClusterStandIn() as server, recorder(server):
        event = server.put("events", make_event(1))
        until_archived(server.truth("events"))
        server.delete("events", event["metadata"]["uid"])
        (row,) = wait_for(lambda: [one for one in archived().values() if one.gone_at], "the deletion")
    assert row.message == event["message"]


def test_a_second_start_goes_on_from_the_checkpoint_without_a_list(committed: None) -> None:
    with WatchedClusterStandIn(opaque=True) as server:
        server.put("events", make_event(1))
        with recorder(server):
            until_archived(server.truth("events"))
            until_state("watching")
        listed = [asked for asked in server.requests if asked.path.endswith("/events") and "watch" not in asked.query]
        server.put("events", make_event(2))
        with recorder(server):
            until_archived(server.truth("events"))
        again = [asked for asked in server.requests if asked.path.endswith("/events") and "watch" not in asked.query]
    assert len(listed) == len(again)
    assert gaps() == []


@pytest.mark.parametrize("form", ["line", "status"])
def test_changes_that_the_server_no_longer_has_become_a_gap(committed: None, form: str) -> None:
    with WatchedClusterStandIn() as server:
        server.expired_form = form
        server.put("events", make_event(1))
        with recorder(server):
            until_state("watching")
            until_archived(server.truth("events"))
        server.put("events", make_event(2))
        server.delete("events", make_event(2)["metadata"]["uid"])
        server.put("events", make_event(3))
        server.compact()
        server.put("events", make_event(4))
        with recorder(server):
            wait_for(lambda: len(archived()) == 3, "the list after the gap")
    (gap,) = gaps()
    assert gap.reason == "expired"
    assert gap.started_at < gap.ended_at
    assert "00000000-0000-4000-8000-000000000002" not in archived()


def test_objects_are_kept_as_they_changed_and_without_secrets(committed: None) -> None:
    with WatchedClusterStandIn() as server, recorder(server, "apps/deployments", "pods", "nodes"):
        until_state("watching", "pods")
        until_state("watching", "apps/deployments")
        until_state("watching", "nodes")
        for name in ("deployments", "pods", "nodes"):
            server.replay(name)
        last = {change.object["metadata"]["uid"]: change for change in server.changes("pods")}
        wait_for(
            lambda: (
                ObjectSnapshot.objects.filter(resource="pods", until_at=None).count()
                == sum(change.type != "DELETED" for change in last.values())
            ),
            "the pods",
        )
        checkout = wait_for(
            lambda: len(found := list(ObjectSnapshot.objects.filter(kind="Deployment", name="checkout"))) > 5 and found,
            "the deployment",
        )
    images = [row.body["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2] for row in checkout]
    assert list(dict.fromkeys(images)) == ["1.41.0", "1.42.0"]
    assert images[-1] == "1.41.0"
    assert all(before.until_at == after.changed_at for before, after in itertools.pairwise(checkout))
    assert not ObjectSnapshot.objects.filter(body__icontains="hunter2-not-for-storage").exists()
    variables = checkout[0].body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [variable.keys() for variable in variables] == [{"name", "valueDigest"}] * 2
