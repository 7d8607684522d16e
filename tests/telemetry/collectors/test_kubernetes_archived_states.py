"""Deleted objects, states in between, last lines, and the state at the start: what the archive alone knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from telemetry.models import Cluster, ContainerEnding
from telemetry.observations import Scope, Status
from telemetry.redaction import redact_text
from tests.builders import make_cluster, make_ending, make_recording, make_snapshot
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.archiving import (
    archive_outage,
    archiving,
    batch,
    keyed,
    live,
    record,
    state,
)
from tests.telemetry.collectors.asking import CHECKOUT, ask, at

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cluster(server: KubernetesStandIn) -> Cluster:
    return make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)


def test_a_deleted_replica_set_still_shows_its_rollout(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    revisions = server.collections["/apis/apps/v1", "replicasets"]["items"]
    released = next(item for item in revisions if item["metadata"]["name"] == "checkout-5659678678")
    record(
        cluster, [batch("apps/replicasets", [state("apps/replicasets", released, now=at("06:50:00"), is_gone=True)])]
    )
    server.edit("replicasets", lambda items: items.remove(released))
    _, found = ask(archiving(cluster), "rollouts")
    told = next(one for one in found if one.subject["name"] == "checkout" and one.payload["to_revision"] == 2)
    assert told.payload["diff"][0]["after"] == "registry.example/shop/checkout:1.42.0"


def test_a_rollback_is_dated_by_its_recorded_change(cluster: Cluster, server: KubernetesStandIn) -> None:
    items = server.collections["/apis/apps/v1", "replicasets"]["items"]
    again = next(item for item in items if item["metadata"]["name"] == "checkout-5bbc75684d")
    before = json.loads(json.dumps(again))
    before["metadata"]["annotations"].pop("deployment.kubernetes.io/revision-history")
    before["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    for item, moment in ((before, "2026-11-21T06:37:09Z"), (again, "2026-11-21T06:38:04Z")):
        item["metadata"]["managedFields"] = [{"time": moment}]
    record(cluster, [batch("apps/replicasets", [state("apps/replicasets", before)])])
    archive_outage(cluster, server)
    _, found = ask(archiving(cluster), "rollouts")
    told = next(one for one in found if one.subject["name"] == "checkout" and one.payload["to_revision"] == 3)
    assert (told.payload["time_source"], told.first_at) == ("recorded_change", at("06:38:04"))


def test_a_node_that_came_back_is_told_with_both_changes(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    node = json.loads(json.dumps(server.collections["/api/v1", "nodes"]["items"][1]))
    for condition in node["status"]["conditions"]:
        good = "True" if condition["type"] == "Ready" else "False"
        condition.update(status=good, lastTransitionTime="2026-11-21T06:50:00Z")
    node["metadata"]["managedFields"] = [{"time": "2026-11-21T06:50:00Z"}]
    record(cluster, [batch("nodes", [state("nodes", node)])])
    _, found = ask(archiving(cluster), "nodes")
    ready = sorted(
        (one.first_at, one.payload["status"], one.payload["pods_total"] > 0)
        for one in found
        if one.payload["condition"] == "Ready" and one.payload["node"] == "node-1"
    )
    assert [(status, pods) for _, status, pods in ready][-2:] == [("Unknown", True), ("True", False)]


def test_ends_of_a_pod_that_is_gone_are_told_with_its_last_lines(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    make_ending(
        cluster=cluster,
        pod="checkout-5bbc75684d-gonex",
        pod_uid="pod-gone",
        container="checkout",
        container_id="containerd://dead",
        workload_kind="Deployment",
        workload_name="checkout",
        finished_at=at("06:38:40"),
        exit_code=137,
        reason="OOMKilled",
        restarts=2,
        log="2026-11-21T06:38:38Z ERROR out of memory\n2026-11-21T06:38:39Z ERROR giving up",
        log_status="complete",
        log_lines=2,
    )
    _, restarts = ask(archiving(cluster), "restarts", scope=CHECKOUT)
    told = keyed(restarts)["restart:pod-gone:checkout:2026-11-21T06:38:40Z"]
    assert told.title == "checkout of checkout-5bbc75684d-gonex ended (exit code 137, SIGKILL, OOMKilled)"
    assert told.payload["workload"]["name"] == "checkout"
    _, logs = ask(archiving(cluster), "logs", scope=CHECKOUT)
    log = next(one for one in logs if one.payload["pod"] == "checkout-5bbc75684d-gonex")
    assert (log.title, log.payload["previous"], log.count) == (
        "Previous log of checkout in checkout-5bbc75684d-gonex",
        True,
        2,
    )
    assert not any("gonex" in path for path in server.paths())


def test_a_log_that_nobody_could_read_is_named_with_its_reason(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    fields: dict[str, Any] = {"cluster": cluster, "finished_at": at("06:38:40"), "workload_kind": "Deployment"}
    make_ending(pod_uid="a", pod="gone-a", log_status="gone", log_reason="The pod was gone.", **fields)
    make_ending(pod_uid="b", pod="gone-b", **fields)
    outcome, _ = ask(archiving(cluster), "logs")
    words = "\n".join(outcome.warnings)
    assert "gone-a/app (previous), ended 2026-11-21T06:38:40Z: The pod was gone." in words
    assert "gone-b/app (previous), ended 2026-11-21T06:38:40Z: the recorder has not read its last lines yet" in words


def test_last_lines_never_replace_a_whole_log(cluster: Cluster, server: KubernetesStandIn) -> None:
    _, asked = ask(live(cluster), "logs")
    whole = next(one for one in asked if one.payload["previous"])
    archive_outage(cluster, server)
    pod = next(
        item
        for item in server.collections["/api/v1", "pods"]["items"]
        if item["metadata"]["name"] == whole.payload["pod"]
    )
    ended = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
    make_ending(
        cluster=cluster,
        pod=whole.payload["pod"],
        pod_uid=f"{pod['metadata']['uid']}",
        container=whole.payload["container"],
        container_id=ended["containerID"],
        finished_at=at("06:39:07.5"),
        log="2026-11-21T06:38:59Z the very last",
        log_status="complete",
        log_truncated=True,
    )
    _, read = ask(archiving(cluster), "logs")
    assert keyed(read)[whole.dedup_key].payload == whole.payload
    assert f"{whole.dedup_key.removesuffix(':previous')}:last-lines" not in keyed(read)
    server.fault(f"/api/v1/namespaces/shop/pods/{whole.payload['pod']}/log", "404")
    _, read = ask(archiving(cluster), "logs")
    last = keyed(read)[f"{whole.dedup_key.removesuffix(':previous')}:last-lines"]
    assert (last.title.split()[:2], last.flags) == (["Last", "lines"], {"truncated": True})


def test_a_log_that_is_archived_whole_is_not_asked_for_again(cluster: Cluster, server: KubernetesStandIn) -> None:
    _, asked = ask(live(cluster), "logs")
    whole = next(one for one in asked if one.payload["previous"])
    pod = next(
        item
        for item in server.collections["/api/v1", "pods"]["items"]
        if item["metadata"]["name"] == whole.payload["pod"]
    )
    ended = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
    archive_outage(cluster, server)
    make_ending(
        cluster=cluster,
        pod=whole.payload["pod"],
        pod_uid=pod["metadata"]["uid"],
        container=whole.payload["container"],
        container_id=ended["containerID"],
        finished_at=at("06:39:07.5"),
        log="2026-11-21T06:38:59Z ERROR all of it",
        log_status="complete",
    )
    server.requests.clear()
    _, read = ask(archiving(cluster), "logs")
    assert keyed(read)[whole.dedup_key].count == 1
    logs = [one for one in server.requests if whole.payload["pod"] in one.path and one.query.get("previous")]
    assert logs == []


def test_a_log_that_is_archived_under_its_own_life_is_not_kept_again(
    cluster: Cluster, server: KubernetesStandIn
) -> None:
    """A kubelet may be ahead of what the API says of its containers."""
    _, asked = ask(live(cluster), "logs")
    whole = next(one for one in asked if one.payload["previous"])
    name, container = whole.payload["pod"], whole.payload["container"]
    body = server.log(namespace="shop", pod=name, query={"container": container, "previous": "true"}).body
    archive_outage(cluster, server)
    ended = ContainerEnding.objects.filter(pod=name, finished_at__range=(whole.first_at, whole.last_at + SECOND))
    assert ended.update(log=redact_text(body.decode().rstrip("\n")).text, log_status="complete") == 1
    _, read = ask(archiving(cluster), "logs")
    (same,) = [one for one in read if one.payload["pod"] == name and one.payload["previous"]]
    assert (same.first_at, same.last_at, same.count) == (whole.first_at, whole.last_at, whole.count)
    assert same.dedup_key != whole.dedup_key


def test_the_state_at_the_start_is_told_not_the_state_now(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    scope = replace(CHECKOUT, started_at=at("06:37:25"))
    outcome, found = ask(archiving(cluster), "state", scope=scope)
    assert outcome.status is Status.COMPLETE
    summary = next(one for one in found if one.dedup_key.startswith("state:"))
    assert summary.payload["images"] == ["registry.example/shop/checkout:1.42.0"]
    assert summary.first_at == at("06:37:25")
    assert summary.title.startswith("checkout when it began: ")
    changes = next(one for one in found if one.dedup_key.startswith("state-change:"))
    images = [(row["before"], row["after"]) for row in changes.payload["diff"] if row["path"] == "image"]
    assert [(old.rpartition(":")[2], new.rpartition(":")[2]) for old, new in images] == [
        ("1.41.0", "1.42.0"),
        ("1.42.0", "1.41.0"),
    ]
    assert server.paths() == []
    earlier = ask(archiving(cluster), "state", scope=replace(CHECKOUT, started_at=at("06:37:15")))[1]
    before = next(one for one in earlier if one.dedup_key == summary.dedup_key)
    assert before.payload["images"] == ["registry.example/shop/checkout:1.41.0"]


def test_an_object_that_stayed_as_it_was_has_no_difference(cluster: Cluster, server: KubernetesStandIn) -> None:
    make_recording(cluster=cluster, resource="apps/deployments", since=at("06:00:00"), heard_at=at("07:10:00"))
    make_snapshot(cluster=cluster, changed_at=at("06:10:00"), body={"metadata": {"name": "checkout", "uid": "d"}})
    _, found = ask(archiving(cluster), "state", scope=Scope())
    assert [one.dedup_key for one in found] == ["state:d"]


def test_who_was_not_recorded_is_told_why_the_state_is_unknown(cluster: Cluster, server: KubernetesStandIn) -> None:
    outcome, found = ask(archiving(cluster), "state")
    assert (outcome.status, found) == (Status.NOT_CONFIGURED, [])
    assert "The recorder was not watching then" in outcome.reason
    assert "Let the recorder watch this cluster" in outcome.remedy
    make_recording(cluster=cluster, resource="apps/deployments", since=at("07:30:00"), heard_at=at("08:00:00"))
    assert ask(archiving(cluster), "state")[0].status is Status.NOT_CONFIGURED


def test_a_state_that_only_gives_another_reason_is_no_change(cluster: Cluster, server: KubernetesStandIn) -> None:
    make_recording(cluster=cluster, resource="apps/deployments", since=at("06:00:00"), heard_at=at("07:10:00"))

    def deployment(ready: int, *conditions: tuple[str, str, str]) -> dict[str, Any]:
        told = [{"type": kind, "status": status, "reason": reason} for kind, status, reason in conditions]
        status = {"readyReplicas": ready, "conditions": told}
        return {"metadata": {"name": "checkout", "uid": "d"}, "spec": {"replicas": 3}, "status": status}

    bodies = [
        deployment(3, ("Progressing", "True", "NewReplicaSetAvailable")),
        deployment(3, ("Progressing", "True", "ReplicaSetUpdated"), ("Available", "True", "MinimumReplicasAvailable")),
        deployment(
            1, ("Progressing", "True", "ReplicaSetUpdated"), ("Available", "False", "MinimumReplicasUnavailable")
        ),
    ]
    times = [at("06:10:00"), at("06:30:00"), at("06:40:00"), None]
    for place, body in enumerate(bodies):
        make_snapshot(cluster=cluster, uid="d", changed_at=times[place], until_at=times[place + 1], body=body)
    _, found = ask(archiving(cluster), "state", scope=Scope())
    changes = keyed(found)["state-change:d"]
    assert changes.payload["diff"] == [
        {"path": "ready", "before": "3 of 3", "after": "1 of 3", "at": "2026-11-21T06:40:00Z"},
        {
            "path": "condition Available",
            "before": "True (MinimumReplicasAvailable)",
            "after": "False (MinimumReplicasUnavailable)",
            "at": "2026-11-21T06:40:00Z",
        },
    ]
    assert (changes.title, changes.first_at) == ("Deployment checkout changed: ready, condition Available", times[2])


def test_what_came_and_went_in_the_window_is_told(cluster: Cluster, server: KubernetesStandIn) -> None:
    make_recording(cluster=cluster, resource="apps/deployments", since=at("06:00:00"), heard_at=at("07:10:00"))
    body = {"metadata": {"name": "canary", "uid": "c", "creationTimestamp": "2026-11-21T06:30:00Z"}}
    times = {"changed_at": at("06:30:00"), "until_at": at("06:50:00")}
    make_snapshot(cluster=cluster, uid="c", name="canary", body=body, ended="deleted", **times)
    _, found = ask(archiving(cluster), "state", scope=Scope())
    told = keyed(found)["state-change:c"]
    assert told.title == "Deployment canary was created, was deleted"
    assert (told.first_at, told.last_at) == (times["changed_at"], times["until_at"])
