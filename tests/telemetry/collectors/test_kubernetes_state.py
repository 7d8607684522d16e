"""Rollouts, restarts, nodes and logs of the recorded outage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry.collectors.kubernetes import KubernetesCollector
from telemetry.observations import Budget, Connection, EvidenceType, Level, Observation, Scope, Status, Window, Workload
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.asking import CHECKOUT, ask, at, written

NOUNS = ("events", "rollouts", "restarts", "nodes", "logs")


@pytest.fixture
def cluster() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


def collector(cluster: KubernetesStandIn) -> KubernetesCollector:
    return KubernetesCollector(Connection(name="eu", kubeconfig=cluster.kubeconfig(), allow_private=True))


def rollouts_of(found: list[Observation], name: str) -> dict[int, Observation]:
    return {one.payload["to_revision"]: one for one in found if one.subject["name"] == name}


def test_a_release_shows_what_it_changed(cluster: KubernetesStandIn) -> None:
    outcome, found = ask(collector(cluster), "rollouts")
    release = rollouts_of(found, "checkout")[2]
    assert outcome.status is Status.COMPLETE
    assert release.title == "checkout revision 1 → 2"
    assert release.first_at == at("06:37:20")
    assert release.payload["diff"] == [
        {
            "path": "image",
            "before": "registry.example/shop/checkout:1.41.0",
            "after": "registry.example/shop/checkout:1.42.0",
        },
        {"path": "memory request", "before": "64Mi", "after": "900Gi"},
        {"path": "memory limit", "before": "128Mi", "after": "900Gi"},
    ]
    assert release.payload["cause"] == "release 1.42.0"


def test_a_rollback_is_told_as_one_and_says_how_its_time_is_known(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "rollouts")
    rollback = rollouts_of(found, "checkout")[3]
    assert (rollback.payload["rollback"], rollback.first_at) == (True, at("06:38:08"))
    assert rollback.payload["time_source"] == "progressing_condition"
    assert rollback.payload["diff"][0]["after"] == "registry.example/shop/checkout:1.41.0"


def test_a_scaling_event_dates_a_rollback_better_than_the_condition(cluster: KubernetesStandIn) -> None:
    def scale(items: list[Any]) -> None:
        event = json.loads(json.dumps(next(item for item in items if item["reason"] == "ScalingReplicaSet")))
        event["message"] = "Scaled up replica set checkout-5bbc75684d from 2 to 3"
        event["metadata"]["uid"] = "scaled-back"
        event["firstTimestamp"] = event["lastTimestamp"] = "2026-11-21T06:38:05Z"
        items.append(event)

    cluster.edit("events", scale)
    _, found = ask(collector(cluster), "rollouts")
    rollback = rollouts_of(found, "checkout")[3]
    assert (rollback.payload["time_source"], rollback.first_at) == ("scaling_event", at("06:38:05"))


def test_a_revision_whose_time_nothing_tells_is_named_and_not_dated(cluster: KubernetesStandIn) -> None:
    cluster.edit("deployments", lambda items: items[0]["status"].update(conditions=[]))
    outcome, found = ask(collector(cluster), "rollouts")
    assert sorted(rollouts_of(found, "checkout")) == [1, 2]
    assert "Revision 3 of Deployment shop/checkout" in outcome.warnings[0]


def test_the_first_revision_has_no_difference(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "rollouts")
    first = rollouts_of(found, "checkout")[1]
    assert (first.payload["from_revision"], first.payload["diff"]) == (None, [])
    assert first.title == "checkout revision 1 rolled out, 3 replicas"


def test_stateful_sets_come_from_their_controller_revisions(cluster: KubernetesStandIn) -> None:
    def upgrade(items: list[Any]) -> None:
        second = json.loads(json.dumps(items[0]))
        second["metadata"] |= {"name": "orders-db-2", "uid": "two", "creationTimestamp": "2026-11-21T06:50:00Z"}
        second["revision"] = 2
        container = second["data"]["spec"]["template"]["spec"]["containers"][0]
        container |= {"image": "registry.example/postgres:17", "env": [{"name": "PGPASSWORD", "value": "hunter3"}]}
        container["livenessProbe"] = {"httpGet": {"path": "/livez", "port": 80}}
        items.append(second)

    cluster.edit("controllerrevisions", upgrade)
    _, found = ask(collector(cluster), "rollouts")
    paths = {line["path"]: line["after"] for line in rollouts_of(found, "orders-db")[2].payload["diff"]}
    assert paths == {
        "image": "registry.example/postgres:17",
        "env PGPASSWORD": "(value not stored)",
        "livenessProbe.httpGet.path": "/livez",
        "livenessProbe.httpGet.port": "80",
    }
    assert "hunter3" not in written(*found)


def test_a_changed_variable_is_told_without_either_value(cluster: KubernetesStandIn) -> None:
    def change(items: list[Any]) -> None:
        items[0]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "hunter4"

    cluster.edit("replicasets", change)
    _, found = ask(collector(cluster), "rollouts")
    lines = rollouts_of(found, "checkout")[2].payload["diff"]
    assert {
        "path": "env DB_PASSWORD",
        "before": "(value not stored)",
        "after": "(other value, not stored)",
    } in lines
    assert "hunter" not in written(*found)


def test_restarts_tell_exit_code_count_and_what_they_wait_for(cluster: KubernetesStandIn) -> None:
    outcome, found = ask(collector(cluster), "restarts")
    restarts = [one for one in found if one.payload["change"] == "restart"]
    assert outcome.status is Status.COMPLETE
    assert [(one.payload["pod"], one.first_at) for one in restarts] == [
        ("checkout-5bbc75684d-flwhw", at("06:39:30")),
        ("checkout-5bbc75684d-krlcc", at("06:39:37")),
    ]
    payload = restarts[0].payload
    assert (payload["exit_code"], payload["restarts"], payload["waiting_reason"]) == (0, 4, "CrashLoopBackOff")
    assert payload["workload"] == {"kind": "Deployment", "namespace": "shop", "name": "checkout"}
    assert restarts[0].subject["node"] == "node-2"


def test_pods_that_never_started_wait_with_their_reason(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "restarts")
    waiting = {one.payload["pod"]: one for one in found if one.payload["change"] == "waiting"}
    assert set(waiting) == {"checkout-5659678678-btdn9", "report-writer"}
    assert "unbound immediate PersistentVolumeClaims" in waiting["report-writer"].payload["message"]
    assert waiting["report-writer"].first_at == at("06:39:44")


def test_init_containers_and_kills_for_memory_are_told(cluster: KubernetesStandIn) -> None:
    def kill(items: list[Any]) -> None:
        killed = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-21T06:41:00Z"}
        status = {"name": "migrate", "restartCount": 1, "state": {"running": {}}, "lastState": {"terminated": killed}}
        items[-1]["status"]["initContainerStatuses"] = [status]

    cluster.edit("pods", kill)
    _, found = ask(collector(cluster), "restarts")
    (killed,) = [one for one in found if one.payload["container"] == "migrate"]
    assert killed.payload["init"] is True
    assert killed.level is Level.ERROR
    assert "exit code 137, SIGKILL, OOMKilled" in killed.title


def test_a_workload_scope_leaves_other_pods_out(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "restarts", scope=CHECKOUT)
    assert {one.payload["workload"]["name"] for one in found} == {"checkout"}


def test_labels_narrow_the_pods_on_the_server(cluster: KubernetesStandIn) -> None:
    scope = Scope(namespaces=("shop",), labels={"app": "orders-db", "bad key!": "x"})
    outcome, found = ask(collector(cluster), "restarts", scope=scope)
    assert cluster.requests[0].query["labelSelector"] == "app=orders-db"
    assert (outcome.status, outcome.fetched, found) == (Status.EMPTY, 2, [])


def test_a_lost_node_is_one_change_with_its_zone_taints_and_pods(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "nodes")
    (lost,) = [one for one in found if one.level is Level.ERROR]
    assert (lost.title, lost.first_at) == ("Node node-1 not ready (zone-1)", at("06:37:42"))
    assert lost.payload["pods"] == ["shop/checkout-5bbc75684d-j6hpv", "shop/orders-db-0"]
    assert lost.payload["taints"][0]["key"] == "node.kubernetes.io/unreachable"
    assert lost.payload["status"] == "Unknown"


def test_node_changes_outside_the_window_are_left_out(cluster: KubernetesStandIn) -> None:
    outcome, found = ask(collector(cluster), "nodes", window=Window(at("06:50:00"), at("06:55:00")))
    assert (outcome.status, found) == (Status.EMPTY, [])


def test_logs_of_this_life_and_the_one_before_are_kept(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "logs")
    logs = {(one.payload["pod"], one.payload["previous"]): one for one in found}
    pods = ("checkout-5bbc75684d-flwhw", "checkout-5bbc75684d-krlcc")
    assert set(logs) == {(pod, previous) for pod in pods for previous in (True, False)}
    payload = logs[pods[0], True].payload
    assert (payload["shown"], payload["total"], payload["errors"]) == (44, 44, 30)
    assert payload["patterns"][0]["level"] == "error"
    assert sum(bucket["count"] for bucket in payload["histogram"]) == 44
    assert all(one.type is EvidenceType.LOG for one in found)


def test_each_container_that_cannot_be_read_is_named_with_its_reason(cluster: KubernetesStandIn) -> None:
    outcome, _ = ask(collector(cluster), "logs")
    assert outcome.status is Status.PARTIAL
    assert "checkout-5bbc75684d-j6hpv/checkout" in outcome.reason
    told = "\n".join(outcome.warnings)
    assert "report-writer: no container ever started" in told
    assert "orders-db-0/postgres: answered 500" in told


def test_healthy_pods_of_a_named_workload_are_read_too(cluster: KubernetesStandIn) -> None:
    scope = Scope(workloads=(Workload("Deployment", "shop", "web"),))
    outcome, found = ask(collector(cluster), "logs", scope=scope)
    assert (outcome.status, [one.payload["pod"] for one in found]) == (Status.COMPLETE, ["web-56775b6cdd-w6p7j"])
    assert found[0].level is Level.ERROR


def test_a_previous_log_that_is_gone_is_told_and_costs_nothing_else(cluster: KubernetesStandIn) -> None:
    def restart(items: list[Any]) -> None:
        items[-1]["status"]["containerStatuses"][0]["restartCount"] = 1

    cluster.edit("pods", restart)
    scope = Scope(workloads=(Workload("Deployment", "shop", "web"),))
    outcome, found = ask(collector(cluster), "logs", scope=scope)
    assert outcome.status is Status.COMPLETE
    assert "web-56775b6cdd-w6p7j/web (previous): answered 400" in outcome.warnings[0]
    assert len(found) == 1


def test_a_pod_that_is_gone_is_told_as_gone(cluster: KubernetesStandIn) -> None:
    cluster.fault("/api/v1/namespaces/shop/pods/", 404)
    outcome, found = ask(collector(cluster), "logs")
    assert found == []
    assert "answered 404" in outcome.reason
    assert "gone" in outcome.remedy


def test_a_missing_right_to_read_logs_comes_with_its_rule(cluster: KubernetesStandIn) -> None:
    cluster.deny("", "pods/log")
    outcome, _ = ask(collector(cluster), "logs")
    assert '- apiGroups: [""]\n  resources: ["pods/log"]\n  verbs: ["get"]' in outcome.remedy


def test_log_lines_outside_the_window_are_left_out(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "logs", window=Window(at("06:38:50"), at("06:39:02")))
    assert {one.payload["pod"] for one in found} == {"checkout-5bbc75684d-flwhw", "checkout-5bbc75684d-krlcc"}
    assert all(at("06:38:50") <= one.first_at <= one.last_at < at("06:39:02") for one in found)


def test_the_request_budget_names_the_logs_that_were_not_read(cluster: KubernetesStandIn) -> None:
    outcome, found = ask(collector(cluster), "logs", budget=Budget(deadline_seconds=5, requests=3))
    assert (outcome.status, outcome.truncated_by, len(found)) == (Status.TRUNCATED, "requests", 2)
    assert any(words.startswith("Not read: ") for words in outcome.warnings)


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("scope", [Scope(), CHECKOUT], ids=["cluster", "workload"])
def test_no_secret_of_the_recording_is_in_anything_collected(
    cluster: KubernetesStandIn, noun: str, scope: Scope
) -> None:
    outcome, found = ask(collector(cluster), noun, scope=scope)
    assert found
    assert "hunter2" not in written(outcome, *found)
    assert "stand-in-token" not in written(outcome, *found)


@pytest.mark.parametrize("noun", NOUNS)
def test_asking_twice_finds_the_same(cluster: KubernetesStandIn, noun: str) -> None:
    first, second = (ask(collector(cluster), noun)[1] for _ in range(2))
    assert [one.digest() for one in first] == [one.digest() for one in second]


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("fault", ["401", "500", "garbage", "cut"])
def test_every_noun_ends_in_an_outcome(cluster: KubernetesStandIn, noun: str, fault: str) -> None:
    cluster.fault("/api", fault)
    outcome, found = ask(collector(cluster), noun)
    assert outcome.status in {Status.UNAUTHENTICATED, Status.ERROR}
    assert found == []


def test_a_cluster_without_an_api_group_says_so(cluster: KubernetesStandIn) -> None:
    cluster.fault("/apis/apps", 404)
    outcome, _ = ask(collector(cluster), "rollouts")
    assert outcome.status is Status.NOT_INSTALLED
    assert "does not serve apps/v1" in outcome.reason


def test_one_missing_list_leaves_the_rollouts_of_the_others(cluster: KubernetesStandIn) -> None:
    cluster.deny("apps", "statefulsets")
    outcome, found = ask(collector(cluster), "rollouts")
    assert outcome.status is Status.PARTIAL
    assert sorted(rollouts_of(found, "checkout")) == [1, 2, 3]
