"""Velero, Stash, CSI snapshots and the Cluster Autoscaler through a stand-in with objects of the documented types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from telemetry.collectors.cluster_autoscaler import ClusterAutoscalerCollector
from telemetry.collectors.csi_snapshots import CsiSnapshotsCollector
from telemetry.collectors.stash import StashCollector
from telemetry.collectors.through_cluster import ThroughCluster
from telemetry.collectors.velero import VeleroCollector
from telemetry.observations import (
    Budget,
    Connection,
    EvidenceType,
    Level,
    Observation,
    Outcome,
    Scope,
    Status,
    Workload,
)
from tests.stand_ins.backups import (
    SNAPSHOTS,
    STASH,
    STASH_OLD,
    VELERO,
    BackedUpClusterStandIn,
    backup,
    configuration,
    content,
    obj,
    schedule,
    session,
    snapshot,
)
from tests.telemetry.collectors.asking import OUTAGE, ask, at

QUICK = Budget(deadline_seconds=2)
SHOP = Scope(namespaces=("shop",), started_at=at("06:38:00"))
EVERY = [VeleroCollector, StashCollector, CsiSnapshotsCollector, ClusterAutoscalerCollector]


@pytest.fixture
def server() -> Iterator[BackedUpClusterStandIn]:
    with BackedUpClusterStandIn() as stand_in:
        yield stand_in


def made(kind: type[ThroughCluster], server: BackedUpClusterStandIn) -> ThroughCluster:
    return kind(Connection(name="c", kubeconfig=server.kubeconfig(), allow_private=True))


def told(
    kind: type[ThroughCluster], server: BackedUpClusterStandIn, scope: Scope = SHOP, budget: Budget = QUICK
) -> tuple[Outcome, list[Observation]]:
    return ask(made(kind, server), "objects", scope=scope, budget=budget)


def points(observation: Observation) -> dict[str, str]:
    return {point["name"]: point["state"] for point in observation.payload["points"]}


def test_the_newest_usable_point_is_the_last_complete_one_before_the_incident(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "schedules", schedule())
    server.add(
        VELERO,
        "backups",
        backup("d-0", "2026-11-20T18:00:00Z"),
        backup("d-1", "2026-11-21T00:00:00Z", status={"completionTimestamp": "2026-11-21T00:03:00Z"}),
        backup("d-2", "2026-11-21T06:00:00Z", "PartiallyFailed", status={"errors": 2}),
        backup("d-3", "2026-11-21T06:50:00Z"),
    )
    outcome, (strip,) = told(VeleroCollector, server)
    assert (outcome.status, strip.type, strip.level) == (Status.COMPLETE, EvidenceType.BACKUP, Level.WARNING)
    assert points(strip) == {"d-0": "usable", "d-1": "usable", "d-2": "partial", "d-3": "usable"}
    assert strip.payload["newest_usable"]["name"] == "d-1"
    assert strip.payload["age_seconds"] == 6 * 3_600 + 38 * 60
    assert strip.payload["schedule"] == "0 */6 * * *"
    assert strip.summary == "Newest usable recovery point before the incident: d-1, 6 h 38 min before."


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("Completed", "usable"),
        ("PartiallyFailed", "partial"),
        ("FinalizingPartiallyFailed", "partial"),
        ("Failed", "failed"),
        ("FailedValidation", "failed"),
        ("InProgress", "running"),
        ("WaitingForPluginOperations", "running"),
        ("Finalizing", "running"),
        ("SomethingNew", "unknown"),
    ],
)
def test_only_a_completed_backup_is_usable(server: BackedUpClusterStandIn, phase: str, state: str) -> None:
    server.add(VELERO, "backups", backup("b", "2026-11-21T00:00:00Z", phase, schedule=""))
    _, (strip,) = told(VeleroCollector, server)
    assert points(strip) == {"b": state}
    assert (strip.payload["newest_usable"] is not None) is (state == "usable")


def test_a_storage_location_that_is_away_makes_its_points_unknown(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "backups", backup("b", "2026-11-21T00:00:00Z"))
    server.add(VELERO, "backupstoragelocations", obj("default", status={"phase": "Unavailable"}))
    _, (strip,) = told(VeleroCollector, server)
    assert points(strip) == {"b": "unknown"}
    assert "storage location default cannot be reached" in strip.payload["points"][0]["reason"]
    assert strip.level is Level.ERROR


def test_backups_of_other_namespaces_are_left_out_and_said_so(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "schedules", schedule("billing-daily", "billing"))
    outcome, found = told(VeleroCollector, server)
    assert (outcome.status, found) == (Status.EMPTY, [])
    assert outcome.warnings == ("No schedule and no backup covers shop.",)


def test_a_backup_of_everything_but_the_namespace_does_not_cover_it(server: BackedUpClusterStandIn) -> None:
    spec = {"includedNamespaces": ["*"], "excludedNamespaces": ["shop"]}
    server.add(VELERO, "backups", backup("b", "2026-11-21T00:00:00Z", spec=spec, schedule=""))
    assert told(VeleroCollector, server)[1] == []


def test_a_schedule_that_never_made_a_backup_is_shown(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "schedules", schedule(paused=True))
    _, (strip,) = told(VeleroCollector, server)
    assert (strip.level, strip.payload["paused"], strip.payload["points"]) == (Level.ERROR, True, [])


def test_a_restore_within_the_window_is_told_with_how_it_ended(server: BackedUpClusterStandIn) -> None:
    status = {"phase": "PartiallyFailed", "startTimestamp": "2026-11-21T06:45:00Z", "errors": 1, "warnings": 3}
    status["completionTimestamp"] = "2026-11-21T06:52:00Z"
    server.add(VELERO, "restores", obj("r", spec={"backupName": "d-1", "includedNamespaces": ["shop"]}, status=status))
    server.add(
        VELERO, "restores", obj("old", spec={}, status={"phase": "Completed", "startTimestamp": "2026-11-01T00:00:00Z"})
    )
    _, (restore,) = told(VeleroCollector, server)
    assert restore.title == "Velero restore r succeeded in part"
    assert (restore.payload["seconds"], restore.payload["reason"]) == (420.0, "1 error; 3 warnings")


def test_stash_believes_a_session_that_has_a_snapshot_to_show(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupconfigurations", configuration())
    repository = {"integrity": True, "snapshotCount": 7, "totalSize": "1.2 GiB"}
    server.add(STASH_OLD, "repositories", obj("orders-gcs", "shop", status=repository))
    server.add(
        STASH,
        "backupsessions",
        session("s-0", "2026-11-21T05:30:00Z"),
        session("s-1", "2026-11-21T06:00:00Z", snapshots=0),
        session("s-2", "2026-11-21T06:30:00Z", "Failed", error="password=hunter2 was refused", snapshots=0),
    )
    outcome, (strip,) = told(StashCollector, server)
    assert outcome.status is Status.COMPLETE
    assert points(strip) == {"s-0": "usable", "s-1": "unknown", "s-2": "failed"}
    assert strip.payload["newest_usable"]["name"] == "s-0"
    assert strip.payload["covers"] == "statefulset/orders-db in shop"
    assert "7 snapshots" in strip.payload["notes"]
    assert "hunter2" not in str(strip)
    assert outcome.redactions == {"assigned-secret": 1}


def test_a_repository_that_is_not_intact_leaves_nothing_to_restore(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupconfigurations", configuration())
    server.add(STASH_OLD, "repositories", obj("orders-gcs", "shop", status={"integrity": False}))
    server.add(STASH, "backupsessions", session("s-0", "2026-11-21T05:30:00Z"))
    _, (strip,) = told(StashCollector, server)
    assert points(strip) == {"s-0": "failed"}
    assert "integrity" in strip.payload["points"][0]["reason"]


def test_stash_leaves_out_targets_of_other_workloads(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupconfigurations", configuration())
    server.add(STASH, "backupsessions", session("s-0", "2026-11-21T05:30:00Z"))
    checkout = Scope(workloads=(Workload("Deployment", "shop", "checkout"),), started_at=at("06:38:00"))
    assert told(StashCollector, server, checkout)[0].status is Status.EMPTY
    orders = Scope(workloads=(Workload("StatefulSet", "shop", "orders-db"),), started_at=at("06:38:00"))
    assert len(told(StashCollector, server, orders)[1]) == 1


@pytest.mark.parametrize(
    ("changed", "state", "reason"),
    [
        ({}, "usable", ""),
        ({"ready": None}, "unknown", "does not say"),
        ({"ready": False}, "running", "not ready yet"),
        ({"ready": False, "error": {"message": "quota exceeded"}}, "failed", "quota exceeded"),
        ({"content": "content-of-nobody"}, "failed", "is gone"),
    ],
)
def test_a_snapshot_is_usable_when_it_is_ready_and_bound(
    server: BackedUpClusterStandIn, changed: dict[str, Any], state: str, reason: str
) -> None:
    server.add(SNAPSHOTS, "volumesnapshots", snapshot("n", "2026-11-21T05:00:00Z", **changed))
    server.add(SNAPSHOTS, "volumesnapshotcontents", content("n"))
    _, (strip,) = told(CsiSnapshotsCollector, server)
    assert points(strip) == {"n": state}
    assert reason in strip.payload["points"][0]["reason"]
    assert strip.payload["covers"] == "claim data-orders-db-0 in shop"


def test_a_content_that_names_another_snapshot_makes_it_unusable(server: BackedUpClusterStandIn) -> None:
    server.add(SNAPSHOTS, "volumesnapshots", snapshot("n", "2026-11-21T05:00:00Z"))
    server.add(SNAPSHOTS, "volumesnapshotcontents", content("n", uid="uid-of-another"))
    _, (strip,) = told(CsiSnapshotsCollector, server)
    assert points(strip) == {"n": "failed"}


def test_contents_that_may_not_be_read_leave_it_unknown(server: BackedUpClusterStandIn) -> None:
    server.add(SNAPSHOTS, "volumesnapshots", snapshot("n", "2026-11-21T05:00:00Z"))
    server.deny("snapshot.storage.k8s.io", "volumesnapshotcontents")
    outcome, (strip,) = told(CsiSnapshotsCollector, server)
    assert (outcome.status, points(strip)) == (Status.PARTIAL, {"n": "unknown"})
    assert 'resources: ["volumesnapshotcontents"]' in outcome.remedy


def autoscaler_event(reason: str, kind: str, namespace: str, **more: Any) -> dict[str, Any]:
    event = {
        "metadata": {"name": f"{reason}-{namespace}", "namespace": namespace, "uid": f"{reason}-{kind}-{namespace}"},
        "involvedObject": {"kind": kind, "namespace": namespace, "name": "it"},
        "reason": reason,
        "message": f"{reason} of it",
        "source": {"component": "cluster-autoscaler"},
        "firstTimestamp": "2026-11-21T06:40:00Z",
        "lastTimestamp": "2026-11-21T06:40:00Z",
        "count": 1,
        "type": "Normal",
    }
    return event | more


def test_the_autoscaler_is_heard_in_every_namespace(server: BackedUpClusterStandIn) -> None:
    events = [
        autoscaler_event("TriggeredScaleUp", "Pod", "shop"),
        autoscaler_event("NotTriggerScaleUp", "Pod", "billing"),
        autoscaler_event("ScaleDown", "Node", "default"),
        autoscaler_event("ScaledUpGroup", "ConfigMap", "kube-system"),
        autoscaler_event(
            "ScaleDownFailed",
            "Node",
            "default",
            lastTimestamp="2026-11-20T01:00:00Z",
            firstTimestamp="2026-11-20T01:00:00Z",
        ),
    ]
    server.edit("events", lambda items: items.extend(events))
    outcome, found = told(ClusterAutoscalerCollector, server)
    assert outcome.status is Status.COMPLETE
    assert {(one.payload["reason"], one.level) for one in found} == {
        ("TriggeredScaleUp", Level.INFO),
        ("ScaleDown", Level.WARNING),
        ("ScaledUpGroup", Level.INFO),
    }


def test_a_silent_autoscaler_proves_nothing(server: BackedUpClusterStandIn) -> None:
    outcome, _ = told(ClusterAutoscalerCollector, server)
    assert outcome.status is Status.EMPTY
    assert "the absence of one proves nothing" in outcome.warnings[0]


@pytest.mark.parametrize("kind", EVERY, ids=lambda one: one.kind)
class TestFaults:
    def first(self, kind: type[ThroughCluster]) -> str:
        return kind.needs[0].path()

    def test_a_cluster_without_the_tool_says_so(
        self, server: BackedUpClusterStandIn, kind: type[ThroughCluster]
    ) -> None:
        for resource in kind.needs:
            server.collections.pop((f"/apis/{resource.api}" if resource.group else "/api/v1", resource.plural))
        outcome, _ = told(kind, server)
        assert outcome.status is Status.NOT_INSTALLED
        assert any("does not serve" in check.detail for check in made(kind, server).preflight())

    def test_a_missing_permission_names_the_rule(
        self, server: BackedUpClusterStandIn, kind: type[ThroughCluster]
    ) -> None:
        server.deny(kind.needs[0].group, kind.needs[0].plural)
        outcome, _ = told(kind, server)
        assert outcome.status is Status.DENIED
        assert f'resources: ["{kind.needs[0].plural}"]' in outcome.remedy

    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            ("401", Status.UNAUTHENTICATED),
            ("429", Status.THROTTLED),
            ("500", Status.ERROR),
            ("hang", Status.TIMEOUT),
            ("cut", Status.ERROR),
            ("garbage", Status.ERROR),
        ],
    )
    def test_what_goes_wrong_is_named(
        self, server: BackedUpClusterStandIn, kind: type[ThroughCluster], fault: str, status: Status
    ) -> None:
        server.fault("/api", fault, retry_after="9")
        assert told(kind, server, budget=Budget(deadline_seconds=0.4))[0].status is status

    def test_too_much_stops_at_the_bytes_of_the_budget(
        self, server: BackedUpClusterStandIn, kind: type[ThroughCluster]
    ) -> None:
        server.fault("/api", "huge")
        outcome, _ = told(kind, server, budget=Budget(deadline_seconds=5, bytes=2**20))
        assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "bytes")

    def test_more_than_a_page_is_read(self, server: BackedUpClusterStandIn, kind: type[ThroughCluster]) -> None:
        assert all(check.ok for check in made(kind, server).preflight())
        told(kind, server)
        assert all(
            asked.query.get("limit") == "500"
            for asked in server.requests
            if "limit" in asked.query and asked.query["limit"] != "1"
        )


def test_several_pages_make_one_strip(server: BackedUpClusterStandIn) -> None:
    rows = [backup(f"b-{number:04}", f"2026-11-{1 + number // 48:02}T{number % 24:02}:00:00Z") for number in range(620)]
    server.add(VELERO, "backups", *rows)
    outcome, (strip,) = told(VeleroCollector, server)
    assert outcome.fetched >= 620
    assert (strip.payload["points_total"], len(strip.payload["points"])) == (620, 60)
    assert strip.flags == {"truncated": True}
    assert strip.first_at < OUTAGE.start
