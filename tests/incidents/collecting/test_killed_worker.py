"""A worker killed with -9 in mid-collection: the next one makes it good, and nothing is there twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from incidents.models import CollectionRun, Evidence, TimelineEntry
from tests import database, running
from tests.builders import make_person
from tests.fixtures import signed_in
from tests.incidents.collecting import outage
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.prometheus import PrometheusStandIn
from tests.stand_ins.server import Asked, Fault

pytestmark = pytest.mark.xdist_group("killed")


class StuckKubernetes(KubernetesStandIn):
    """Answers the first two logs, then hangs on every further one while it is `stuck`."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = True

    def take_fault(self, asked: Asked) -> Fault | None:
        logs = [path for path in self.paths() if path.endswith("/log")]
        if self.stuck and asked.path.endswith("/log") and len(logs) > 2:
            return Fault("/", "hang")
        return super().take_fault(asked)


@pytest.fixture
def servers(committed: None) -> Iterator[tuple[StuckKubernetes, PrometheusStandIn]]:
    with StuckKubernetes() as kubernetes, PrometheusStandIn() as prometheus:
        outage.connect(kubernetes, prometheus)
        yield kubernetes, prometheus


def test_a_second_worker_makes_good_what_a_killed_one_left(
    servers: tuple[StuckKubernetes, PrometheusStandIn], tmp_path: Path
) -> None:
    kubernetes, _ = servers
    environment = database.environment()
    command = running.worker_command(concurrency=2)
    with running.process(command, environment=environment, log=tmp_path / "first.log") as first:
        incident = outage.declare()
        stuck = CollectionRun.objects.filter(incident=incident, query_name="logs", state="running")
        others = CollectionRun.objects.filter(incident=incident).exclude(query_name="logs")
        running.wait_for(
            lambda: (
                stuck.exists()
                and sum(path.endswith("/log") for path in kubernetes.paths()) > 2
                and others.filter(state="done").count() >= 3
            ),
            "a collection under way",
        )
        children = psutil.Process(first.pid).children(recursive=True)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        running.wait_for(
            lambda: not any(child.is_running() and child.status() != "zombie" for child in children),
            "the end of its children",
            10,
        )
    assert stuck.exists(), "the killed worker left its run unfinished"
    already = outage.remembered(incident)
    assert already
    page = signed_in(make_person("cy")).get(incident.get_absolute_url())
    assert page.status_code == 200

    kubernetes.stuck = False
    with (
        running.process(command, environment=environment, log=tmp_path / "second.log"),
        running.process(running.beat_command(tmp_path), environment=environment, log=tmp_path / "beat.log"),
    ):
        outage.collected(incident, seconds=60)
    runs = CollectionRun.objects.filter(incident=incident)
    assert set(runs.values_list("state", flat=True)) == {"done"}
    logs = runs.get(query_name="logs")
    assert (logs.attempts, logs.status) == (2, "partial")
    now_there = outage.remembered(incident)
    assert now_there[: len(already)] == already
    numbers = [number for _, number, *_ in now_there]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({key for _, _, key, *_ in now_there}) == len(now_there)
    titles = Evidence.objects.filter(incident=incident, type="log").values_list("title", "first_at")
    assert len(set(titles)) == len(titles)
    keys = list(TimelineEntry.objects.filter(incident=incident).values_list("dedup_key", flat=True))
    assert len(keys) == len(set(keys))
