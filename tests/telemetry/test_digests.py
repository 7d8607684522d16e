"""Digests in place of values: equal for equal values of one place, telling nothing of any other place or key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry.digests import ValueDigest, ValueDigests
from tests.stand_ins.api_server import RECORDINGS

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
REPLICA_SETS = "apps/replicasets"


def deployment(value: Any, *, namespace: str = "shop", container: str = "app", name: str = "DB_PASSWORD") -> Any:
    entry = {"name": name} | ({} if value is None else {"value": value})
    containers = [{"name": container, "env": [entry]}]
    return {"metadata": {"namespace": namespace}, "spec": {"template": {"spec": {"containers": containers}}}}


def digest(obj: Any, *, key: bytes = KEY, resource: str = REPLICA_SETS) -> str:
    found = ValueDigests(key).put_into(obj, resource)
    (entry,) = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(entry["valueDigest"])


def test_a_digest_is_the_keys_id_and_twelve_hex_digits() -> None:
    written = digest(deployment("hunter2"))
    assert ValueDigest.read(written) == ValueDigest(*written.split(":"))
    assert [len(part) for part in written.split(":")] == [4, 12]


def test_one_value_at_one_place_has_one_digest() -> None:
    assert digest(deployment("hunter2")) == digest(deployment("hunter2"))
    assert digest(deployment("hunter2")) != digest(deployment("hunter3"))


@pytest.mark.parametrize("place", [{"namespace": "pay"}, {"container": "sidecar"}, {"name": "OTHER"}])
def test_equal_values_at_different_places_look_different(place: dict[str, str]) -> None:
    assert digest(deployment("hunter2", **place)) != digest(deployment("hunter2"))


def test_equal_values_of_different_kinds_look_different() -> None:
    assert digest(deployment("hunter2"), resource="apps/deployments") != digest(deployment("hunter2"))


def test_digests_of_two_keys_are_never_said_to_differ() -> None:
    mine, theirs = (ValueDigest.read(digest(deployment("hunter2"), key=key)) for key in (KEY, OTHER_KEY))
    assert mine is not None
    assert theirs is not None
    assert mine.key_id != theirs.key_id
    assert not mine.differs(theirs)


def test_a_value_left_out_is_the_empty_one() -> None:
    assert digest(deployment(None)) == digest(deployment(""))


def test_a_reference_has_no_digest_and_a_digest_from_outside_is_replaced() -> None:
    reference = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}
    forged = {"name": "B", "value": "x", "valueDigest": "0000:000000000000"}
    found = ValueDigests(KEY).put_into({"spec": {"containers": [{"name": "c", "env": [reference, forged]}]}}, "pods")
    assert found["spec"]["containers"][0]["env"][0] == reference
    assert found["spec"]["containers"][0]["env"][1]["valueDigest"] != "0000:000000000000"


def test_headers_of_probes_have_digests_of_their_own() -> None:
    header = {"name": "X-Auth", "value": "hunter2"}
    probes = {probe: {"httpGet": {"httpHeaders": [header]}} for probe in ("livenessProbe", "readinessProbe")}
    found = ValueDigests(KEY).put_into({"spec": {"containers": [{"name": "c", **probes}]}}, "pods")
    kept = [found["spec"]["containers"][0][probe]["httpGet"]["httpHeaders"][0] for probe in probes]
    assert [one.keys() for one in kept] == [{"name", "valueDigest"}] * 2
    assert kept[0] != kept[1]


def test_every_recorded_variable_is_digested_and_all_else_stays() -> None:
    for name in ("pods", "deployments", "nodes"):
        for line in (RECORDINGS / f"{name}-watch.ndjson").read_text().splitlines():
            obj = json.loads(line)["object"]
            found = json.dumps(ValueDigests(KEY).put_into(obj, name))
            assert "hunter2" not in found.replace(json.dumps(obj["metadata"]), "")
            assert found.count("valueDigest") == 2 * line.count('"env":[')


@pytest.mark.parametrize(
    "odd",
    [
        {"spec": None},
        {"spec": {"containers": {"env": [1]}}},
        {"spec": {"containers": [None, {"env": [None, 7, {"value": {"a": 1}}], "name": 3}, {"env": "x"}]}},
        {"metadata": [], "data": [[[]]], "spec": {"containers": [[{"env": [{"name": "\ud800", "value": "\x00"}]}]]}},
    ],
)
def test_odd_objects_are_copied_as_they_are(odd: dict[str, Any]) -> None:
    assert ValueDigests(KEY).put_into(odd, "pods").keys() == odd.keys()


def test_deep_nesting_ends() -> None:
    deep: Any = {}
    for _ in range(5_000):
        deep = {"containers": [deep]}
    ValueDigests(KEY).put_into({"spec": deep}, "pods")
