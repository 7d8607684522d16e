"""`/api/v1/events` and the state of the recordings, as a program reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from telemetry.models import Cluster
from tests.api.calling import Api
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_cluster, make_cluster_event, make_gap, make_person, make_recording

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(make_person("cy"))


def uids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["uid"] for row in answer.json()["results"]]


def test_an_event_reads_in_snake_case_with_its_object(api: Api) -> None:
    make_cluster_event(uid="one", count=4, signal="crash-loop", gone_at=NOW)
    (row,) = api.get("events/").json()["results"]
    assert row == {
        "uid": "one",
        "cluster": "prod-eu",
        "namespace": "shop",
        "name": "checkout-1.17a",
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting failed container",
        "action": "",
        "about": {
            "group": "",
            "kind": "Pod",
            "namespace": "shop",
            "name": "checkout-1",
            "uid": "pod-1",
            "field_path": "",
        },
        "signal": "crash-loop",
        "count": 4,
        "highest_count": 1,
        "is_lower_bound": False,
        "first_at": "2026-11-21T06:38:12Z",
        "last_at": "2026-11-21T06:38:12Z",
        "created_at": "2026-11-21T06:38:12Z",
        "gone_at": "2026-11-21T06:38:12Z",
        "reporter": "kubelet",
        "host": "",
        "redactions": {},
        "received_at": "2026-11-21T06:38:12Z",
        "updated_at": "2026-11-21T06:38:12Z",
    }
    assert api.get("events/one/").json() == row
    assert api.get("events/one/?cluster=prod-eu").json() == row


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("cluster=dr-eu", ["dr"]),
        ("namespace=pay", ["pay"]),
        ("kind=Node", ["node"]),
        ("object=cart-1", ["cart"]),
        ("reason=FailedMount", ["mount"]),
        ("type=Normal", ["normal"]),
        ("signal=oom-killed", ["oom"]),
        ("q=NO%20SPACE", ["mount"]),
        ("q=art-", ["cart"]),
        ("namespace=shop&reason=FailedMount&type=Warning", ["mount"]),
        ("namespace=shop&reason=none", []),
    ],
)
def test_a_filter_leaves_what_it_names(api: Api, filters: str, found: list[str]) -> None:
    make_cluster_event(uid="plain")
    make_cluster_event(uid="dr", cluster=make_cluster(name="dr-eu"))
    make_cluster_event(uid="pay", namespace="pay")
    make_cluster_event(uid="node", about_kind="Node")
    make_cluster_event(uid="cart", about_name="cart-1")
    make_cluster_event(uid="mount", reason="FailedMount", message="no space left on device")
    make_cluster_event(uid="normal", type="Normal")
    make_cluster_event(uid="oom", signal="oom-killed")
    assert uids(api.get(f"events/?{filters}")) == found


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ("since=2026-11-21T06:38:12Z", ["later", "now", "long"]),
        ("until=2026-11-21T06:38:12Z", ["long", "before"]),
        ("since=2026-11-21T06:00:00Z&until=2026-11-21T06:10:00Z", ["long"]),
        ("since=2026-11-21T07:38:11%2B01:00&until=2026-11-21T07:38:13%2B01:00", ["now", "long"]),
    ],
)
def test_a_window_holds_what_went_on_in_it(api: Api, window: str, found: list[str]) -> None:
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    make_cluster_event(uid="before", first_at=NOW - hour, last_at=NOW - hour, created_at=NOW - hour)
    make_cluster_event(uid="long", first_at=NOW - hour, created_at=NOW - hour)
    make_cluster_event(uid="now", first_at=NOW, last_at=NOW)
    make_cluster_event(uid="later", first_at=NOW + minute, last_at=NOW + minute, created_at=NOW + minute)
    assert set(uids(api.get(f"events/?{window}"))) == set(found)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("since=yesterday", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
        ("since=2026-11-21T06:38:12", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("since=2026-11-21T06:38:12Z&until=2026-11-21T06:38:12Z", "until"),
        ("cluster=nowhere", "cluster"),
        (f"namespace={'n' * 301}", "namespace"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(api: Api, given: str, field: str) -> None:
    answer = api.get(f"events/?{given}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_pages_hold_every_event_once_though_hundreds_share_a_second(api: Api) -> None:
    for place in range(30):
        make_cluster_event(uid=f"tie-{place}")
        make_cluster_event(uid=f"own-{place}", last_at=NOW + timedelta(seconds=place % 7))
    seen: list[str] = []
    answer = api.get("events/?page_size=7&namespace=shop")
    while True:
        seen += uids(answer)
        following = answer.json()["next"]
        if following is None:
            break
        assert "namespace=shop" in following
        answer = api.get(following.partition("/api/v1/")[2])
    assert len(seen) == len(set(seen)) == 60
    assert seen == uids(api.get("events/?page_size=200"))


def test_an_event_that_comes_while_pages_are_read_moves_none_of_them(api: Api) -> None:
    for place in range(4):
        make_cluster_event(uid=f"old-{place}", last_at=NOW + timedelta(seconds=place))
    first = api.get("events/?page_size=2")
    make_cluster_event(uid="new", last_at=NOW + timedelta(minutes=1))
    second = api.get(first.json()["next"].partition("/api/v1/")[2])
    assert uids(first) + uids(second) == ["old-3", "old-2", "old-1", "old-0"]


@pytest.mark.parametrize("cursor", ["x", "%20", "MjAyNg", "bm93IDE", "MjAyNi0xMS0yMVQwNjozODoxMiswMDowMCAtMQ", "é"])
def test_a_cursor_that_is_none_of_ours_is_not_found(api: Api, cursor: str) -> None:
    assert api.get(f"events/?cursor={cursor}").status_code == 404


def test_an_unknown_event_is_not_found(api: Api) -> None:
    make_cluster_event(uid="one", cluster=make_cluster())
    make_cluster(name="dr-eu")
    assert api.get("events/none/").status_code == 404
    assert api.get("events/one/?cluster=dr-eu").status_code == 404


def test_events_of_a_removed_cluster_are_not_shown(api: Api) -> None:
    make_cluster_event(uid="one")
    Cluster.objects.all().delete()
    assert uids(api.get("events/")) == []
    assert api.get("events/one/").status_code == 404


def test_events_are_for_readers_and_for_reading() -> None:
    make_cluster_event(uid="one")
    assert Api().get("events/").status_code == 401
    assert Api(make_person("ada"), "ingest").get("events/").status_code == 403
    assert Api(make_person("root"), "admin").post("events/", {"uid": "two"}).status_code == 405
    assert Api(make_person("root"), "admin").delete("events/one/").status_code == 405


def test_a_long_list_asks_what_a_short_one_asks(api: Api) -> None:
    cluster = make_cluster()
    make_cluster_event(cluster=cluster)
    few = queries_of(lambda: api.get("events/"))
    for place in range(40):
        make_cluster_event(cluster=cluster, uid=f"more-{place}")
    assert queries_of(lambda: api.get("events/")) == few


def test_the_state_of_each_recording_reads_with_its_latest_gaps(api: Api) -> None:
    cluster = make_cluster()
    make_recording(cluster=cluster, received=12, stored=11, dropped=1, lag_seconds=0.6, per_minute=3.5)
    make_recording(cluster=cluster, resource="pods", state="denied", reason="pods is forbidden", remedy="rules: …")
    make_recording(cluster=make_cluster(name="dr-eu"))
    make_gap(cluster=cluster, detail="410 Expired")
    events, pods = api.get(f"clusters/{cluster.pk}/recordings/").json()["results"]
    assert (events["resource"], events["state"], events["received"], events["lag_seconds"]) == (
        "events",
        "watching",
        12,
        0.6,
    )
    assert (pods["state"], pods["reason"], pods["remedy"]) == ("denied", "pods is forbidden", "rules: …")
    assert api.get("clusters/999999/recordings/").status_code == 404


def test_recordings_ask_the_same_number_of_questions_however_many(api: Api) -> None:
    cluster = make_cluster()
    make_recording(cluster=cluster)
    few = queries_of(lambda: api.get(f"clusters/{cluster.pk}/recordings/"))
    for place in range(20):
        make_recording(cluster=cluster, resource=f"resource-{place}")
        make_gap(cluster=cluster, resource=f"resource-{place}")
    assert queries_of(lambda: api.get(f"clusters/{cluster.pk}/recordings/")) == few


def test_recording_is_switched_off_and_on_by_an_admin() -> None:
    cluster, root = make_cluster(), Api(make_person("root"), "admin")
    assert root.get(f"clusters/{cluster.pk}/").json()["recorded"] is True
    assert root.patch(f"clusters/{cluster.pk}/", {"recorded": False}).json()["recorded"] is False
    assert root.patch(f"clusters/{cluster.pk}/", {"name": "prod"}).json()["recorded"] is False
    assert Api(make_person("ada")).patch(f"clusters/{cluster.pk}/", {"recorded": True}).status_code == 403
