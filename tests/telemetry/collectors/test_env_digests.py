"""Values of variables are not kept, and yet the archive alone tells of a rollout what the live reading tells."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from telemetry.models import Cluster, ObjectSnapshot
from telemetry.observations import Observation
from tests import database
from tests.builders import make_cluster
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.archiving import (
    WATCHED,
    archive_outage,
    archiving,
    batch,
    digest_key_of,
    heard_until,
    keyed,
    live,
    record,
    state,
)
from tests.telemetry.collectors.asking import SHOP, ask, at, written

pytestmark = pytest.mark.django_db
CHANGED = {"before": "(value not stored)", "after": "(other value, not stored)"}
SECRETS = ("hunter2-not-for-storage", "hunter4-of-the-release", "header-of-old", "header-of-new")


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cluster(server: KubernetesStandIn) -> Cluster:
    return make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)


def release(server: KubernetesStandIn, change: Callable[[dict[str, Any]], None]) -> None:
    """`change` of the container of checkout's second revision."""

    def edit(items: list[Any]) -> None:
        (released,) = [item for item in items if item["metadata"]["name"] == "checkout-5659678678"]
        change(released["spec"]["template"]["spec"]["containers"][0])

    server.edit("replicasets", edit)


def other_password(container: dict[str, Any]) -> None:
    container["env"][0]["value"] = "hunter4-of-the-release"


def rollouts(found: list[Observation]) -> dict[str, str]:
    return {key: one.digest() for key, one in keyed(found).items()}


def diff_of(found: list[Observation]) -> list[dict[str, Any]]:
    """Of checkout from its first to its second revision."""
    (told,) = [one for one in found if one.subject["name"] == "checkout" and one.payload["to_revision"] == 2]
    lines: list[dict[str, Any]] = told.payload["diff"]
    return lines


def test_the_archive_alone_tells_every_rollout_as_the_live_reading_does(
    cluster: Cluster, server: KubernetesStandIn
) -> None:
    def change(container: dict[str, Any]) -> None:
        other_password(container)
        container["env"][1] = {"name": "LOG_LEVEL", "valueFrom": {"configMapKeyRef": {"name": "checkout", "key": "l"}}}
        container["env"] += [{"name": "EMPTY"}, {"name": "ADDED", "value": "hunter4-of-the-release"}]

    def headers(items: list[Any]) -> None:
        for item in items:
            container = item["spec"]["template"]["spec"]["containers"][0]
            value = "header-of-new" if item["metadata"]["name"] == "checkout-5659678678" else "header-of-old"
            container["livenessProbe"] = {"httpGet": {"port": 80, "httpHeaders": [{"name": "X-Auth", "value": value}]}}

    release(server, change)
    server.edit("replicasets", headers)
    _, asked = ask(live(cluster), "rollouts")
    archive_outage(cluster, server)
    server.requests.clear()
    _, read = ask(archiving(cluster), "rollouts")
    assert server.paths() == []
    assert rollouts(read) == rollouts(asked)
    assert keyed(read) == keyed(asked)
    lines = diff_of(read)
    assert {"path": "env DB_PASSWORD", **CHANGED} in lines
    assert {"path": "livenessProbe.httpGet.httpHeaders[0].value", **CHANGED} in lines
    assert {"path": "env EMPTY", "before": None, "after": "(value not stored)"} in lines
    assert next(line for line in lines if line["path"] == "env LOG_LEVEL")["before"] == "(value not stored)"


def test_a_value_that_stayed_is_no_difference(cluster: Cluster, server: KubernetesStandIn) -> None:
    archive_outage(cluster, server)
    _, read = ask(archiving(cluster), "rollouts")
    assert [line for line in diff_of(read) if line["path"].startswith("env")] == []


def test_revisions_of_stateful_sets_keep_the_difference_too(cluster: Cluster, server: KubernetesStandIn) -> None:
    def add(items: list[Any]) -> None:
        later = copy.deepcopy(items[0])
        later["metadata"].update(name="orders-db-later", uid="later", creationTimestamp="2026-11-21T06:38:30Z")
        later["revision"] = 2
        for item, value in ((items[0], "hunter2-not-for-storage"), (later, "hunter4-of-the-release")):
            container = item["data"]["spec"]["template"]["spec"]["containers"][0]
            container["env"] = [{"name": "PGPASSWORD", "value": value}]
        items.append(later)

    server.edit("controllerrevisions", add)
    _, asked = ask(live(cluster), "rollouts")
    archive_outage(cluster, server)
    _, read = ask(archiving(cluster), "rollouts")
    assert rollouts(read) == rollouts(asked)
    (told,) = [one for one in read if one.subject["name"] == "orders-db" and one.payload["to_revision"] == 2]
    assert told.payload["diff"] == [{"path": "env PGPASSWORD", **CHANGED}]


def test_an_archived_revision_and_a_live_one_can_be_compared(cluster: Cluster, server: KubernetesStandIn) -> None:
    released: list[Any] = []
    server.edit("replicasets", lambda items: released.append(items.pop(0)))
    assert released[0]["metadata"]["name"] == "checkout-5659678678"
    archive_outage(cluster, server)
    heard_until(cluster, "apps/replicasets", at("06:37:15"))
    server.edit("replicasets", lambda items: items.insert(0, released[0]))
    release(server, other_password)
    _, found = ask(archiving(cluster), "rollouts")
    assert {"path": "env DB_PASSWORD", **CHANGED} in diff_of(found)


def test_the_state_at_the_incident_tells_a_changed_value_too(cluster: Cluster, server: KubernetesStandIn) -> None:
    (before,) = [
        item
        for item in server.collections["/apis/apps/v1", "deployments"]["items"]
        if item["metadata"]["name"] == "checkout"
    ]
    after = copy.deepcopy(before)
    other_password(after["spec"]["template"]["spec"]["containers"][0])
    key = digest_key_of(cluster)
    for item, moment in ((before, "2026-11-21T06:37:09Z"), (after, "2026-11-21T06:38:04Z")):
        item["metadata"]["managedFields"] = [{"time": moment}]
        record(cluster, [batch("apps/deployments", [state("apps/deployments", item, digest_key=key)])])
    _, found = ask(archiving(cluster), "state", scope=SHOP)
    (changes,) = [one for one in found if one.dedup_key.startswith("state-change:")]
    assert changes.payload["diff"][1:] == [{"path": "env DB_PASSWORD", **CHANGED, "at": "2026-11-21T06:38:04Z"}]


def test_after_a_rotation_nothing_is_claimed_across_it(
    cluster: Cluster, server: KubernetesStandIn, settings: Settings
) -> None:
    release(server, other_password)
    archive_outage(cluster, server)
    _, told = ask(archiving(cluster), "rollouts")
    kept = ObjectSnapshot.objects.exclude(resource__in=WATCHED.values())
    states = list(kept.values_list("pk", "digest"))
    settings.CREDENTIAL_KEYS = ["second key " * 4, settings.SECRET_KEY]
    archive_outage(cluster, server)
    assert list(kept.values_list("pk", "digest")) == states
    _, again = ask(archiving(cluster), "rollouts")
    assert rollouts(again) == rollouts(told)
    released = next(
        item
        for item in server.collections["/apis/apps/v1", "replicasets"]["items"]
        if item["metadata"]["name"] == "checkout-5659678678"
    )
    scaled = copy.deepcopy(released)
    scaled["metadata"]["generation"] = 99
    record(cluster, [batch("apps/replicasets", [state("apps/replicasets", scaled, digest_key=digest_key_of(cluster))])])
    _, found = ask(archiving(cluster), "rollouts")
    assert [line for line in diff_of(found) if line["path"].startswith("env")] == []


def test_neither_a_value_nor_a_plain_hash_of_it_stands_anywhere(cluster: Cluster, server: KubernetesStandIn) -> None:
    release(server, other_password)
    archive_outage(cluster, server)
    _, read = ask(archiving(cluster), "rollouts")
    _, states = ask(archiving(cluster), "state")
    told = written(*read, *states)
    for secret in SECRETS:
        assert database.places_of(secret) == []
        assert secret not in told
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s"):
            plain = hashlib.new(name, secret.encode()).hexdigest()
            assert database.places_of(plain[:12]) == []
    assert "valueDigest" not in told
    kept = json.dumps([row.body for row in ObjectSnapshot.objects.all()])
    assert kept.count("valueDigest") > 10


def test_the_key_is_of_one_cluster_and_is_never_shown(cluster: Cluster) -> None:
    connection = cluster.sources.get().connection()
    another = make_cluster(name="prod-us").sources.get().connection()
    assert len(connection.digest_key) == len(another.digest_key) == 32
    assert connection.digest_key != another.digest_key
    assert "digest_key" not in repr(connection)
    assert repr(connection.digest_key)[2:-1] not in repr(connection)
