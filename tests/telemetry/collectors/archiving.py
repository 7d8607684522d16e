"""The recorded outage in the archive, written by the recorder's own store within the test's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from telemetry.collectors.kubernetes import KubernetesCollector
from telemetry.models import Cluster, Recording
from telemetry.observations import Collector, Observation
from telemetry.recorder.batches import Batch, Gap
from telemetry.recorder.decoding import event_line
from telemetry.recorder.events import EventRows
from telemetry.recorder.resources import BY_NAME, EVENTS, RECORDED
from telemetry.recorder.states import state_of
from telemetry.recorder.store import Store
from telemetry.redaction import Redactor
from telemetry.registry import collector_for
from tests.stand_ins.api_server import RECORDINGS
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.asking import at

BEGUN, HEARD = at("06:00:00"), at("07:10:00")
WATCHED = {"pods": "pods", "nodes": "nodes", "deployments": "apps/deployments"}


def store_of(cluster: Cluster) -> Store:
    connection.ensure_connection()
    raw = connection.connection
    raw.execute("DROP TABLE IF EXISTS incoming_event")
    return Store(raw, cluster_id=cluster.pk, leader="tests")


def record(cluster: Cluster, batches: Iterable[Batch]) -> None:
    store = store_of(cluster)
    store.checkpoints([recorded.name for recorded in RECORDED])
    store.write(list(batches), HEARD)


def batch(resource: str, rows: list[Any], *, heard_at: datetime = HEARD, gaps: Iterable[Gap] = ()) -> Batch:
    return Batch(
        resource,
        rows=rows,
        resource_version="1",
        heard_at=heard_at,
        since=BEGUN,
        gaps=list(gaps),
        state="watching",
    )


def event_rows(items: Iterable[dict[str, Any]]) -> list[Any]:
    rows = EventRows(Redactor())
    lines = [json.dumps({"type": "ADDED", "object": item}).encode() for item in items]
    return [row for line in lines if (row := rows.row(event_line(line).object)) is not None]


def state(
    resource: str, item: dict[str, Any], *, now: datetime = HEARD, is_gone: bool = False, digest_key: bytes = b""
) -> Any:
    redactor = Redactor(digest_key=digest_key)
    return state_of(item, BY_NAME[resource], now=now, redactor=redactor, is_gone=is_gone)


def watched(resource: str) -> list[dict[str, Any]]:
    """Every state of the recorded watch, where there is one."""
    name = next((name for name, wanted in WATCHED.items() if wanted == resource), None)
    if name is None:
        return []
    lines = map(json.loads, (RECORDINGS / f"{name}-watch.ndjson").read_text().splitlines())
    return [line["object"] for line in lines if line["type"] != "BOOKMARK"]


def archive_outage(cluster: Cluster, stand_in: KubernetesStandIn, **overrides: Any) -> None:
    """Everything that the stand-in serves, and the states that came before. `overrides` are of `batch`."""
    batches, key = [], digest_key_of(cluster)
    for (prefix, plural), listing in stand_in.collections.items():
        group = prefix.split("/")[2] if prefix.startswith("/apis/") else ""
        name = f"{group}/{plural}" if group else plural
        if name == EVENTS:
            batches.append(batch(EVENTS, event_rows(listing["items"]), **overrides))
        elif name in BY_NAME:
            items = [*watched(name), *listing["items"]]
            batches.append(batch(name, [state(name, item, digest_key=key) for item in items], **overrides))
    record(cluster, batches)


def digest_key_of(cluster: Cluster) -> bytes:
    return cluster.sources.get().connection().digest_key


def heard_until(cluster: Cluster, resource: str, moment: datetime) -> None:
    Recording.objects.filter(cluster=cluster, resource=resource).update(heard_at=moment)


def archiving(cluster: Cluster) -> Collector:
    return collector_for("kubernetes")(cluster.sources.get().connection())


def live(cluster: Cluster) -> Collector:
    return KubernetesCollector(cluster.sources.get().connection())


def keyed(found: list[Observation]) -> dict[str, Observation]:
    assert len({one.dedup_key for one in found}) == len(found)
    return {one.dedup_key: one for one in found}
