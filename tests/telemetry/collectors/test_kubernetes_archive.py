"""The archive is read first; the live API is asked for what the archive does not hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from telemetry.collectors.kubernetes import KubernetesCollector
from telemetry.models import Cluster, ClusterEvent, Recording
from telemetry.observations import Budget, Collector, Observation, Scope, Status, Window
from telemetry.recorder.batches import Gap
from telemetry.registry import collector_for
from tests.builders import make_cluster, make_cluster_event, make_ending, make_gap, make_recording, make_snapshot
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.archiving import archive_outage, batch, heard_until, record, state
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, SHOP, ask, at, written

pytestmark = pytest.mark.django_db
NOUNS = ("events", "rollouts", "restarts", "nodes")


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cluster(server: KubernetesStandIn) -> Cluster:
    return make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)


def archiving(cluster: Cluster) -> Collector:
    return collector_for("kubernetes")(cluster.sources.get().connection())


def live(cluster: Cluster) -> Collector:
    return KubernetesCollector(cluster.sources.get().connection())


def keyed(found: list[Observation]) -> dict[str, Observation]:
    assert len({one.dedup_key for one in found}) == len(found)
    return {one.dedup_key: one for one in found}


def test_an_archived_event_gives_the_very_observation_of_the_live_one(
    cluster: Cluster, server: KubernetesStandIn
) -> None:
    def leak(items: list[Any]) -> None:
        items[0]["message"] = "probe failed: password=hunter2 Authorization: Bearer abcdefghijklmnop"
        items[1].update(series={"count": 1, "lastObservedTime": "2026-11-21T06:39:00.123456Z"}, count=None)
        items[2].update(eventTime="2026-11-21T06:38:00.000001Z", lastTimestamp=None, firstTimestamp=None)

    server.edit("events", leak)
    _, asked = ask(live(cluster), "events")
    archive_outage(cluster, server)
    server.requests.clear()
    outcome, read = ask(archiving(cluster), "events")
    assert {key: one.digest() for key, one in keyed(read).items()} == {
        key: one.digest() for key, one in keyed(asked).items()
    }
    assert keyed(read) == keyed(asked)
    assert outcome.status is Status.COMPLETE
    assert outcome.warnings == ()
    assert server.paths() == []
    assert "hunter2" not in written(*read)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_window_that_is_recorded_needs_no_live_list(cluster: Cluster, server: KubernetesStandIn, noun: str) -> None:
    archive_outage(cluster, server)
    outcome, found = ask(archiving(cluster), noun)
    assert outcome.status is Status.COMPLETE
    assert found
    assert server.paths() == []
    assert outcome.coverage is not None
    assert (outcome.coverage.start, outcome.coverage.end, outcome.coverage.gaps) == (OUTAGE.start, OUTAGE.end, ())


@pytest.mark.parametrize("noun", NOUNS)
def test_what_the_live_api_tells_the_archive_tells_too(cluster: Cluster, server: KubernetesStandIn, noun: str) -> None:
    _, asked = ask(live(cluster), noun)
    archive_outage(cluster, server)
    _, read = ask(archiving(cluster), noun)
    assert keyed(asked).keys() <= keyed(read).keys()


def test_without_a_recording_everything_is_as_without_an_archive(cluster: Cluster, server: KubernetesStandIn) -> None:
    for noun in (*NOUNS, "logs"):
        assert ask(archiving(cluster), noun) == ask(live(cluster), noun)


def test_past_the_end_of_the_recording_the_live_list_goes_on(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    heard_until(cluster, "events", at("06:38:00"))
    gone = ClusterEvent.objects.filter(last_at__gt=at("06:38:00")).delete()[0]
    assert gone
    kept_only_here = make_cluster_event(cluster=cluster, uid="expired-long-ago", message="the cluster forgot this one")
    _, asked = ask(live(cluster), "events")
    server.requests.clear()
    outcome, found = ask(archiving(cluster), "events")
    assert keyed(found).keys() == keyed(asked).keys() | {f"event:{kept_only_here.uid}"}
    assert "/api/v1/namespaces/shop/events" in server.paths()
    assert outcome.coverage is not None
    assert outcome.coverage.end == at("06:38:00")


def test_of_an_event_known_twice_the_later_and_higher_one_counts(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    heard_until(cluster, "events", at("06:38:00"))
    row = ClusterEvent.objects.filter(namespace="shop").order_by("-count").first()
    assert row is not None
    ClusterEvent.objects.filter(pk=row.pk).update(count=1, last_at=row.first_at)
    _, found = ask(archiving(cluster), "events")
    assert keyed(found)[f"event:{row.uid}"].count == row.count
    ClusterEvent.objects.filter(pk=row.pk).update(count=1, highest_count=row.count + 7, last_at=row.last_at)
    _, found = ask(archiving(cluster), "events")
    assert keyed(found)[f"event:{row.uid}"].count == row.count + 7


def test_a_gap_is_told_and_the_live_api_is_asked(cluster: Cluster, server: KubernetesStandIn) -> None:
    gap = Gap(at("06:31:00"), at("06:33:00"), "expired", "")
    archive_outage(cluster, server, gaps=[gap])
    outcome, _ = ask(archiving(cluster), "events")
    assert outcome.coverage is not None
    told = outcome.coverage.gaps[0]
    assert (told.start, told.end, told.resources) == (gap.started_at, gap.ended_at, ("events",))
    assert told.reason == "the cluster no longer had what changed meanwhile"
    assert "/api/v1/namespaces/shop/events" in server.paths()
    assert "Neither recorded nor listed: 2026-11-21T06:31:00Z to 2026-11-21T06:33:00Z" in outcome.warnings[0]


def test_gaps_of_several_resources_are_told_together(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server, gaps=[Gap(at("06:31:00"), at("06:33:00"), "expired", "")])
    outcome, _ = ask(archiving(cluster), "rollouts")
    assert outcome.coverage is not None
    assert len(outcome.coverage.gaps) == 1
    assert {"replicasets", "deployments"} <= set(outcome.coverage.gaps[0].resources)


def test_a_dead_cluster_still_tells_what_was_recorded(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    server.fault("/", "reset")
    assert ask(archiving(cluster), "events")[0].status is Status.COMPLETE
    heard_until(cluster, "events", at("06:50:00"))
    outcome, found = ask(archiving(cluster), "events")
    assert outcome.status is Status.PARTIAL
    assert found


def test_more_events_than_the_budget_are_cut_and_said(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    outcome, found = ask(archiving(cluster), "events", budget=Budget(items=5))
    assert outcome.status is Status.TRUNCATED
    assert outcome.truncated_by == "items"
    assert "events out of the archive: stopped at the budget of 5 items" in outcome.reason
    assert len(found) <= 10
    assert server.paths() == []


def test_another_clusters_archive_is_not_read(cluster: Cluster, server: KubernetesStandIn) -> None:
    other = make_cluster(name="prod-us", kubeconfig=server.kubeconfig(), allow_private=True)
    make_cluster_event(cluster=other, uid="theirs")
    archive_outage(cluster, server)
    assert "event:theirs" not in keyed(ask(archiving(cluster), "events")[1])


def test_events_of_other_namespaces_are_not_read_but_those_of_nodes_are(
    cluster: Cluster, server: KubernetesStandIn
) -> None:
    make_recording(cluster=cluster, since=at("06:00:00"), heard_at=at("07:10:00"))
    make_cluster_event(cluster=cluster, uid="other", namespace="billing", about_namespace="billing")
    make_cluster_event(cluster=cluster, uid="node", namespace="default", about_kind="Node", about_namespace="")
    make_cluster_event(cluster=cluster, uid="default-pod", namespace="default", about_namespace="default")
    _, found = ask(archiving(cluster), "events")
    assert set(keyed(found)) == {"event:node"}


def test_the_number_of_statements_does_not_grow_with_the_rows(cluster: Cluster, server: KubernetesStandIn) -> None:
    make_recording(cluster=cluster, since=at("06:00:00"), heard_at=at("07:10:00"))

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(archiving(cluster), "events")
        return len(queries)

    few = statements()
    for number in range(30):
        make_cluster_event(cluster=cluster, uid=f"one-of-many-{number}")
    assert statements() == few


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


def test_a_window_that_goes_on_is_recorded_no_further_than_heard(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    window = Window(at("06:22:00"), at("07:30:00"))
    outcome, _ = ask(archiving(cluster), "events", window=window)
    assert "/api/v1/namespaces/shop/events" in server.paths()
    assert outcome.coverage is not None
    assert outcome.coverage.end == Recording.objects.get(cluster=cluster, resource="events").heard_at


def test_a_gap_outside_the_window_is_not_told(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    make_gap(cluster=cluster, started_at=at("06:01:00"), ended_at=at("06:02:00"))
    outcome, _ = ask(archiving(cluster), "events", scope=SHOP)
    assert outcome.coverage is not None
    assert outcome.coverage.gaps == ()
    assert server.paths() == []
