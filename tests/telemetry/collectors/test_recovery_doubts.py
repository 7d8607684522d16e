"""Recovery points are believed only as far as the tools' objects go: other namespaces, lost objects, unread lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from telemetry.collectors.csi_snapshots import CsiSnapshotsCollector
from telemetry.collectors.stash import StashCollector
from telemetry.collectors.through_cluster import ThroughCluster
from telemetry.collectors.velero import VeleroCollector
from telemetry.observations import Budget, Connection, Level, Observation, Outcome, Scope, Status, Window, Workload
from telemetry.registry import collector_for
from tests.builders import make_cluster, make_cluster_event, make_recording, make_source
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

SHOP = Scope(namespaces=("shop",), started_at=at("06:38:00"))


@pytest.fixture
def server() -> Iterator[BackedUpClusterStandIn]:
    with BackedUpClusterStandIn() as stand_in:
        yield stand_in


def told(
    kind: type[ThroughCluster], server: BackedUpClusterStandIn, scope: Scope = SHOP, items: int = 5_000
) -> tuple[Outcome, list[Observation]]:
    collector = kind(Connection(name="c", kubeconfig=server.kubeconfig(), allow_private=True))
    return ask(collector, "objects", scope=scope, budget=Budget(deadline_seconds=2, items=items))


def test_a_backup_of_another_namespace_is_no_point_of_this_one(server: BackedUpClusterStandIn) -> None:
    billing = {"includedNamespaces": ["billing"]}
    server.add(VELERO, "backups", backup("shop-old", "2026-11-11T00:00:00Z", schedule=""))
    server.add(VELERO, "backups", backup("billing-new", "2026-11-21T05:38:00Z", schedule="", spec=billing))
    _, (strip,) = told(VeleroCollector, server)
    assert strip.payload["newest_usable"]["name"] == "shop-old"
    assert [point["name"] for point in strip.payload["points"]] == ["shop-old"]


def test_what_a_schedule_covered_then_decides_and_not_what_it_covers_now(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "schedules", schedule("nightly", "shop", "billing"), schedule("weekly", "billing"))
    billing = {"includedNamespaces": ["billing"]}
    server.add(VELERO, "backups", backup("n-1", "2026-11-21T00:00:00Z", schedule="nightly", spec=billing))
    server.add(VELERO, "backups", backup("w-1", "2026-11-20T00:00:00Z", schedule="weekly"))
    _, strips = told(VeleroCollector, server)
    by_plan = {strip.payload["plan"]: strip for strip in strips}
    assert by_plan["nightly"].payload["points"] == []
    assert by_plan["weekly"].payload["newest_usable"]["name"] == "w-1"
    assert "does not cover shop any more" in by_plan["weekly"].payload["notes"][0]


def test_a_point_that_was_still_being_made_is_not_from_before(server: BackedUpClusterStandIn) -> None:
    late = {"completionTimestamp": "2026-11-21T08:30:00Z"}
    server.add(
        VELERO, "backups", backup("b-1", "2026-11-21T00:00:00Z"), backup("b-2", "2026-11-21T06:32:00Z", status=late)
    )
    _, (strip,) = told(VeleroCollector, server)
    assert strip.payload["newest_usable"]["name"] == "b-1"


def test_a_point_that_had_expired_was_not_there(server: BackedUpClusterStandIn) -> None:
    expired = {"expiration": "2026-11-21T06:30:00Z"}
    server.add(VELERO, "backups", backup("b-1", "2026-11-20T00:00:00Z", status=expired))
    _, (strip,) = told(VeleroCollector, server)
    assert "had expired before the incident" in strip.payload["points"][0]["reason"]


def test_points_that_are_all_younger_than_the_incident_say_nothing_of_before(server: BackedUpClusterStandIn) -> None:
    """Stash keeps one session: the earlier ones are gone, and with them what could be said."""
    server.add(STASH, "backupconfigurations", configuration())
    status = {"integrity": True, "snapshotCount": 30, "firstBackupTime": "2026-10-01T00:00:00Z"}
    server.add(STASH_OLD, "repositories", obj("orders-gcs", "shop", status=status))
    server.add(STASH, "backupsessions", session("s-9", "2026-11-21T07:00:00Z"))
    outcome, (strip,) = told(StashCollector, server)
    assert (outcome.status, strip.level, strip.payload["is_known"]) == (Status.PARTIAL, Level.WARNING, False)
    assert "no object from before the incident is left" in outcome.reason
    assert strip.summary.startswith("Not known whether")


def test_a_repository_that_was_never_written_has_no_point(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupconfigurations", configuration())
    outcome, (strip,) = told(StashCollector, server)
    assert (outcome.status, strip.level) == (Status.COMPLETE, Level.ERROR)


@pytest.mark.parametrize(("kind", "list_"), [(VeleroCollector, "schedules"), (StashCollector, "backupconfigurations")])
def test_a_list_that_may_not_be_read_does_not_mean_that_its_objects_are_gone(
    server: BackedUpClusterStandIn, kind: type[ThroughCluster], list_: str
) -> None:
    server.add(VELERO, "backups", backup("b-1", "2026-11-21T00:00:00Z"))
    server.add(STASH, "backupsessions", session("s-1", "2026-11-21T06:00:00Z"))
    server.deny("velero.io" if kind is VeleroCollector else "stash.appscode.com", list_)
    outcome, (strip,) = told(kind, server)
    assert outcome.status is Status.PARTIAL
    assert not any("gone" in note for note in strip.payload["notes"])


def test_without_its_configuration_a_session_counts_for_its_own_targets(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupsessions", session("s-1", "2026-11-21T06:00:00Z"))
    checkout = Scope(workloads=(Workload("Deployment", "shop", "checkout"),), started_at=at("06:38:00"))
    assert told(StashCollector, server, checkout)[1] == []


def test_of_a_batch_only_the_scopes_own_target_makes_it_usable(server: BackedUpClusterStandIn) -> None:
    row = session("s-1", "2026-11-21T06:00:00Z", snapshots=0)
    row["spec"]["invoker"] = {"kind": "BackupBatch", "name": "all"}
    other = {"ref": {"kind": "Deployment", "name": "checkout"}, "stats": [{"snapshots": [{"name": "x"}]}]}
    row["status"]["targets"].append(other)
    server.add(STASH, "backupsessions", row)
    orders = Scope(workloads=(Workload("StatefulSet", "shop", "orders-db"),), started_at=at("06:38:00"))
    _, (strip,) = told(StashCollector, server, orders)
    assert strip.payload["points"][0]["state"] == "unknown"
    assert strip.payload["notes"] == []


def test_contents_that_were_not_read_to_their_end_leave_snapshots_unknown(server: BackedUpClusterStandIn) -> None:
    for number in range(4):
        server.add(SNAPSHOTS, "volumesnapshots", snapshot(f"n-{number}", "2026-11-21T05:00:00Z"))
        server.add(SNAPSHOTS, "volumesnapshotcontents", content(f"n-{number}"))
    outcome, (strip,) = told(CsiSnapshotsCollector, server, items=3)
    assert outcome.status is Status.TRUNCATED
    assert {point["state"] for point in strip.payload["points"]} == {"unknown"}


@pytest.mark.django_db
def test_the_autoscalers_events_of_yesterday_are_read_from_the_archive() -> None:
    cluster = make_cluster()
    start = OUTAGE.start
    make_recording(cluster=cluster, resource="events", since=start - timedelta(days=1), heard_at=OUTAGE.end)
    make_cluster_event(
        cluster=cluster,
        reason="ScaleDownFailed",
        reporter="cluster-autoscaler",
        about_kind="Node",
        about_name="node-1",
        first_at=start + timedelta(minutes=5),
        last_at=start + timedelta(minutes=5),
    )
    source = make_source(kind="cluster-autoscaler", name="Autoscaler", cluster=cluster)
    collector, found = collector_for("cluster-autoscaler")(source.connection()), []
    window = Window(start, OUTAGE.end)
    (query,) = collector.plan(SHOP, window)
    collector.collect(query, window, Budget(deadline_seconds=0.3), found.extend)
    assert [(one.payload["reason"], one.level) for one in found] == [("ScaleDownFailed", Level.ERROR)]
