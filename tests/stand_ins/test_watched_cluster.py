from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest

from tests.stand_ins.api_server import TOKEN, recorded_body
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.server import StandIn
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.stand_ins.watching import Trouble

EVENTS = "/api/v1/events"


@pytest.fixture
def cluster() -> Iterator[WatchedClusterStandIn]:
    with WatchedClusterStandIn() as stand_in:
        yield stand_in


def client(stand_in: StandIn) -> httpx.Client:
    return httpx.Client(base_url=stand_in.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)


def get(stand_in: StandIn, path: str, **params: Any) -> httpx.Response:
    with client(stand_in) as http:
        return http.get(path, params=params)


@contextmanager
def watching(stand_in: StandIn, path: str = EVENTS, **params: Any) -> Iterator[Iterator[dict[str, Any]]]:
    with client(stand_in) as http, http.stream("GET", path, params={"watch": "1", **params}) as answer:
        assert answer.status_code == 200
        yield (json.loads(line) for line in answer.iter_lines())


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}"}, "count": 1, **more}


def told(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["type"], line["object"]["metadata"].get("name", "")) for line in lines]


def test_a_watch_tells_the_changes_after_its_version_and_then_those_to_come(cluster: WatchedClusterStandIn) -> None:
    version = cluster.put("events", event("a"))["metadata"]["resourceVersion"]
    cluster.put("events", event("b"))
    with watching(cluster, resourceVersion=version) as lines:
        first = next(lines)
        cluster.put("events", event("b", count=2))
        cluster.delete("events", "uid-b")
        assert told([first, *islice(lines, 2)]) == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "b")]
    assert cluster.truth("events")["uid-b"]["count"] == 2


def test_pages_of_a_list_show_one_moment(cluster: WatchedClusterStandIn) -> None:
    for name in "abcde":
        cluster.put("events", event(name))
    first = get(cluster, EVENTS, limit=2).json()
    cluster.delete("events", "uid-d")
    second = get(cluster, EVENTS, limit=3, **{"continue": first["metadata"]["continue"]}).json()
    assert [item["metadata"]["name"] for item in [*first["items"], *second["items"]]] == list("abcde")
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert first["kind"] == "EventList"
    assert "kind" not in first["items"][0]
    assert "continue" not in second["metadata"]


def test_a_forgotten_version_is_refused_in_both_forms(cluster: WatchedClusterStandIn) -> None:
    version = cluster.put("events", event("a"))["metadata"]["resourceVersion"]
    cluster.put("events", event("b"))
    cluster.compact()
    with watching(cluster, resourceVersion=version) as lines:
        assert list(lines) == [json.loads(recorded_body("watch-410-expired.http"))]
    with watching(cluster, resourceVersion=version) as lines:
        assert next(lines)["object"]["reason"] == "Gone"
    cluster.expired_form = "status"
    assert get(cluster, EVENTS, watch="1", resourceVersion=version).status_code == 410


def test_an_expired_page_gives_a_token_that_goes_on(cluster: WatchedClusterStandIn) -> None:
    for name in "abc":
        cluster.put("events", event(name))
    token = get(cluster, EVENTS, limit=1).json()["metadata"]["continue"]
    cluster.put("events", event("d"))
    cluster.compact()
    refused = get(cluster, EVENTS, limit=1, **{"continue": token})
    assert (refused.status_code, refused.json()["reason"]) == (410, "Expired")
    rest = get(cluster, EVENTS, **{"continue": refused.json()["metadata"]["continue"]}).json()
    assert [item["metadata"]["name"] for item in rest["items"]] == list("bcd")


def test_bookmarks_tell_a_version_up_to_which_everything_was_told(cluster: WatchedClusterStandIn) -> None:
    cluster.bookmark_seconds = 0.05
    with watching(cluster, resourceVersion="1", allowWatchBookmarks="true") as lines:
        version = cluster.put("pods", event("p"))["metadata"]["resourceVersion"]
        mark = next(line["object"] for line in lines if line["object"]["metadata"]["resourceVersion"] == version)
    assert (mark["kind"], mark["apiVersion"]) == ("Event", "v1")


def test_opaque_versions_are_no_numbers() -> None:
    with WatchedClusterStandIn(opaque=True) as cluster:
        version = cluster.put("events", event("a"))["metadata"]["resourceVersion"]
        assert not version.isdigit()
        assert get(cluster, EVENTS, watch="1", resourceVersion="2").status_code == 400
        cluster.put("events", event("b"))
        with watching(cluster, resourceVersion=version) as lines:
            assert told([next(lines)]) == [("ADDED", "b")]


def test_a_watch_without_a_version_begins_with_what_lives(cluster: WatchedClusterStandIn) -> None:
    cluster.initial_events = True
    cluster.put("events", event("a"))
    with watching(cluster, timeoutSeconds=1, sendInitialEvents="true") as lines:
        first, end = islice(lines, 2)
        assert told([first]) == [("ADDED", "a")]
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert list(lines) == []


def test_a_watch_that_is_cut_ends_in_the_middle_of_a_line(cluster: WatchedClusterStandIn) -> None:
    cluster.put("events", event("a"))
    cluster.trouble("events", Trouble(cut_after_bytes=30))
    with client(cluster) as http, http.stream("GET", EVENTS, params={"watch": "1", "resourceVersion": "1"}) as answer:
        chunks = answer.iter_raw()
        assert len(next(chunks)) == 30
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)


def test_troubles_come_in_order_and_no_more_often_than_said(cluster: WatchedClusterStandIn) -> None:
    for name in "abc":
        cluster.put("events", event(name))
    cluster.trouble("events", Trouble(refuse=(429, "TooManyRequests", "slow down"), retry_after="7"))
    cluster.trouble("events", Trouble(times=2, close_after_events=2))
    cluster.trouble("events", Trouble(inject=b"{garbage", inject_after_events=1))
    refused = get(cluster, EVENTS, watch="1", resourceVersion="1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    for _ in range(2):
        with watching(cluster, resourceVersion="1") as lines:
            assert len(list(lines)) == 2
    whole = get(cluster, EVENTS, watch="1", resourceVersion="1", timeoutSeconds="1").text.splitlines()
    assert [line == "{garbage" for line in whole] == [False, True, False, False]


def test_a_silent_watch_sends_headers_alone(cluster: WatchedClusterStandIn) -> None:
    cluster.put("events", event("a"))
    cluster.trouble("events", Trouble(silent=True))
    with (
        client(cluster) as http,
        http.stream("GET", EVENTS, params={"watch": "1", "resourceVersion": "1"}, timeout=0.3) as answer,
        pytest.raises(httpx.ReadTimeout),
    ):
        list(answer.iter_raw())


def test_a_list_can_be_refused_and_cut(cluster: WatchedClusterStandIn) -> None:
    cluster.trouble("events", Trouble(refuse=(504, "Timeout", "Too large resource version")), on="list")
    cluster.trouble("events", Trouble(cut_after_bytes=20), on="list")
    assert get(cluster, EVENTS).status_code == 504
    with pytest.raises(httpx.RemoteProtocolError):
        get(cluster, EVENTS)
    assert get(cluster, EVENTS).status_code == 200


def test_a_recorded_watch_is_replayed_step_by_step(cluster: WatchedClusterStandIn) -> None:
    steps = cluster.steps("core-v1-events")
    assert len(steps) == 54
    steps[0]()
    assert len(cluster.changes("events")) == 1
    for recording in ("pods", "nodes", "deployments"):
        cluster.replay(recording)
    assert len(cluster.changes("apps/deployments")) == 16
    assert {change.type for change in cluster.changes("pods")} == {"ADDED", "MODIFIED"}


def test_logs_are_those_given_or_the_refusal_given(cluster: WatchedClusterStandIn) -> None:
    cluster.put("pods", event("p"))
    cluster.logs["shop", "p", "app", True] = "one\ntwo\n"
    cluster.logs["shop", "p", "app", False] = (500, "InternalError", "no route to host")
    log = "/api/v1/namespaces/shop/pods/p/log"
    assert get(cluster, log, container="app", previous="true", tailLines=1).text == "two\n"
    assert get(cluster, log, container="app").status_code == 500
    assert get(cluster, log, container="other").status_code == 400
    assert get(cluster, log.replace("/p/", "/q/"), container="app").status_code == 404


def test_another_cluster_can_answer_at_the_address(cluster: WatchedClusterStandIn) -> None:
    cluster.put("events", event("a"))
    with watching(cluster, resourceVersion="1") as lines:
        next(lines)
        cluster.replace("another-uid")
        assert list(lines) == []
    assert get(cluster, "/api/v1/namespaces/kube-system").json()["metadata"]["uid"] == "another-uid"
    assert get(cluster, EVENTS).json()["items"] == []


@pytest.mark.parametrize("kind", [WatchedClusterStandIn, KubernetesStandIn])
def test_stopping_ends_a_watch_at_once(kind: type[WatchedClusterStandIn] | type[KubernetesStandIn]) -> None:
    with ExitStack() as server:
        stand_in = server.enter_context(kind())
        with (
            client(stand_in) as http,
            http.stream("GET", EVENTS, params={"watch": "1", "resourceVersion": "458"}) as told,
        ):
            began = time.monotonic()
            server.close()
            assert told.read() == b""
    assert time.monotonic() - began < 2


def test_the_recorded_server_holds_a_watch_open_until_its_time_is_over() -> None:
    with KubernetesStandIn() as stand_in:
        whole = get(stand_in, EVENTS, watch="true", timeoutSeconds=1, resourceVersion="458", allowWatchBookmarks="true")
        assert whole.text == ""
        with watching(stand_in, "/api/v1/nodes", timeoutSeconds=1) as lines:
            assert {line["type"] for line in lines} == {"ADDED"}
