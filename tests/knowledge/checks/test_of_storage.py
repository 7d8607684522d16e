"""Checks of backups against the recorded cluster with a volume for orders-db, and tools as their types document them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from knowledge.checks import FAIL, PASS, UNKNOWN
from tests.builders import make_incident
from tests.knowledge.checks.judged import NOW, connect, judged, on
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

pytestmark = pytest.mark.django_db
DB = on("statefulset/orders-db")
HOURLY = {"rpo_hours": 1}


@pytest.fixture
def server() -> Iterator[BackedUpClusterStandIn]:
    with BackedUpClusterStandIn() as server:
        template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "8Gi"}}}}
        server.edit(
            "statefulsets", lambda items: [one["spec"].update(volumeClaimTemplates=[template]) for one in items]
        )
        connect(server)
        yield server


def location(**spec: Any) -> dict[str, Any]:
    return obj("default", spec={"provider": "aws", "objectStorage": {"bucket": "backups"}, **spec})


def test_volumes_that_nothing_covers_fail(server: BackedUpClusterStandIn) -> None:
    found = judged("backup_covered", **DB)
    assert (found.verdict, "no schedule, configuration or snapshot covers it" in found.reason) == (FAIL, True)
    assert found.facts.rows[0][1] == "data-orders-db-0, data-orders-db-1"


@pytest.mark.parametrize(
    ("spec", "verdict"),
    [
        ({}, PASS),
        ({"paused": True}, FAIL),
        ({"template": {"includedNamespaces": ["other"]}}, FAIL),
        ({"template": {"includedNamespaces": ["shop"], "snapshotVolumes": False}}, FAIL),
        ({"template": {"includedResources": ["configmaps"]}}, FAIL),
        ({"template": {"labelSelector": {"matchLabels": {"backup": "yes"}}}}, UNKNOWN),
        ({"template": {"orLabelSelectors": [{"matchLabels": {"backup": "yes"}}]}}, UNKNOWN),
        ({"template": {"includedNamespaces": ["sh*"]}}, PASS),
        ({"template": {"excludedNamespaces": ["sh*"]}}, FAIL),
        ({"template": {"includedNamespaceScopedResources": ["configmaps"]}}, FAIL),
        ({"template": {"includedNamespaceScopedResources": ["persistentvolumeclaims"]}}, PASS),
        ({"template": {"excludedNamespaceScopedResources": ["persistentvolumeclaims"]}}, FAIL),
        ({"template": {"includedClusterScopedResources": ["storageclasses"]}}, FAIL),
        ({"template": {"excludedClusterScopedResources": ["*"]}}, FAIL),
    ],
)
def test_a_velero_schedule_covers_what_it_takes(server: BackedUpClusterStandIn, spec: Any, verdict: str) -> None:
    server.add(VELERO, "schedules", schedule(**spec))
    assert judged("backup_covered", **DB).verdict == verdict


def test_a_stash_configuration_covers_its_own_target(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupconfigurations", configuration())
    assert judged("backup_covered", **DB).reason == "statefulset/orders-db: covered by Stash orders-db."


def snapshots_at(server: BackedUpClusterStandIn, *times: str, **metadata: Any) -> None:
    """Of data-orders-db-0, on the days of November that `times` name: `21T06:30`."""
    for at in times:
        row = snapshot(f"of-{at}", f"2026-11-{at}:00Z")
        row["metadata"] |= metadata
        server.add(SNAPSHOTS, "volumesnapshots", row)
        server.add(SNAPSHOTS, "volumesnapshotcontents", content(f"of-{at}"))


def one_replica(server: BackedUpClusterStandIn) -> None:
    server.edit("statefulsets", lambda items: [one["spec"].update(replicas=1) for one in items])


def test_snapshots_cover_a_workload_when_every_claim_has_some(server: BackedUpClusterStandIn) -> None:
    snapshots_at(server, "19T06:30", "20T06:30", "21T06:30")
    found = judged("backup_covered", **DB)
    assert (found.verdict, "nothing covers data-orders-db-1" in found.reason) == (FAIL, True)
    one_replica(server)
    assert judged("backup_covered", **DB).verdict == PASS
    assert "whether that outlives the cluster cannot be told" in judged("backup_off_cluster", **DB).reason


@pytest.mark.parametrize(
    ("times", "metadata", "verdict", "words"),
    [
        (["21T06:30"], {}, UNKNOWN, "1 snapshot may be made by hand"),
        (["21T06:30"], {"labels": {"snapscheduler.backube/schedule": "daily"}}, PASS, "covered by CSI snapshots"),
        (["02T06:30", "03T06:30", "04T06:30"], {}, FAIL, "and they came every 1 d"),
    ],
)
def test_a_snapshot_by_hand_or_an_old_one_is_no_plan(
    server: BackedUpClusterStandIn, times: list[str], metadata: Any, verdict: str, words: str
) -> None:
    one_replica(server)
    snapshots_at(server, *times, **metadata)
    found = judged("backup_covered", **DB)
    assert (found.verdict, words in found.reason) == (verdict, True), found.reason


def of_claim(number: int) -> dict[str, Any]:
    row = configuration()
    row["metadata"]["name"] = f"claim-{number}"
    row["spec"]["target"]["ref"] = {"kind": "PersistentVolumeClaim", "name": f"data-orders-db-{number}"}
    return row


def made_by(name: str, at: str) -> dict[str, Any]:
    row = session(f"of-{name}", at)
    row["spec"]["invoker"]["name"] = name
    return row


def test_of_two_claims_each_has_to_be_backed_up_and_the_older_backup_counts(server: BackedUpClusterStandIn) -> None:
    server.add(STASH, "backupconfigurations", of_claim(0))
    server.add(STASH, "backupsessions", made_by("claim-0", "2026-11-21T06:50:00Z"))
    server.add(STASH_OLD, "repositories", obj("orders-gcs", "shop", spec={"backend": {"gcs": {"bucket": "b"}}}))
    for name in ("backup_covered", "backup_age", "backup_off_cluster"):
        found = judged(name, params=HOURLY if name == "backup_age" else {}, **DB)
        assert (found.verdict, "data-orders-db-1" in found.reason) == (FAIL, True), found.reason
    server.add(STASH, "backupconfigurations", of_claim(1))
    server.add(STASH, "backupsessions", made_by("claim-1", "2026-11-21T03:00:00Z"))
    assert judged("backup_covered", **DB).verdict == judged("backup_off_cluster", **DB).verdict == PASS
    assert "is 4 h old, over the RPO of 1 h" in judged("backup_age", params=HOURLY, **DB).reason


def test_a_stash_configuration_takes_the_volumes_that_it_mounts(server: BackedUpClusterStandIn) -> None:
    row = configuration()
    row["spec"]["target"]["volumeMounts"] = [{"name": "config", "mountPath": "/etc/orders"}]
    server.add(STASH, "backupconfigurations", row)
    assert judged("backup_covered", **DB).verdict == FAIL
    row["spec"]["target"]["volumeMounts"].append({"name": "data", "mountPath": "/data"})
    assert judged("backup_covered", **DB).verdict == PASS


def test_a_backup_that_chose_by_a_label_may_not_hold_the_data(server: BackedUpClusterStandIn) -> None:
    chosen = {"orLabelSelectors": [{"matchLabels": {"backup": "yes"}}]}
    server.add(VELERO, "schedules", schedule(template={"includedNamespaces": ["shop"], **chosen}))
    server.add(VELERO, "backups", backup("chosen", "2026-11-21T06:50:00Z", spec=chosen))
    found = judged("backup_age", params=HOURLY, **DB)
    assert (found.verdict, "chooses by a label" in found.reason) == (UNKNOWN, True), found.reason


def test_a_place_that_keeps_no_data_is_unknown(server: BackedUpClusterStandIn) -> None:
    for name in ("backup_covered", "backup_age", "backup_off_cluster"):
        found = judged(name, **on("deployment/web"))
        assert (found.verdict, found.reason[:33]) == (UNKNOWN, "No workload with volumes was foun")


def test_the_newest_usable_backup_is_held_against_the_rpo(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "schedules", schedule())
    server.add(VELERO, "backups", backup("early", "2026-11-21T06:00:00Z"))
    server.add(VELERO, "backups", backup("broken", "2026-11-21T06:50:00Z", "PartiallyFailed", status={"errors": 2}))
    found = judged("backup_age", params=HOURLY, **DB)
    assert (found.verdict, found.reason) == (
        PASS,
        "statefulset/orders-db: the newest usable backup is 1 h old, within 1 h.",
    )
    late = judged("backup_age", params=HOURLY, now=NOW + timedelta(minutes=5), **DB)
    assert (late.verdict, "1 h 5 min old, over the RPO of 1 h" in late.reason) == (FAIL, True)
    assert "no RPO is agreed" in judged("backup_age", **DB).reason


def test_without_a_usable_backup_the_newest_says_why(server: BackedUpClusterStandIn) -> None:
    assert judged("backup_age", params=HOURLY, **DB).reason.endswith("no backup of it is there.")
    server.add(STASH, "backupconfigurations", configuration())
    server.add(STASH, "backupsessions", session("s-1", "2026-11-21T06:50:00Z", "Failed", error="disk full"))
    assert "the newest, s-1, is failed: host-0: disk full" in judged("backup_age", params=HOURLY, **DB).reason
    server.add(STASH, "backupsessions", session("s-2", "2026-11-21T06:40:00Z"))
    assert judged("backup_age", params=HOURLY, **DB).verdict == PASS


def test_a_list_that_may_not_be_read_could_hold_the_backup(server: BackedUpClusterStandIn) -> None:
    server.deny("velero.io", "backups")
    for name in ("backup_covered", "backup_age", "backup_off_cluster"):
        found = judged(name, params=HOURLY if name == "backup_age" else {}, **DB)
        assert (found.verdict, 'resources: ["backups"]' in found.remedy) == (UNKNOWN, True)


@pytest.mark.parametrize(
    ("spec", "verdict", "words"),
    [
        ({}, PASS, "kept with aws, outside the cluster"),
        ({"provider": "gcp"}, PASS, "kept with gcp"),
        (
            {"config": {"s3Url": "http://minio.velero.svc:9000"}},
            FAIL,
            "minio.velero.svc is a service inside the cluster",
        ),
        ({"config": {"s3Url": "http://minio.velero:9000"}}, FAIL, "inside the cluster"),
        ({"config": {"s3Url": "http://192.168.3.4:9000"}}, UNKNOWN, "is known inside alone"),
        ({"config": {"s3Url": "http://minio.storage:9000"}}, UNKNOWN, "is known inside alone"),
        ({"config": {"s3Url": "http://minio:9000"}}, FAIL, "inside the cluster"),
        ({"config": {"s3Url": "https://s3.eu-central-1.example.com"}}, PASS, "outside the cluster"),
        ({"provider": "example.org/tape"}, UNKNOWN, "cannot be told"),
    ],
)
def test_where_velero_stores(server: BackedUpClusterStandIn, spec: Any, verdict: str, words: str) -> None:
    server.add(VELERO, "schedules", schedule())
    server.add(VELERO, "backupstoragelocations", location(**spec))
    found = judged("backup_off_cluster", **DB)
    assert (found.verdict, words in found.reason) == (verdict, True), found.reason


def test_a_schedule_that_names_no_location_uses_the_one_that_is_the_default(server: BackedUpClusterStandIn) -> None:
    server.add(VELERO, "schedules", schedule(template={"includedNamespaces": ["shop"]}))
    assert "BackupStorageLocation default is not there" in judged("backup_off_cluster", **DB).reason
    place = obj("frankfurt", spec={"provider": "gcp", "default": True})
    server.add(VELERO, "backupstoragelocations", place)
    assert judged("backup_off_cluster", **DB).verdict == PASS


def test_a_database_that_is_scaled_to_nothing_keeps_its_data(server: BackedUpClusterStandIn) -> None:
    server.edit("statefulsets", lambda items: [one["spec"].update(replicas=0) for one in items])
    assert judged("backup_covered", **DB).verdict == FAIL


@pytest.mark.parametrize(
    ("backend", "verdict"),
    [
        ({"gcs": {"bucket": "b"}}, PASS),
        ({"s3": {"endpoint": "s3.amazonaws.com", "bucket": "b"}}, PASS),
        ({"s3": {"endpoint": "http://minio.storage.svc.cluster.local", "bucket": "b"}}, FAIL),
        ({"local": {"mountPath": "/safe"}}, FAIL),
        ({}, UNKNOWN),
    ],
)
def test_where_stash_stores(server: BackedUpClusterStandIn, backend: Any, verdict: str) -> None:
    server.add(STASH, "backupconfigurations", configuration())
    server.add(STASH_OLD, "repositories", obj("orders-gcs", "shop", spec={"backend": backend}))
    assert judged("backup_off_cluster", **DB).verdict == verdict


def restore(at: str, phase: str = "Completed", **spec: Any) -> dict[str, Any]:
    spec = {"includedNamespaces": ["shop"], **spec}
    return obj("back", spec=spec, status={"phase": phase, "completionTimestamp": at})


@pytest.mark.parametrize(
    ("spec", "verdict"),
    [
        ({"includedResources": ["configmaps"]}, FAIL),
        ({"excludedResources": ["persistentvolumes"]}, FAIL),
        ({"restorePVs": False}, FAIL),
        ({"labelSelector": {"matchLabels": {"app": "web"}}}, UNKNOWN),
        ({"includedResources": ["persistentvolumeclaims", "pods"]}, PASS),
        ({"includedNamespaces": ["sh*"]}, PASS),
    ],
)
def test_a_restore_without_volumes_brought_no_data_back(
    server: BackedUpClusterStandIn, spec: Any, verdict: str
) -> None:
    server.add(VELERO, "restores", restore("2026-11-20T10:00:00Z", **spec))
    assert judged("restore_tested").verdict == verdict


def test_a_restore_counts_for_its_days_and_only_if_it_succeeded(server: BackedUpClusterStandIn) -> None:
    found = judged("restore_tested")
    assert (found.verdict, "none that succeeded is known" in found.reason) == (FAIL, True)
    server.add(VELERO, "restores", restore("2026-11-20T10:00:00Z", "PartiallyFailed"))
    assert judged("restore_tested").verdict == FAIL
    server.add(VELERO, "restores", restore("2026-11-01T10:00:00Z"))
    assert judged("restore_tested").verdict == PASS
    assert "the last that succeeded was on 2026-11-01" in judged("restore_tested", params={"days": 7}).reason
    server.deny("velero.io", "restores")
    assert judged("restore_tested", params={"days": 7}).verdict == UNKNOWN


def test_a_drill_that_brought_data_back_is_a_tested_restore(server: BackedUpClusterStandIn) -> None:
    from knowledge.models import Drill
    from tests.builders import make_checklist

    incident = make_incident(kind="drill", now=NOW - timedelta(days=3))
    fields = {"title": "Lose a zone", "checklist": make_checklist(), "planned_at": NOW, "incident": incident}
    drill = Drill.objects.create(**fields)
    assert judged("restore_tested").verdict == FAIL
    Drill.objects.filter(pk=drill.pk).update(restored_to_at=NOW)
    assert judged("restore_tested").reason == "drill Lose a zone brought data back on 2026-11-18."
