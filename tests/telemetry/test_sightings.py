"""Sightings: what the recorder brought in, gathered by the thing that people would name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from telemetry.models import ClusterEvent, ContainerEnding, ObjectSnapshot
from telemetry.sightings import Sighting, sightings
from telemetry.workload_names import named_workload
from tests.builders import NOW, make_cluster, make_cluster_event, make_ending, make_snapshot
from tests.telemetry.collectors.archiving import batch, record, state

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def seen(since: timedelta = MINUTE) -> list[Sighting]:
    return sightings(NOW - since, NOW + MINUTE)


def make_signal(**overrides: Any) -> ClusterEvent:
    return make_cluster_event(**({"signal": "crash-loop"} | overrides))


def named(found: list[Sighting]) -> set[tuple[str, str, str, str]]:
    return {(one.signal, one.namespace, one.kind, one.name) for one in found}


def test_alike_events_of_a_deployments_pods_are_one_sighting() -> None:
    for place, pod in enumerate(
        ("checkout-5bbc75684d-flwhw", "checkout-5bbc75684d-j6hpv", "checkout-5659678678-btdn9")
    ):
        make_signal(
            about_name=pod,
            about_uid=pod,
            count=10 + place,
            first_at=NOW - place * MINUTE,
            last_at=NOW + place * timedelta(seconds=1),
            message=f"Back-off restarting failed container of {pod}",
        )
    (found,) = seen()
    assert (found.signal, found.namespace, found.kind, found.name) == ("crash-loop", "shop", "Deployment", "checkout")
    assert (found.first_at, found.last_at) == (NOW - 2 * MINUTE, NOW + timedelta(seconds=2))
    assert (found.count, found.cluster_name) == (33, "prod-eu")
    assert found.words.endswith("checkout-5659678678-btdn9")


def test_nothing_is_seen_of_other_times_of_events_without_a_signal_and_of_removed_clusters() -> None:
    make_signal(updated_at=NOW - 5 * MINUTE)
    make_signal(updated_at=NOW + MINUTE)
    make_cluster_event()
    removed = make_cluster(name="old")
    make_signal(cluster=removed)
    removed.delete()
    assert seen() == []


def test_a_recorded_owner_names_the_workload_where_the_name_alone_misleads() -> None:
    make_snapshot(
        kind="Pod",
        resource="pods",
        uid="pod-1",
        name="fluent-bit-x7k2p",
        owner_kind="DaemonSet",
        owner_name="fluent-bit",
    )
    make_snapshot(kind="Pod", resource="pods", uid="pod-2", name="debug-1")
    make_signal(about_name="fluent-bit-x7k2p", about_uid="pod-1")
    make_signal(about_name="debug-1", about_uid="pod-2")
    assert named(seen()) == {
        ("crash-loop", "shop", "DaemonSet", "fluent-bit"),
        ("crash-loop", "shop", "Pod", "debug-1"),
    }


@pytest.mark.parametrize(
    ("thing", "owner", "workload"),
    [
        ("Pod/checkout-5bbc75684d-flwhw", None, "Deployment/checkout"),
        ("Pod/orders-db-0", None, "StatefulSet/orders-db"),
        ("Pod/backup-29012345-x7k2p", None, "CronJob/backup"),
        ("Pod/fluent-bit-x7k2p", None, "Pod/fluent-bit-x7k2p"),
        ("Pod/orders-db-0", ("", ""), "Pod/orders-db-0"),
        ("Pod/kube-apiserver-node-0", ("Node", "node-0"), "Pod/kube-apiserver-node-0"),
        ("Pod/a", ("ReplicaSet", "checkout-5bbc75684d"), "Deployment/checkout"),
        ("Pod/a", ("Job", "backup-29012345"), "CronJob/backup"),
        ("Pod/a", ("Job", "migrate"), "Job/migrate"),
        ("ReplicaSet/checkout-5bbc75684d", None, "Deployment/checkout"),
        ("ReplicaSet/checkout-5bbc75684d", ("Deployment", "other"), "Deployment/other"),
        ("PersistentVolumeClaim/data-orders-db-0", None, "PersistentVolumeClaim/data-orders-db-0"),
        ("Node/node-1", None, "Node/node-1"),
    ],
)
def test_people_name_the_workload(thing: str, owner: tuple[str, str] | None, workload: str) -> None:
    kind, name = thing.split("/")
    assert "/".join(named_workload(kind, name, owner)) == workload


def test_a_node_has_no_namespace_and_its_pods_do_not_repeat_it() -> None:
    make_signal(
        signal="node-not-ready", about_kind="Node", about_name="node-1", about_namespace="", namespace="default"
    )
    make_signal(signal="node-not-ready", about_name="checkout-5bbc75684d-flwhw")
    make_snapshot(kind="Node", resource="nodes", namespace="", name="node-1", uid="n1", signals=["node-not-ready"])
    (found,) = seen()
    assert (found.namespace, found.kind, found.name, found.count) == ("", "Node", "node-1", 1)
    assert found.words == "Back-off restarting failed container"


def test_a_state_is_seen_when_it_first_shows_a_signal_only() -> None:
    earlier = make_snapshot(until_at=NOW, signals=["failed-rollout"], received_at=NOW - 10 * MINUTE)
    make_snapshot(signals=["failed-rollout"])
    assert seen() == []
    ObjectSnapshot.objects.filter(pk=earlier.pk).update(signals=[])
    (found,) = seen()
    assert (found.kind, found.name, found.first_at, found.count) == ("Deployment", "checkout", NOW, 1)


def test_a_container_that_ran_out_of_memory_is_seen_with_its_workload() -> None:
    make_ending(reason="OOMKilled", exit_code=137, workload_kind="Deployment", workload_name="checkout")
    make_ending(reason="Error", finished_at=NOW + MINUTE)
    make_ending(reason="OOMKilled", finished_at=NOW + 2 * MINUTE, received_at=NOW - 5 * MINUTE)
    (found,) = seen()
    assert (found.signal, found.kind, found.name) == ("oom-killed", "Deployment", "checkout")
    assert found.words == "app of checkout-1 ended: OOMKilled, exit code 137"


def test_asking_twice_counts_each_row_under_the_same_key() -> None:
    event = make_signal(count=3)
    first = seen()
    ClusterEvent.objects.filter(uid=event.uid).update(count=4)
    (again,) = seen()
    assert first[0].counts.keys() == again.counts.keys()
    assert again.count == 4


def test_the_recorder_keeps_the_signals_of_each_state() -> None:
    cluster = make_cluster()
    pod = {
        "metadata": {"name": "checkout-1", "namespace": "shop", "uid": "pod-1"},
        "status": {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
    }
    record(cluster, [batch("pods", [state("pods", {**pod, "status": {}}), state("pods", pod)])])
    assert list(ObjectSnapshot.objects.order_by("id").values_list("signals", flat=True)) == [[], ["crash-loop"]]
    row = ObjectSnapshot.objects.get(until_at=None)
    (found,) = sightings(row.received_at, row.received_at + MINUTE)
    assert (found.signal, found.kind, found.name) == ("crash-loop", "Pod", "checkout-1")


def test_many_rows_take_as_many_queries_as_few() -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert seen()
        return len(asked)

    def fill(first: int, last: int) -> None:
        for place in range(first, last):
            make_signal(about_uid=f"p{place}", about_name=f"web-{place}")
            make_snapshot(uid=f"d{place}", name=f"web-{place}", signals=["failed-rollout"])
            make_ending(pod_uid=f"p{place}", reason="OOMKilled")

    fill(0, 2)
    few = count()
    fill(2, 40)
    assert count() == few == 4


def test_what_arrived_is_found_in_indexes_of_its_own() -> None:
    for index, model in (
        ("events_with_signals", ClusterEvent),
        ("states_with_signals", ObjectSnapshot),
        ("endings_by_arrival", ContainerEnding),
    ):
        make_signal()
        with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            seen()
        (sql,) = [
            query["sql"]
            for query in asked
            if f'FROM "{model._meta.db_table}"' in query["sql"] and "DISTINCT ON" not in query["sql"]
        ]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert ("updated_at_idx" if index == "events_with_signals" else index) in plan
