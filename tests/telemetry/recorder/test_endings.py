"""A container ends; its last lines are in the archive before the node forgets them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from telemetry.models import ContainerEnding
from tests import database
from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.telemetry.recorder.recording import recorder, until_state

pytestmark = pytest.mark.django_db(transaction=True)
STARTED, FINISHED = "2026-11-21T06:37:00Z", "2026-11-21T06:38:00Z"
LINES = (
    "2026-11-21T06:37:01.000000000Z listening on :8080\n"
    "2026-11-21T06:37:59.000000000Z dial orders-db: password=hunter2-in-a-log refused\n"
    "2026-11-21T06:38:00.000000000Z panic: no database\n"
)
LATER = "2026-11-21T06:39:30.000000000Z listening on :8080\n"
PREVIOUS, PRESENT = ("shop", "checkout-1", "app", True), ("shop", "checkout-1", "app", False)


@pytest.fixture
def server(committed: None) -> Iterator[WatchedClusterStandIn]:
    with WatchedClusterStandIn() as stand_in:
        yield stand_in


def ended(code: int = 1, **more: Any) -> dict[str, Any]:
    told = {"exitCode": code, "reason": "Error", "startedAt": STARTED, "finishedAt": FINISHED, "containerID": "c://1"}
    return {"terminated": told | more}


def pod(
    *, restarts: int = 1, state: dict[str, Any] | None = None, last: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "checkout-1",
            "namespace": "shop",
            "uid": "pod-1",
            "labels": {"pod-template-hash": "5bbc75684d"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-5bbc75684d", "uid": "rs", "controller": True}],
        },
        "spec": {"nodeName": "node-0", "containers": [{"name": "app"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": "app",
                    "restartCount": restarts,
                    "ready": False,
                    "state": state or {"running": {"startedAt": "2026-11-21T06:39:00Z"}},
                    "lastState": last or {},
                }
            ],
        },
    }


def only_ending() -> ContainerEnding:
    """The one ending, when its log was read or given up."""
    return wait_for(ContainerEnding.objects.exclude(log_status="").first, "the log", 20)


def test_the_last_lines_of_a_restarted_container_are_kept_redacted(server: WatchedClusterStandIn) -> None:
    server.logs[PREVIOUS] = LINES
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(last=ended(137, reason="OOMKilled")))
        found = only_ending()
    assert (found.exit_code, found.reason, found.restarts, found.is_previous) == (137, "OOMKilled", 1, True)
    assert (found.workload_kind, found.workload_name, found.node) == ("Deployment", "checkout", "node-0")
    assert (found.log_status, found.log_lines) == ("complete", 3)
    assert found.log.endswith("panic: no database")
    assert found.redactions == {"assigned-secret": 1}
    assert database.places_of("hunter2-in-a-log") == []


def test_a_failure_whose_pod_does_not_restart_gives_its_present_log(server: WatchedClusterStandIn) -> None:
    server.logs[PRESENT] = LINES
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(restarts=0, state=ended(2)))
        found = only_ending()
    assert (found.exit_code, found.is_previous, found.log_lines) == (2, False, 3)


def test_one_ending_is_one_row_also_when_it_becomes_the_previous_life(server: WatchedClusterStandIn) -> None:
    server.logs[PRESENT], server.logs[PREVIOUS] = LINES, LINES
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(restarts=0, state=ended()))
        only_ending()
        server.put("pods", pod(restarts=1, last=ended()))
        wait_for(ContainerEnding.objects.filter(is_previous=True).exists, "the next life")
    assert ContainerEnding.objects.count() == 1


def test_a_log_of_the_life_after_is_not_taken_for_that_of_the_one_before(server: WatchedClusterStandIn) -> None:
    # The container was started again between its end and our question.
    server.logs[PRESENT], server.logs[PREVIOUS] = LATER, LINES
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(restarts=0, state=ended()))
        found = only_ending()
    assert "panic" in found.log
    assert "06:39:30" not in found.log


def test_a_life_that_was_too_short_says_so(server: WatchedClusterStandIn) -> None:
    server.logs[PREVIOUS] = LATER
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(last=ended()))
        found = only_ending()
    assert (found.log_status, found.log) == ("gone", "")
    assert "started and ended again" in found.log_reason


@pytest.mark.parametrize("began", ["2026-11-21T06:36:30", "2026-11-21T06:38:00"])
def test_what_the_life_next_to_it_began_or_ended_with_is_not_its_last_words(
    server: WatchedClusterStandIn, began: str
) -> None:
    """Started again at once, its first line is of the very second in which the one before ended."""
    first = datetime.fromisoformat(f"{began}.200+00:00")
    times = [first + timedelta(seconds=3 * number) for number in range(11)]
    server.logs[PREVIOUS] = "".join(f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z line of another life\n" for at in times)
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(last=ended()))
        found = only_ending()
    assert (found.log_status, found.log) == ("gone", "")


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ((400, "BadRequest", "previous terminated container not found"), "gone", "no longer had this container"),
        ((404, "NotFound", 'pods "checkout-1" not found'), "gone", "The pod was gone"),
        ((403, "Forbidden", "cannot get resource pods/log"), "denied", 'resources: ["pods/log"]'),
    ],
)
def test_a_log_that_cannot_be_had_says_why(
    server: WatchedClusterStandIn, answer: tuple[int, str, str], status: str, words: str
) -> None:
    server.logs[PREVIOUS] = answer
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(last=ended()))
        found = only_ending()
    assert (found.log_status, found.log) == (status, "")
    assert words in found.log_reason


def test_a_node_that_does_not_answer_is_asked_again_a_few_times(server: WatchedClusterStandIn) -> None:
    server.logs[PREVIOUS] = (500, "InternalError", "dial tcp 10.0.0.7:10250: i/o timeout")
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(last=ended()))
        wait_for(ContainerEnding.objects.filter(log_attempts=1, log_status="").exists, "the first try")
        server.logs[PREVIOUS] = LINES
        found = only_ending()
    assert (found.log_status, found.log_attempts) == ("complete", 2)


def test_an_ending_that_nobody_could_read_before_a_restart_is_read_after_it(server: WatchedClusterStandIn) -> None:
    server.logs[PREVIOUS] = (500, "InternalError", "the kubelet starts")
    with recorder(server, "pods"):
        until_state("watching", "pods")
        server.put("pods", pod(last=ended()))
        wait_for(ContainerEnding.objects.filter(log_attempts=1).exists, "the first try")
    server.logs[PREVIOUS] = LINES
    with recorder(server, "pods"):
        assert only_ending().log_lines == 3
