"""The recorded outage as the recorder heard it: the watches of then, line by line, with the times of then.

The recorder's own readers and store do the work, under the cluster's lead, and leave a checkpoint from which the real
recorder goes on. Of kinds whose watch was not kept only the lists of the end are known, so their record begins there.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from psycopg import Connection

from accounts.database import conninfo
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.http import Http, Refusal
from telemetry.models import Cluster, Recording
from telemetry.observations import Budget
from telemetry.recorder.batches import Batch
from telemetry.recorder.endingstore import EndingStore
from telemetry.recorder.lastlines import read_last_lines
from telemetry.recorder.leadership import connect, take_lead
from telemetry.recorder.readers import reader_for
from telemetry.recorder.resources import BY_NAME, EVENTS, PODS
from telemetry.recorder.store import Store
from telemetry.redaction import Redactor

TIME = re.compile(r'"(2026-11-21T[0-9:.]+Z)"')
PATIENCE_SECONDS = 20.0
# When the newest thing came that was there before the watches began, and when the lists were taken.
BEGUN, LISTED = datetime(2026, 11, 21, 6, 36, 17, tzinfo=UTC), datetime(2026, 11, 21, 6, 39, 54, tzinfo=UTC)
# The file of each watch, and since when we know all; of nodes that is their first heartbeat.
WATCHES = {
    EVENTS: ("core-v1-events", BEGUN),
    PODS: ("pods", BEGUN),
    "apps/deployments": ("deployments", BEGUN),
    "nodes": ("nodes", datetime(2026, 11, 21, 6, 37, 14, tzinfo=UTC)),
}


def record(cluster: Cluster, recordings: Path) -> None:
    """Once, while the recorder is told not to record this cluster. Raises TimeoutError when it goes on all the same."""
    if Recording.objects.filter(cluster=cluster).exclude(since=None).exists():
        return
    stopping = threading.Event()
    patience = threading.Timer(PATIENCE_SECONDS, stopping.set)
    patience.start()
    with connect(conninfo(), name="debrief recorded outage") as connection:
        if not take_lead(connection, cluster.pk, stopping, every=0.1):
            raise TimeoutError("The recorder did not let go of this cluster.")
        patience.cancel()
        _record(connection, cluster, recordings)


def wait_until_heard(cluster: Cluster) -> None:
    """Until the real recorder went on from the checkpoint; not for ever, as the record stands without it."""
    until = time.monotonic() + PATIENCE_SECONDS
    waiting = Recording.objects.filter(cluster=cluster, heard_at__lte=min(LISTED, datetime.now(UTC)))
    while waiting.exists() and time.monotonic() < until:
        time.sleep(0.1)


def _record(connection: Connection[Any], cluster: Cluster, recordings: Path) -> None:
    source = cluster.sources.get(kind="kubernetes").connection()
    redactor = Redactor(source.options.get("redact"), source.digest_key)
    store = Store(connection, cluster_id=cluster.pk, leader="recorded outage")
    with open_http(source, Budget(deadline_seconds=30)) as http:
        lists = {name: body for name in BY_NAME if (body := _list(http, name)) is not None}
    store.checkpoints(list(lists))
    version = int(json.loads(lists[EVENTS])["metadata"]["resourceVersion"])
    for now, heard in groupby(_lines(recordings, version), key=itemgetter(0)):
        batches = []
        for _, name, line in heard:
            batch = Batch(name, heard_at=now, since=WATCHES[name][1])
            reader_for(BY_NAME[name], redactor).line(line.encode(), batch, now)
            batches.append(batch)
        store.write(batches, now)
    for name, body in lists.items():
        batch = Batch(name, heard_at=LISTED, since=WATCHES.get(name, ("", LISTED))[1])
        batch.resource_version, _, uids = reader_for(BY_NAME[name], redactor).page(body, batch, LISTED)
        batch.listed = set(uids)
        store.write([batch], LISTED)
    endings = EndingStore(connection, cluster.pk)
    for wanted in endings.wanted(set()):
        endings.keep(read_last_lines(source, wanted, redactor), LISTED)
    store.stop(LISTED)


def _list(http: Http, name: str) -> bytes | None:
    """Of the newest version that the server has; None where it has none."""
    for resource in BY_NAME[name].resources:
        try:
            return http.get(resource.path()).body
        except Refusal as refusal:
            if refusal.code != 404:
                raise
    return None


def _lines(recordings: Path, until: int) -> Iterator[tuple[datetime, str, str]]:
    """When each line came, of which resource: in the order of versions, until that of the lists.

    A watch does not tell when a line came; the newest time of which any line so far speaks is close.
    """
    found = [
        (int(json.loads(line)["object"]["metadata"]["resourceVersion"]), name, line)
        for name, (watch, _) in WATCHES.items()
        for line in (recordings / f"{watch}-watch.ndjson").read_text().splitlines()
    ]
    now = BEGUN
    for version, name, line in sorted(found, key=itemgetter(0)):
        if version <= until:
            now = max([now, *(datetime.fromisoformat(told) for told in TIME.findall(line))])
            yield now, name, line
