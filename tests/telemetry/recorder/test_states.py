"""Which changes of an object make a new state, and when that state began."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from telemetry.models import ObjectSnapshot
from telemetry.recorder.resources import BY_NAME
from telemetry.recorder.states import state_of
from telemetry.redaction import Redactor
from tests import database
from tests.running import wait_for
from tests.stand_ins.api_server import RECORDINGS
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.telemetry.recorder.recording import recorder, until_state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(committed: None) -> Iterator[WatchedClusterStandIn]:
    with WatchedClusterStandIn() as stand_in:
        yield stand_in


def node(*, heartbeat: str, ready: str = "True", written: str = "2026-11-21T06:37:00Z") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "reason": "KubeletReady", "lastHeartbeatTime": heartbeat}]
    return {
        "metadata": {
            "name": "node-0",
            "uid": "node-0",
            "creationTimestamp": "2026-11-20T00:00:00Z",
            "managedFields": [{"manager": "kubelet", "time": written}],
        },
        "status": {"conditions": conditions, "images": [{"names": ["registry.example/a-long-list"]}]},
    }


def states(count: int, **filters: Any) -> list[ObjectSnapshot]:
    rows = ObjectSnapshot.objects.filter(**filters).order_by("id")
    return wait_for(lambda: len(found := list(rows.all())) >= count and found, f"{count} states")


def test_a_heartbeat_is_no_new_state_and_a_condition_is(server: WatchedClusterStandIn) -> None:
    with recorder(server, "nodes"):
        until_state("watching", "nodes")
        for minute in range(5):
            server.put("nodes", node(heartbeat=f"2026-11-21T06:3{minute}:00Z"))
        server.put("nodes", node(heartbeat="2026-11-21T06:36:00Z", ready="Unknown", written="2026-11-21T06:37:42Z"))
        first, second = states(2)
    assert (first.ended, first.until_at, second.until_at) == ("replaced", second.changed_at, None)
    assert [row.body["status"]["conditions"][0]["status"] for row in (first, second)] == ["True", "Unknown"]


def test_a_status_that_tells_of_a_later_change_dates_its_state() -> None:
    """As kubelets of 1.20 write: another restart is told, the time of managedFields is not."""
    lines = map(json.loads, (RECORDINGS / "pods-watch.ndjson").read_text().splitlines())
    pods = [line["object"] for line in lines if line["object"]["metadata"].get("name") == "checkout-5bbc75684d-flwhw"]
    now = datetime(2026, 11, 21, 6, 39, 54, tzinfo=UTC)
    found = [state_of(pod, BY_NAME["pods"], now=now, redactor=Redactor()) for pod in pods]
    began = {state.resource_version: f"{state.changed_at:%H:%M:%S}" for state in found if state}
    assert {version: began[version] for version in ("320", "365", "390", "424", "440")} == {
        "320": "06:37:08",
        "365": "06:37:30",
        "390": "06:38:00",
        "424": "06:39:00",
        "440": "06:39:30",
    }
    # A clock that runs ahead dates nothing.
    assert began["472"] == "06:39:30"


def test_a_state_begins_when_the_cluster_wrote_it_not_when_it_arrived(server: WatchedClusterStandIn) -> None:
    server.put("nodes", node(heartbeat="2026-11-21T06:30:00Z", written="2026-11-21T06:37:42Z"))
    with recorder(server, "nodes"):
        (found,) = states(1)
    assert found.changed_at.isoformat() == "2026-11-21T06:37:42+00:00"
    assert found.received_at > found.changed_at


def test_a_server_whose_clock_runs_ahead_puts_no_state_into_the_future(server: WatchedClusterStandIn) -> None:
    server.put("nodes", node(heartbeat="2026-11-21T06:30:00Z", written="2031-01-01T00:00:00Z"))
    with recorder(server, "nodes"):
        (found,) = states(1)
    assert abs((found.changed_at - found.received_at).total_seconds()) < 5


def test_a_deletion_ends_the_last_state_and_a_later_namesake_is_another_object(server: WatchedClusterStandIn) -> None:
    pod = {"metadata": {"name": "web-0", "namespace": "shop", "uid": "first"}, "spec": {"nodeName": "node-0"}}
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod)
        states(1, uid="first")
        server.delete("pods", "first")
        server.put("pods", {**pod, "metadata": {**pod["metadata"], "uid": "second"}})
        (second,) = states(1, uid="second")
    (first,) = states(1, uid="first")
    assert (first.ended, second.ended, second.until_at) == ("deleted", "", None)


def test_an_object_that_came_and_went_unseen_leaves_its_last_state(server: WatchedClusterStandIn) -> None:
    with recorder(server, "pods"):
        until_state("watching", "pods")
    server.put("pods", {"metadata": {"name": "job-x", "namespace": "shop", "uid": "brief"}, "spec": {}})
    server.delete("pods", "brief")
    with recorder(server, "pods"):
        (found,) = states(1, uid="brief")
        wait_for(lambda: ObjectSnapshot.objects.get(uid="brief").until_at, "its end")
    found.refresh_from_db()
    assert found.ended == "deleted"


def test_lists_of_images_and_secrets_are_not_kept(server: WatchedClusterStandIn) -> None:
    with recorder(server, "nodes", "pods"):
        until_state("watching", "pods")
        server.put("nodes", node(heartbeat="2026-11-21T06:30:00Z"))
        server.replay("pods")
        wait_for(lambda: ObjectSnapshot.objects.filter(resource="pods").count() > 20, "the pods")
        states(1, resource="nodes")
    assert database.places_of("a-long-list") == []
    assert database.places_of("hunter2-not-for-storage") == []
