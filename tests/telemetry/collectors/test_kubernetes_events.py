"""Events of the recorded outage: their times, counts, scope, and what happens when asking fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemetry.collectors.kubernetes import KubernetesCollector
from telemetry.collectors.kubernetes.events import occurrence_of
from telemetry.observations import Budget, Connection, Level, Observation, Scope, Status, Window
from tests.stand_ins.api_server import RECORDINGS
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, ask, at, written


@pytest.fixture
def cluster() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


def collector(cluster: KubernetesStandIn) -> KubernetesCollector:
    return KubernetesCollector(Connection(name="eu", kubeconfig=cluster.kubeconfig(), allow_private=True))


def by_reason(found: list[Observation], reason: str, name: str = "") -> list[Observation]:
    matching = (one for one in found if one.payload["reason"] == reason and name in one.subject["name"])
    return sorted(matching, key=lambda one: one.first_at)


def test_every_recorded_event_of_the_window_is_kept(cluster: KubernetesStandIn) -> None:
    outcome, found = ask(collector(cluster), "events")
    assert (outcome.status, outcome.fetched, outcome.kept) == (Status.COMPLETE, 29, 29)
    assert len({one.dedup_key for one in found}) == 29


def test_scheduler_events_with_an_event_time_alone_stand_at_their_minute(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "events")
    scheduled = by_reason(found, "Scheduled", "orders-db-0")
    assert [one.first_at for one in scheduled] == [at("06:37:08.232725")]
    waiting = by_reason(found, "FailedScheduling", "report-writer")
    assert [one.first_at.strftime("%H:%M") for one in waiting] == ["06:39", "06:39"]


def test_a_series_is_one_span_until_its_last_observation(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "events")
    once, series, later = by_reason(found, "FailedScheduling", "checkout")
    assert (once.count, once.payload["until_only"]) == (1, False)
    assert (series.first_at, series.last_at) == (at("06:37:20.439070"), at("06:37:42.561209"))
    assert (series.count, series.payload["until_only"]) == (2, True)
    assert later.last_at == at("06:39:21.093156")


def test_a_counted_event_is_one_observation_with_its_count(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "events")
    (metric,) = by_reason(found, "FailedGetResourceMetric")
    assert (metric.count, metric.first_at, metric.last_at) == (10, at("06:37:23"), at("06:39:40"))
    assert metric.payload["until_only"] is False


def test_levels_follow_type_and_reason(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "events")
    levels = {one.payload["reason"]: one.level for one in found}
    assert levels["NodeNotReady"] is Level.ERROR
    assert levels["FailedScheduling"] is Level.WARNING
    assert levels["Scheduled"] is Level.NORMAL


def test_node_events_come_although_they_live_in_another_namespace(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "events")
    nodes = [one for one in found if one.subject["kind"] == "Node"]
    assert {one.payload["node"] for one in nodes} == {"node-0", "node-1", "node-2"}


def test_a_workload_scope_keeps_its_own_events_and_the_warnings_around(cluster: KubernetesStandIn) -> None:
    _, found = ask(collector(cluster), "events", scope=CHECKOUT)
    names = {one.subject["name"] for one in found if one.payload["type"] == "Normal" and one.subject["kind"] != "Node"}
    assert names == {
        "checkout",
        "checkout-5659678678",
        "checkout-5bbc75684d",
        "checkout-5bbc75684d-flwhw",
        "checkout-5bbc75684d-j6hpv",
        "checkout-5bbc75684d-krlcc",
    }
    assert by_reason(found, "ProvisioningFailed", "reports")


def test_events_outside_the_window_are_dropped_and_those_that_reach_into_it_kept(cluster: KubernetesStandIn) -> None:
    window = Window(at("06:39:00"), at("06:39:30"))
    outcome, found = ask(collector(cluster), "events", window=window)
    assert {one.payload["reason"] for one in found} == {
        "FailedGetResourceMetric",
        "FailedComputeMetricsReplicas",
        "FailedScheduling",
    }
    assert outcome.dropped == 29 - len(found)


def test_a_list_of_two_pages_is_read_to_its_end(cluster: KubernetesStandIn) -> None:
    def more(items: list[Any]) -> None:
        for number in range(600):
            copy = json.loads(json.dumps(items[-1]))
            copy["metadata"]["uid"] = f"copy-{number}"
            items.append(copy)

    cluster.edit("events", more)
    outcome, _ = ask(collector(cluster), "events", budget=Budget(deadline_seconds=10))
    pages = [asked.query for asked in cluster.requests if asked.path.endswith("/shop/events")]
    assert [("continue" in query, query["limit"]) for query in pages] == [(False, "500"), (True, "500")]
    assert outcome.kept == 629


def test_a_list_that_expires_half_way_is_read_again_from_the_start(cluster: KubernetesStandIn) -> None:
    cluster.edit("events", lambda items: items.extend(json.loads(json.dumps(items[4:5] * 600))))
    cluster.fault("/api/v1/namespaces/shop/events", "410-continue")
    outcome, found = ask(collector(cluster), "events", budget=Budget(deadline_seconds=10))
    assert outcome.status is Status.COMPLETE
    assert len(found) == 29
    pages = ["continue" in asked.query for asked in cluster.requests if asked.path.endswith("/shop/events")]
    assert pages == [False, True, False, True]


def test_a_list_that_expires_twice_keeps_what_was_read(cluster: KubernetesStandIn) -> None:
    cluster.edit("events", lambda items: items.extend(json.loads(json.dumps(items[4:5] * 600))))
    cluster.fault("/api/v1/namespaces/shop/events", "410-continue")
    cluster.fault("/api/v1/namespaces/shop/events", "410-continue")
    outcome, found = ask(collector(cluster), "events", budget=Budget(deadline_seconds=10))
    assert outcome.status is Status.PARTIAL
    assert "expired twice" in outcome.reason
    assert len(found) >= 20


def test_an_empty_list_within_retention_is_empty(cluster: KubernetesStandIn) -> None:
    cluster.edit("events", lambda items: items.clear())
    now = datetime.now(UTC)
    outcome, found = ask(collector(cluster), "events", window=Window(now - timedelta(minutes=30), now))
    assert (outcome.status, found) == (Status.EMPTY, [])


def test_an_empty_list_of_a_window_older_than_retention_proves_nothing(cluster: KubernetesStandIn) -> None:
    cluster.edit("events", lambda items: items.clear())
    window = Window(OUTAGE.start - timedelta(days=400), OUTAGE.end - timedelta(days=400))
    outcome, _ = ask(collector(cluster), "events", window=window)
    assert outcome.status is Status.PARTIAL
    assert "proves nothing" in outcome.reason


@pytest.mark.parametrize(
    ("fault", "status", "retryable"),
    [
        ("401", Status.UNAUTHENTICATED, False),
        ("403", Status.DENIED, False),
        ("404", Status.NOT_INSTALLED, False),
        ("429", Status.THROTTLED, True),
        ("500", Status.ERROR, True),
        ("hang", Status.TIMEOUT, True),
        ("drip", Status.TIMEOUT, True),
        ("huge", Status.TRUNCATED, False),
        ("cut", Status.ERROR, True),
        ("garbage", Status.ERROR, False),
    ],
)
def test_each_failure_has_its_outcome(cluster: KubernetesStandIn, fault: str, status: Status, retryable: bool) -> None:
    cluster.fault("/api/v1", fault, retry_after="60")
    budget = Budget(deadline_seconds=0.8, bytes=1024 * 1024)
    outcome, found = ask(collector(cluster), "events", budget=budget)
    assert (outcome.status, outcome.retryable, found) == (status, retryable, [])
    assert outcome.reason


def test_a_denied_list_comes_with_the_rule_that_would_allow_it(cluster: KubernetesStandIn) -> None:
    cluster.fault("/api/v1", 403)
    outcome, _ = ask(collector(cluster), "events")
    assert 'User "viewer" cannot list resource "events"' in outcome.reason
    assert outcome.remedy == '- apiGroups: [""]\n  resources: ["events"]\n  verbs: ["get", "list", "watch"]'


def test_one_denied_namespace_leaves_the_others(cluster: KubernetesStandIn) -> None:
    cluster.fault("/api/v1/namespaces/locked", 403)
    outcome, found = ask(collector(cluster), "events", scope=Scope(namespaces=("locked", "shop")))
    assert outcome.status is Status.PARTIAL
    assert "namespace locked" in outcome.reason
    assert len(found) == 29


def test_throttling_that_passes_is_waited_for(cluster: KubernetesStandIn) -> None:
    cluster.fault("/api/v1", 429, times=1, retry_after="0")
    outcome, _ = ask(collector(cluster), "events")
    assert outcome.status is Status.COMPLETE


def test_the_item_budget_truncates(cluster: KubernetesStandIn) -> None:
    outcome, found = ask(collector(cluster), "events", budget=Budget(deadline_seconds=5, items=10))
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "items")
    assert 0 < len(found) <= 10


def test_secrets_in_messages_are_masked(cluster: KubernetesStandIn) -> None:
    def leak(items: list[Any]) -> None:
        items[5]["message"] = "probe of http://ada:hunter2@10.0.0.1/ failed \x00"

    cluster.edit("events", leak)
    outcome, found = ask(collector(cluster), "events")
    assert "hunter2" not in written(outcome, *found)
    assert "\\u0000" not in written(*found)
    assert outcome.redactions == {"url-userinfo": 1}


def test_objects_of_another_shape_are_an_error_and_no_exception(cluster: KubernetesStandIn) -> None:
    cluster.edit("events", lambda items: items[0].update(involvedObject=[1], source="x", metadata={"namespace": 3}))
    cluster.edit("pods", lambda items: items[0].update(status=[1]))
    assert ask(collector(cluster), "events")[0].status in {Status.COMPLETE, Status.PARTIAL}
    assert ask(collector(cluster), "restarts")[0].status in {Status.ERROR, Status.PARTIAL}


def test_recorded_updates_of_one_event_count_up_in_place() -> None:
    lines = (RECORDINGS / "core-v1-events-watch.ndjson").read_text().splitlines()
    metric = [event for event in (json.loads(line)["object"] for line in lines) if "ResourceMetric" in event["reason"]]
    times = [occurrence_of(event) for event in metric]
    assert [one.count for one in times if one] == list(range(1, 14))
    assert {one.first for one in times if one} == {at("06:37:23")}
    assert [one.last for one in times if one][-1] == at("06:40:26")
