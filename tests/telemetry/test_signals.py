"""What the rules recognise: Events as they were recorded, or as the sources of Kubernetes and of others write them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from telemetry.signals import (
    BY_NAME,
    RULES,
    signal_of_condition,
    signal_of_container,
    signal_of_event,
    signals_of_object,
)
from tests.stand_ins.api_server import RECORDINGS

# (signal, reason, kind and name of the object, message). kubelet, scheduler and controllers of 1.20 to 1.34, the
# node problem detector, the CSI snapshotter, Stash.
WRITTEN = [
    ("oom-killed", "SystemOOM", "Node/node-1", "System OOM encountered, victim process: java, pid: 4242"),
    ("oom-killed", "OOMKilling", "Node/node-1", "Memory cgroup out of memory: Killed process 1012 (java)"),
    ("crash-loop", "BackOff", "Pod/checkout-1", "Back-off restarting failed container"),
    ("crash-loop", "BackOff", "Pod/checkout-1", "Back-off restarting failed container app in pod checkout-1_shop(5b)"),
    ("failed-scheduling", "FailedScheduling", "Pod/checkout-1", "0/3 nodes are available: 3 Insufficient memory."),
    ("", "FailedScheduling", "Pod/checkout-1", "skip schedule deleting pod: shop/checkout-1"),
    ("failed-rollout", "FailedCreate", "ReplicaSet/checkout-5b", 'Error creating: pods "checkout-5b-" is forbidden: x'),
    ("failed-rollout", "FailedCreate", "StatefulSet/db", "create Pod db-0 in StatefulSet db failed error: forbidden"),
    (
        "failed-rollout",
        "ReplicaSetCreateError",
        "Deployment/checkout",
        'Failed to create new replica set "checkout-5b"',
    ),
    ("", "FailedCreate", "CronJob/report", "Error creating job: jobs.batch is forbidden"),
    ("node-not-ready", "NodeNotReady", "Node/node-1", "Node node-1 status is now: NodeNotReady"),
    ("node-not-ready", "NodeNotReady", "Pod/checkout-1", "Node is not ready"),
    ("", "NodeNotSchedulable", "Node/node-1", "Node node-1 status is now: NodeNotSchedulable"),
    ("failed-mount", "FailedMount", "Pod/db-0", 'MountVolume.SetUp failed for volume "data" : rpc error: timed out'),
    ("failed-mount", "FailedMount", "Pod/db-0", "Unable to attach or mount volumes: unmounted volumes=[data]"),
    ("failed-mount", "FailedAttachVolume", "Pod/db-0", 'Multi-Attach error for volume "pvc-1" Volume is already used'),
    ("failed-mount", "FailedBinding", "PersistentVolumeClaim/data", "no persistent volumes available for this claim"),
    (
        "",
        "FailedMount",
        "Pod/a",
        'MountVolume.SetUp failed for volume "kube-api-access" : object "shop"/"kube-root-ca.crt" not registered',
    ),
    ("probe-failed", "Unhealthy", "Pod/checkout-1", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    ("probe-failed", "Unhealthy", "Pod/checkout-1", "Liveness probe errored: rpc error: code = Unknown"),
    ("", "ProbeWarning", "Pod/checkout-1", "Liveness probe warning: Probe terminated redirects"),
    ("evicted", "Evicted", "Pod/checkout-1", "The node was low on resource: memory. Container app was using 2Gi"),
    ("evicted", "EvictionThresholdMet", "Node/node-1", "Attempting to reclaim memory"),
    ("evicted", "TaintManagerEviction", "Pod/checkout-1", "Marking for deletion Pod shop/checkout-1"),
    ("evicted", "Preempted", "Pod/checkout-1", "Preempted by pod 5bbc on node node-1"),
    ("", "TaintManagerEviction", "Pod/checkout-1", "Cancelling deletion of Pod shop/checkout-1"),
    ("image-pull-failed", "Failed", "Pod/checkout-1", 'Failed to pull image "shop/checkout:9": rpc error: not found'),
    ("image-pull-failed", "Failed", "Pod/checkout-1", "Error: ErrImagePull"),
    ("image-pull-failed", "BackOff", "Pod/checkout-1", 'Back-off pulling image "shop/checkout:9"'),
    (
        "image-pull-failed",
        "ErrImageNeverPull",
        "Pod/a",
        'Container image "a:1" is not present with pull policy of Never',
    ),
    ("image-pull-failed", "InspectFailed", "Pod/a", 'Failed to apply default image tag "A": invalid reference format'),
    ("", "Failed", "Pod/checkout-1", 'Error: configmap "settings" not found'),
    ("", "Failed", "Pod/imaginary", "Error: failed to start container: exec: /imager: no such file"),
    ("failed-backup", "BackupSession Failed", "BackupSession/db-17", "backup failed for host: host-0"),
    ("failed-backup", "Host Backup Failed", "BackupSession/db-17", "Failed to take backup for host host-0"),
    ("failed-backup", "SnapshotCreationFailed", "VolumeSnapshotContent/s", "Failed to create snapshot with error x"),
    (
        "failed-backup-job",
        "BackoffLimitExceeded",
        "Job/db-backup-29012345",
        "Job has reached the specified backoff limit",
    ),
    ("failed-backup-job", "DeadlineExceeded", "Job/orders-pgdump-1", "Job was active longer than specified deadline"),
    ("", "BackoffLimitExceeded", "Job/mail-29012345", "Job has reached the specified backoff limit"),
    ("", "BackOff", "Job/checkout", "Back-off restarting failed container"),
    ("", "Pulled", "Pod/checkout-1", "Successfully pulled image"),
]


@pytest.mark.parametrize(("signal", "reason", "about", "message"), WRITTEN)
def test_an_event_is_recognised_by_reason_object_and_message(
    signal: str, reason: str, about: str, message: str
) -> None:
    kind, name = about.split("/", 1)
    assert signal_of_event(reason=reason, kind=kind, name=name, message=message) == signal


def test_every_rule_that_reads_events_has_an_event_above() -> None:
    assert {rule.name for rule in RULES if rule.reasons} <= {signal for signal, *_ in WRITTEN}


def recorded(name: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (RECORDINGS / f"{name}-watch.ndjson").read_text().splitlines())
    return [line["object"] for line in lines if line["type"] in {"ADDED", "MODIFIED"}]


def test_the_recorded_outage_shows_its_signals_and_nothing_else() -> None:
    found = Counter(
        signal_of_event(
            reason=event["reason"],
            kind=event["involvedObject"]["kind"],
            name=event["involvedObject"]["name"],
            message=event["message"],
        )
        for event in recorded("core-v1-events")
    )
    del found[""]
    assert found == {"failed-scheduling": 7, "failed-mount": 4, "node-not-ready": 2}


def test_the_recorded_states_show_theirs() -> None:
    told = {
        kind: Counter(one for item in recorded(watch) for one in signals_of_object(kind, item))
        for watch, kind in (("pods", "Pod"), ("nodes", "Node"), ("deployments", "Deployment"))
    }
    assert set(told["Pod"]) == {"crash-loop", "failed-scheduling"}
    assert set(told["Node"]) == {"node-not-ready"}
    assert not told["Deployment"]


def body(name: str = "thing", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": status}


def condition(type_: str, status: str, reason: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": status, "reason": reason}]}


@pytest.mark.parametrize(
    ("kind", "item", "signals"),
    [
        ("Deployment", body(**condition("Progressing", "False", "ProgressDeadlineExceeded")), ["failed-rollout"]),
        ("Deployment", body(**condition("Progressing", "False", "Paused")), []),
        ("Deployment", body(**condition("ReplicaFailure", "True", "FailedCreate")), ["failed-rollout"]),
        ("Node", body(**condition("Ready", "Unknown", "NodeStatusUnknown")), ["node-not-ready"]),
        ("Node", body(**condition("Ready", "True", "KubeletReady")), []),
        ("Pod", body(**condition("Ready", "False", "ContainersNotReady")), []),
        ("Pod", body(**condition("PodScheduled", "False", "SchedulingGated")), []),
        ("Pod", body(**condition("DisruptionTarget", "True", "DeletionByTaintManager")), ["evicted"]),
        ("Pod", body(**condition("DisruptionTarget", "True", "EvictionByEvictionAPI")), []),
        ("Pod", body(phase="Failed", reason="Evicted"), ["evicted"]),
        ("Backup", body(phase="PartiallyFailed"), ["failed-backup"]),
        ("Backup", body(phase="Completed"), []),
        ("BackupSession", body(phase="Failed"), ["failed-backup"]),
        ("Job", body("db-backup-1", **condition("Failed", "True", "BackoffLimitExceeded")), ["failed-backup-job"]),
        ("Job", body("mail-1", **condition("Failed", "True", "BackoffLimitExceeded")), []),
    ],
)
def test_a_state_is_recognised_by_conditions_and_phases(kind: str, item: dict[str, Any], signals: list[str]) -> None:
    assert signals_of_object(kind, item) == signals


def test_how_an_earlier_life_ended_is_not_the_present_state() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"name": "app", "state": waits, "lastState": ended}
    assert signals_of_object("Pod", body(containerStatuses=[status])) == ["crash-loop"]
    assert signals_of_object("Pod", body(initContainerStatuses=[{"state": ended}])) == ["oom-killed"]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"status": None},
        {"status": "odd"},
        {"metadata": 1, "status": {"conditions": "x", "containerStatuses": [None, {"state": 3}], "phase": []}},
        {"metadata": {"name": None}, "status": {"conditions": [7, {"type": ["Ready"]}]}},
    ],
)
def test_a_misshapen_object_shows_nothing(item: dict[str, Any]) -> None:
    assert signals_of_object("Backup", item) == []


def test_containers_and_conditions_are_recognised_alone() -> None:
    assert signal_of_container("Error", "OOMKilled") == "oom-killed"
    assert signal_of_container("Completed", "") == ""
    told = {"kind": "Node", "name": "node-1", "type_": "Ready", "status": "False", "reason": "KubeletNotReady"}
    assert signal_of_condition(**told) == "node-not-ready"


def test_each_rule_says_what_it_matches_why_and_where_to_read_on() -> None:
    assert len(BY_NAME) == len(RULES)
    for rule in RULES:
        assert rule.matches.endswith(".")
        assert rule.why.endswith(".")
        assert rule.link.startswith("https://")
        assert len(rule.name) <= 40
