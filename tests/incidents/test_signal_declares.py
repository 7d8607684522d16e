"""From an Event of a cluster, through the recorder and a real worker, to a declared incident with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.alerting import watch_signals
from incidents.models import Incident, IncidentProposal, SignalWatch
from telemetry.models import ClusterEvent, ContainerEnding
from tests.builders import make_cluster, make_incident, make_policy
from tests.incidents.collecting.outage import collected
from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.telemetry.recorder.recording import make_event, recorder, seen_again

pytestmark = pytest.mark.xdist_group("worker")
POD = "checkout-5bbc75684d-flwhw"


@pytest.fixture
def server(committed: None, worker: None) -> Iterator[WatchedClusterStandIn]:
    with WatchedClusterStandIn() as stand_in:
        yield stand_in


def stamp(seconds_ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(seconds=seconds_ago):%Y-%m-%dT%H:%M:%SZ}"


def crash_loop(number: int = 1) -> dict[str, Any]:
    event = make_event(
        number,
        reason="BackOff",
        message="Back-off restarting failed container",
        firstTimestamp=stamp(120),
        lastTimestamp=stamp(5),
        count=9,
    )
    event["metadata"]["creationTimestamp"] = event["firstTimestamp"]
    event["involvedObject"] |= {"name": POD, "uid": "pod-1"}
    return event


def pod_out_of_memory() -> dict[str, Any]:
    ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": stamp(60), "finishedAt": stamp(5)}
    owner = {"kind": "ReplicaSet", "name": "checkout-5bbc75684d", "uid": "rs", "controller": True}
    return {
        "metadata": {
            "name": POD,
            "namespace": "shop",
            "uid": "pod-1",
            "labels": {"pod-template-hash": "5bbc75684d"},
            "ownerReferences": [owner],
        },
        "spec": {"nodeName": "node-0", "containers": [{"name": "app"}]},
        "status": {
            "containerStatuses": [
                {"name": "app", "restartCount": 1, "state": {"running": {}}, "lastState": {"terminated": ended}}
            ]
        },
    }


def test_a_crash_loop_in_a_cluster_becomes_an_incident_with_evidence(server: WatchedClusterStandIn) -> None:
    cluster = make_cluster(name="prod-live", kubeconfig=server.kubeconfig(), allow_private=True)
    make_policy(action="declare", severity="SEV2")
    with recorder(server, "events", id=cluster.pk):
        event = server.put("events", crash_loop())
        wait_for(ClusterEvent.objects.filter(cluster=cluster, signal="crash-loop").exists, "the Event")
        watch_signals.delay()
        incident = wait_for(Incident.objects.first, "the incident")
        server.put("events", seen_again(event, lastTimestamp=stamp(0)))
        wait_for(ClusterEvent.objects.filter(count=10).exists, "the Event's next count")
        watch_signals.delay()
        wait_for(IncidentProposal.objects.filter(count=10).exists, "the next look")
    collected(incident)
    assert (incident.title, incident.severity.name) == ("Crash loop: checkout in shop", "SEV2")
    assert [one.name for one in incident.clusters.all()] == ["prod-live"]
    (line,) = incident.timeline.filter(detail__signal="crash-loop")
    assert (line.title, line.level) == ("BackOff", "error")
    told = incident.timeline.get(title="Declared by the signal Crash loop")
    assert told.text.startswith("Root Admin turned this on under Signals. Seen 9 times since")
    assert (Incident.objects.count(), IncidentProposal.objects.count()) == (1, 1)


def test_a_container_without_memory_joins_the_open_incident_of_its_place(server: WatchedClusterStandIn) -> None:
    cluster = make_cluster(name="prod-live", kubeconfig=server.kubeconfig(), allow_private=True)
    make_policy(signal="oom-killed", action="declare")
    incident = make_incident(now=datetime.now(UTC), clusters=[cluster])
    with recorder(server, "pods", id=cluster.pk):
        server.put("pods", pod_out_of_memory())
        wait_for(ContainerEnding.objects.filter(reason="OOMKilled").exists, "the ending")
        watch_signals.delay()
        proposal = wait_for(IncidentProposal.objects.first, "the proposal")
    assert (proposal.state, proposal.incident) == ("joined", incident)
    assert (proposal.kind, proposal.name, proposal.title) == (
        "Deployment",
        "checkout",
        "Out of memory: checkout in shop",
    )
    assert proposal.words == f"app of {POD} ended: OOMKilled, exit code 137"
    assert Incident.objects.count() == 1


def test_with_everything_off_a_look_leaves_a_mark_and_nothing_else(server: WatchedClusterStandIn) -> None:
    cluster = make_cluster(name="prod-live", kubeconfig=server.kubeconfig(), allow_private=True)
    with recorder(server, "events", id=cluster.pk):
        server.put("events", crash_loop())
        wait_for(ClusterEvent.objects.filter(cluster=cluster, signal="crash-loop").exists, "the Event")
    watch_signals.delay()
    wait_for(SignalWatch.objects.exists, "the look")
    assert not IncidentProposal.objects.exists()
    assert not Incident.objects.exists()
