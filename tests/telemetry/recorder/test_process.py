"""`manage.py recorder` as it runs in production: leads, hands over, outlives its database, ends when asked."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from telemetry.models import Cluster, ClusterEvent, Heartbeat, Recording
from tests import database, running
from tests.builders import make_cluster
from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.telemetry.recorder.recording import make_event

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = [sys.executable, str(running.ROOT / "manage.py"), "recorder"]


class Stage:
    """A cluster that is connected, and recorders that can be started and ended."""

    def __init__(self, server: WatchedClusterStandIn, folder: Path, stack: ExitStack) -> None:
        self.server, self.folder, self._stack = server, folder, stack
        self.cluster = make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)

    def start(self, name: str = "recorder") -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        return self._stack.enter_context(running.process(COMMAND, environment=database.environment(), log=log))

    def log(self, name: str = "recorder") -> str:
        return (self.folder / f"{name}.log").read_text()

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.server.put("events", make_event(number))

    def until_archived(self, count: int, seconds: float = 30) -> float:
        began = time.monotonic()
        rows = ClusterEvent.objects.filter(cluster=self.cluster)
        wait_for(lambda: rows.count() == count, f"{count} Events", seconds)
        return time.monotonic() - began


@pytest.fixture
def stage(committed: None, tmp_path: Path) -> Iterator[Stage]:
    with WatchedClusterStandIn() as server, ExitStack() as stack:
        yield Stage(server, tmp_path, stack)


def leaders() -> set[str]:
    return set(Recording.objects.exclude(state="stopped").values_list("leader", flat=True))


def test_it_records_every_connected_cluster_and_ends_cleanly_when_asked(stage: Stage) -> None:
    child = stage.start()
    stage.put(1, 2)
    stage.until_archived(2)
    beat = wait_for(Heartbeat.objects.filter(name="recorder", detail__leads=["prod-eu"]).first, "a sign of life")
    assert beat.detail["process"].endswith(f":{child.pid}")
    stage.put(3, 4, 5)
    time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == 0
    assert stage.log() == ""
    assert set(Recording.objects.values_list("state", flat=True)) == {"stopped"}
    stage.start()
    stage.until_archived(5)


def test_a_second_one_waits_and_takes_over_when_the_first_is_killed(stage: Stage) -> None:
    first = stage.start("first")
    stage.put(1)
    stage.until_archived(1)
    second = stage.start("second")
    wait_for(_both_are_there, "the second to wait")
    assert {name.rpartition(":")[2] for name in leaders()} == {str(first.pid)}
    running.end(first)
    stage.put(2)
    assert stage.until_archived(2, seconds=15) < 15
    assert {name.rpartition(":")[2] for name in leaders()} == {str(second.pid)}


def _both_are_there() -> bool:
    """Both hold their connection; one alone holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'debrief recorder%%'")
        return bool(cursor.fetchone()[0] == 2)


def test_a_database_that_is_away_in_mid_stream_loses_nothing(stage: Stage) -> None:
    stage.start()
    stage.put(1)
    stage.until_archived(1)
    name = connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(make_conninfo(**database.parts() | {"dbname": "postgres"}), autocommit=True) as admin:
        try:
            _let_in(admin, name, "false")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            stage.put(*range(2, 40))
            time.sleep(4)
        finally:
            _let_in(admin, name, "true")
    stage.put(*range(40, 60))
    stage.until_archived(59, seconds=30)
    assert not stage.cluster.gaps.exists()


def _let_in(admin: psycopg.Connection, name: str, whether: str) -> None:
    query = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.SQL(whether))
    admin.execute(query)


def test_a_cluster_is_begun_when_it_is_connected_and_left_when_it_is_switched_off(stage: Stage) -> None:
    Cluster.objects.filter(pk=stage.cluster.pk).update(recorded=False)
    stage.start()
    wait_for(Heartbeat.objects.filter(name="recorder").exists, "a sign of life")
    stage.put(1)
    assert not Recording.objects.exists()
    Cluster.objects.filter(pk=stage.cluster.pk).update(recorded=True)
    stage.until_archived(1)
    Cluster.objects.filter(pk=stage.cluster.pk).update(recorded=False)
    wait_for(lambda: not leaders(), "the end of the recording")


def test_credentials_that_cannot_be_read_are_told_on_the_recordings(stage: Stage) -> None:
    stage.start()
    stage.put(1)
    stage.until_archived(1)
    Cluster.objects.filter(pk=stage.cluster.pk).update(credentials="not what we wrote")
    wait_for(Recording.objects.filter(state="waiting", reason__contains="CREDENTIAL_KEYS").exists, "the reason")
