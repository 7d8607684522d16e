"""The archive is read first; the live API is asked for what the archive does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from telemetry.models import Cluster, ClusterEvent, Recording
from telemetry.observations import Budget, Status, Window
from telemetry.recorder.batches import Gap
from tests.builders import make_cluster, make_cluster_event, make_gap, make_recording
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.archiving import (
    archive_outage,
    archiving,
    heard_until,
    keyed,
    live,
)
from tests.telemetry.collectors.asking import OUTAGE, SHOP, ask, at, written

pytestmark = pytest.mark.django_db
NOUNS = ("events", "rollouts", "restarts", "nodes")


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cluster(server: KubernetesStandIn) -> Cluster:
    return make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)


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
