"""The recorded outage in the archive as the recorder would have put it there, and the real recorder going on from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from config.outage import recording
from telemetry.models import Cluster, ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from tests import database
from tests.builders import make_cluster
from tests.running import wait_for
from tests.stand_ins.api_server import RECORDINGS
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.archiving import archiving
from tests.telemetry.collectors.asking import SHOP, ask, at
from tests.telemetry.recorder.recording import recorder

pytestmark = pytest.mark.django_db(transaction=True)
LISTED = at("06:39:54")


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cluster(committed: None, server: KubernetesStandIn) -> Cluster:
    found = make_cluster(name="prod-eu of then", kubeconfig=server.kubeconfig(), allow_private=True, recorded=False)
    recording.record(found, RECORDINGS)
    return found


def rows() -> list[Any]:
    events = ClusterEvent.objects.order_by("id").values_list("uid", "count", "first_at", "last_at")
    states = ObjectSnapshot.objects.order_by("id").values_list("uid", "changed_at", "until_at", "digest")
    endings = ContainerEnding.objects.order_by("id").values_list("pod_uid", "finished_at", "log", "log_status")
    return [list(events), list(states), list(endings), CoverageGap.objects.count()]


def test_what_was_watched_is_known_from_then_on_and_the_rest_from_its_list(cluster: Cluster) -> None:
    begun = dict(Recording.objects.values_list("resource", "since"))
    assert begun["events"] == begun["pods"] == begun["apps/deployments"] == at("06:36:17")
    assert begun["nodes"] == at("06:37:14")
    assert begun["apps/replicasets"] == begun["batch/jobs"] == LISTED
    assert set(Recording.objects.values_list("heard_at", "resource_version", "state")) == {(LISTED, "458", "stopped")}
    assert not CoverageGap.objects.exists()


def test_events_have_the_counts_and_times_of_the_lists_moment(cluster: Cluster) -> None:
    found = {row.resource_version: row for row in ClusterEvent.objects.all()}
    assert len(found) == 29
    assert (found["445"].count, found["445"].last_at) == (10, at("06:39:40"))
    assert found["349"].received_at == found["349"].first_at == at("06:37:20.426386")
    assert {row.created_at.date().isoformat() for row in found.values()} == {"2026-11-21"}


def test_states_follow_each_other_as_they_did(cluster: Cluster) -> None:
    checkout = ObjectSnapshot.objects.filter(kind="Deployment", name="checkout")
    images = [row.body["spec"]["template"]["spec"]["containers"][0]["image"] for row in checkout]
    assert [image.rpartition(":")[2] for image in dict.fromkeys(images)] == ["1.41.0", "1.42.0"]
    pods = ObjectSnapshot.objects.filter(name="checkout-5bbc75684d-flwhw").at(at("06:38:10"))
    assert [row.body["status"]["containerStatuses"][0]["restartCount"] for row in pods] == [2]
    assert ObjectSnapshot.objects.filter(until_at=None).count() == 21


def test_logs_are_kept_of_the_lives_of_which_there_are_any(cluster: Cluster) -> None:
    kept = ContainerEnding.objects.filter(log_status="complete")
    assert {f"{row.finished_at:%H:%M:%S}": row.log_lines for row in kept} == {"06:39:00": 44, "06:39:07": 44}
    assert ContainerEnding.objects.filter(log_status="gone").count() == 8
    assert database.places_of("hunter2") == []


def test_the_real_recorder_goes_on_without_a_gap_and_writes_nothing_twice(
    cluster: Cluster, server: KubernetesStandIn
) -> None:
    before = rows()
    resources = ("events", "pods", "nodes", "apps/deployments", "apps/replicasets")
    Recording.objects.exclude(resource__in=resources).delete()
    with recorder(server, *resources, id=cluster.pk):
        wait_for(lambda: not Recording.objects.filter(heard_at__lte=LISTED).exists(), "the recorder", 20)
        recording.wait_until_heard(cluster)
    assert rows() == before


def test_a_second_time_changes_nothing(cluster: Cluster) -> None:
    before = rows(), list(Recording.objects.values())
    recording.record(cluster, RECORDINGS)
    assert (rows(), list(Recording.objects.values())) == before


def test_an_incident_of_then_reads_what_was_recorded(cluster: Cluster, server: KubernetesStandIn) -> None:
    outcome, found = ask(archiving(cluster), "events", scope=SHOP)
    assert outcome.coverage is not None
    assert (outcome.coverage.start, outcome.coverage.end, outcome.coverage.gaps) == (at("06:36:17"), LISTED, ())
    assert len({one.dedup_key for one in found}) == len(found)
    outcome, found = ask(archiving(cluster), "state", scope=replace(SHOP, started_at=at("06:37:20")))
    assert outcome.reason == ""
    assert any(one.title.startswith("checkout when it began: ") for one in found)
