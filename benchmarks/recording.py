"""Events from a local watch to committed rows, beside the floor and beside the obvious way; memory of a first list.

The floor is decoding alone plus COPY and upsert alone, one after the other, of the same data in the same run.
The obvious way is the official client's Watch and Django's bulk_create(update_conflicts=True).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import django
import psutil
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

if __name__ == "__main__":
    # The child of `_memory`; models cannot be imported before.
    django.setup()

from benchmarks.event_server import lines
from benchmarks.measure import Figure, figure
from telemetry.models import Cluster, ClusterEvent, Recording
from telemetry.observations import Connection
from telemetry.recorder.decoding import event_line
from telemetry.recorder.events import EventRows
from telemetry.recorder.eventstore import EventStore
from telemetry.recorder.leadership import connect
from telemetry.recorder.resources import BY_NAME, EVENTS
from telemetry.recorder.session import Session, WatchedCluster
from telemetry.redaction import Redactor

NUMBER, LISTED = 100_000, 50_000
ROUNDS = 3
BATCH = 1_000
OBVIOUS_BATCH = 500
BOUND_MB = 120.0


def figures() -> list[Figure]:
    with _server(NUMBER, "watch") as port:
        found = lines(NUMBER)
        taken: dict[str, list[float]] = {"ours": [], "decode": [], "store": [], "obvious": []}
        for _ in range(ROUNDS):
            taken["decode"].append(_decode(found))
            taken["store"].append(_store(found))
            taken["ours"].append(_record(port))
        taken["obvious"].append(_obvious(port))
    ours, decode, store, obvious = (statistics.median(taken[name]) for name in ("ours", "decode", "store", "obvious"))
    per = NUMBER / 1_000
    return [
        figure(
            "1,000 Events from watch to rows / decoding + COPY and upsert alone",
            value=1_000 * ours / per,
            floor=1_000 * (decode + store) / per,
            unit="ms",
            aim=1.67,
        ),
        figure(
            "1,000 Events from watch to rows / official client + bulk_create",
            value=1_000 * ours / per,
            floor=1_000 * obvious / per,
            unit="ms",
            aim=0.25,
        ),
        figure(
            "peak memory of a first list of 50,000 Events / 120 MB", value=_memory(), floor=BOUND_MB, unit="MB", aim=1.0
        ),
    ]


@contextmanager
def _server(number: int, kind: str) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.event_server", str(number), kind]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(10)


def _conninfo() -> str:
    found = settings.DATABASES["default"]
    return make_conninfo(dbname=found["NAME"], user=found["USER"], password=found["PASSWORD"], host=found["HOST"])


def _empty() -> Cluster:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE telemetry_clusterevent, telemetry_coveragegap")
    Recording.objects.all().delete()
    return Cluster.objects.get_or_create(name="measured")[0]


def _decode(found: list[bytes]) -> float:
    start = time.perf_counter()
    for line in found:
        event_line(line)
    return time.perf_counter() - start


def _store(found: list[bytes]) -> float:
    """The same rows, made before; batches as large as the recorder's."""
    cluster = _empty()
    rows = EventRows(Redactor())
    made = [row for line in found if (row := rows.row(event_line(line).object)) is not None]
    now = datetime.now(UTC)
    with connect(_conninfo(), name="floor") as plain:
        store = EventStore(plain, cluster.pk)
        store.prepare(made, now)
        start = time.perf_counter()
        for place in range(0, len(made), BATCH):
            with plain.transaction():
                store.write(made[place : place + BATCH], now)
        return time.perf_counter() - start


def _watched(cluster: Cluster, port: int) -> WatchedCluster:
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "measured"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    made = Connection(name="measured", kubeconfig=kubeconfig, allow_private=True)
    return WatchedCluster(cluster.pk, cluster.name, made)


def _record(port: int) -> float:
    """From the start of the session to the commit of the last change."""
    cluster = _empty()
    stopping = threading.Event()
    session = Session(
        cluster=_watched(cluster, port),
        conninfo=_conninfo(),
        leader="measured",
        stopping=stopping,
        recorded=[BY_NAME[EVENTS]],
    )
    thread = threading.Thread(target=session.run)
    start = time.perf_counter()
    thread.start()
    received = Recording.objects.filter(cluster=cluster, received__gte=NUMBER)
    while not received.exists():
        assert thread.is_alive()
        assert time.perf_counter() - start < 120
        time.sleep(0.01)
    taken = time.perf_counter() - start
    stopping.set()
    thread.join()
    _assert_archived()
    return taken


def _assert_archived() -> None:
    assert ClusterEvent.objects.count() == NUMBER - NUMBER // 4, ClusterEvent.objects.count()


def _obvious(port: int) -> float:
    """What one would write first; it redacts nothing and knows no checkpoint."""
    from kubernetes import client, watch

    cluster = _empty()
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{port}"
    api = client.CoreV1Api(client.ApiClient(configuration))
    waiting: dict[Any, ClusterEvent] = {}
    start = time.perf_counter()
    stream = watch.Watch().stream(api.list_event_for_all_namespaces, resource_version="1", timeout_seconds=300)
    for count, told in enumerate(stream, 1):
        row = _row(cluster, told["object"])
        waiting[row.uid] = row
        if len(waiting) >= OBVIOUS_BATCH or count == NUMBER:
            _upsert(list(waiting.values()))
            waiting = {}
        if count == NUMBER:
            break
    taken = time.perf_counter() - start
    stream.close()
    _assert_archived()
    return taken


def _row(cluster: Cluster, event: Any) -> ClusterEvent:
    now, metadata, about = datetime.now(UTC), event.metadata, event.involved_object
    last = event.last_timestamp or event.event_time or metadata.creation_timestamp
    return ClusterEvent(
        cluster=cluster,
        uid=metadata.uid,
        created_at=metadata.creation_timestamp,
        namespace=metadata.namespace or "",
        name=metadata.name,
        resource_version=metadata.resource_version,
        first_at=event.first_timestamp or event.event_time or last,
        last_at=last,
        count=event.count or 1,
        highest_count=event.count or 1,
        type=event.type or "",
        reason=event.reason or "",
        message=event.message or "",
        action=event.action or "",
        reporter=event.reporting_component or "",
        about_kind=about.kind or "",
        about_namespace=about.namespace or "",
        about_name=about.name or "",
        about_uid=about.uid or "",
        about_field_path=about.field_path or "",
        received_at=now,
        updated_at=now,
    )


def _upsert(rows: list[ClusterEvent]) -> None:
    fixed = {"id", "cluster", "uid", "created_at", "received_at"}
    changing = [field.name for field in ClusterEvent._meta.concrete_fields if field.name not in fixed]
    ClusterEvent.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["cluster", "uid", "created_at"], update_fields=changing
    )


def _memory() -> float:
    """Megabytes above the process that has started and waits, at the peak of a first list."""
    cluster = _empty()
    with _server(LISTED, "list") as port:
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.recording", str(port), str(cluster.pk)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ),
        )
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdout.readline()
            process = psutil.Process(child.pid)
            idle = peak = process.memory_info().rss
            child.stdin.write(b"\n")
            child.stdin.flush()
            received = Recording.objects.filter(cluster=cluster, received__gte=LISTED)
            until = time.monotonic() + 120
            while not received.exists():
                assert time.monotonic() < until
                assert child.poll() is None
                for _ in range(5):
                    peak = max(peak, process.memory_info().rss)
                    time.sleep(0.004)
        finally:
            child.kill()
            child.wait(10)
    assert ClusterEvent.objects.count() == LISTED - LISTED // 4
    return (peak - idle) / 1e6


def _list_alone() -> None:
    """The child of `_memory`: says that it is ready, waits for a line, then records."""
    port, cluster_id = int(sys.argv[1]), int(sys.argv[2])
    cluster = Cluster.objects.get(pk=cluster_id)
    session = Session(
        cluster=_watched(cluster, port),
        conninfo=_conninfo(),
        leader="measured",
        stopping=threading.Event(),
        recorded=[BY_NAME[EVENTS]],
    )
    print("ready", flush=True)
    sys.stdin.readline()
    session.run()


if __name__ == "__main__":
    _list_alone()
