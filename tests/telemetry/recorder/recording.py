"""A recorder under test: a real session on the test database, against a stand-in, with short waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from telemetry.models import Cluster, ClusterEvent, CoverageGap, Recording
from telemetry.observations import Connection
from telemetry.recorder.reflector import Pace
from telemetry.recorder.resources import BY_NAME, EVENTS
from telemetry.recorder.session import Session, WatchedCluster
from tests import database
from tests.running import wait_for

QUICK = Pace(
    first_delay=0.02,
    longest_delay=0.1,
    denied_delay=0.1,
    absent_delay=0.1,
    healthy_after=5,
    silence=2,
    unproven=1,
    watch_least=20,
    watch_most=20,
    lead_every=0.03,
)
CLUSTER = 1


def watched(stand_in: Any, **overrides: Any) -> WatchedCluster:
    fields: dict[str, Any] = {"id": CLUSTER, "name": "prod-eu", "fingerprint": ""} | overrides
    connection = Connection(
        name="prod-eu",
        kubeconfig=stand_in.kubeconfig(),
        allow_private=True,
        digest_key=b"a key of a test, 32 bytes long",
    )
    return WatchedCluster(connection=connection, **fields)


def make_recorded_cluster() -> Cluster:
    return Cluster.objects.get_or_create(pk=CLUSTER, defaults={"name": "prod-eu"})[0]


@contextmanager
def recorder(
    stand_in: Any, *resources: str, pace: Pace = QUICK, leader: str = "here:1", **overrides: Any
) -> Iterator[Session]:
    """Ends by itself; a session that failed makes the test fail."""
    stopping, problems = threading.Event(), list[BaseException]()
    make_recorded_cluster()
    session = Session(
        cluster=watched(stand_in, **overrides),
        conninfo=database.conninfo(),
        leader=leader,
        stopping=stopping,
        pace=pace,
        recorded=[BY_NAME[name] for name in resources or (EVENTS,)],
    )

    def run() -> None:
        try:
            session.run()
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield session
    finally:
        stopping.set()
        thread.join(20)
    if problems:
        raise problems[0]


def archived(cluster: int = CLUSTER) -> dict[str, ClusterEvent]:
    rows = list(ClusterEvent.objects.filter(cluster_id=cluster))
    found = {row.uid: row for row in rows}
    assert len(found) == len(rows), "an Event stands twice in the archive"
    return found


def gaps(resource: str = EVENTS) -> list[CoverageGap]:
    return list(CoverageGap.objects.filter(cluster_id=CLUSTER, resource=resource))


def recording(resource: str = EVENTS) -> Recording:
    return Recording.objects.get(cluster_id=CLUSTER, resource=resource)


def until_state(state: str, resource: str = EVENTS) -> Recording:
    found = Recording.objects.filter(cluster_id=CLUSTER, resource=resource, state=state)
    return wait_for(found.first, f"{resource} to be {state}")


def until_archived(truth: dict[str, dict[str, Any]], what: str = "the archive to equal the server") -> None:
    """Every Event of the server stands in the archive as the server had it last."""
    wait_for(lambda: is_archived(truth), what)


def is_archived(truth: dict[str, dict[str, Any]], cluster: int = CLUSTER) -> bool:
    found = archived(cluster)
    return found.keys() >= truth.keys() and all(
        found[uid].resource_version == event["metadata"]["resourceVersion"] for uid, event in truth.items()
    )


def make_event(number: int, **overrides: Any) -> dict[str, Any]:
    """A core/v1 Event as a controller writes it; `number` makes its uid and name."""
    stamp = "2026-11-21T06:37:08Z"
    fields: dict[str, Any] = {
        "metadata": {
            "name": f"checkout.{number:x}",
            "namespace": "shop",
            "uid": f"00000000-0000-4000-8000-{number:012x}",
            "creationTimestamp": stamp,
        },
        "involvedObject": {
            "kind": "Pod",
            "namespace": "shop",
            "name": f"checkout-{number}",
            "uid": f"pod-{number}",
            "apiVersion": "v1",
        },
        "reason": "Unhealthy",
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "source": {"component": "kubelet", "host": "node-0"},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "type": "Warning",
        "eventTime": None,
    }
    return fields | overrides


def seen_again(event: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    return {**event, "count": event["count"] + 1, **overrides}


def quickly(**overrides: Any) -> Pace:
    return replace(QUICK, **overrides)
