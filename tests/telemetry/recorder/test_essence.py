"""Which differences make a new state: a changed value does, a changed key does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry.recorder.essence import digest_of, is_same
from telemetry.recorder.resources import BY_NAME, RECORDED
from telemetry.recorder.states import state_of
from telemetry.redaction import Redactor
from tests.builders import NOW
from tests.stand_ins.api_server import RECORDINGS

OLD_KEY, NEW_KEY = b"o" * 32, b"n" * 32


def digest(value: str, key: bytes = OLD_KEY, **metadata: Any) -> str:
    container = {"name": "app", "env": [{"name": "DB_PASSWORD", "value": value}]}
    obj = {
        "metadata": {"uid": "d", "name": "checkout", "namespace": "shop", **metadata},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    state = state_of(obj, BY_NAME["apps/deployments"], now=NOW, redactor=Redactor(digest_key=key))
    assert state is not None
    return state.digest


def test_a_changed_value_makes_a_new_state_without_any_other_sign_of_it() -> None:
    assert is_same(digest("hunter2"), digest("hunter2"))
    assert not is_same(digest("hunter2"), digest("hunter3"))


def test_a_changed_key_makes_none() -> None:
    assert digest("hunter2") != digest("hunter2", NEW_KEY)
    assert is_same(digest("hunter2"), digest("hunter2", NEW_KEY))


def test_whatever_else_changes_makes_one_under_any_key() -> None:
    assert not is_same(digest("hunter2", generation=1), digest("hunter2", generation=2))
    assert not is_same(digest("hunter2", generation=1), digest("hunter3", NEW_KEY, generation=2))


def test_a_value_that_comes_or_goes_makes_one() -> None:
    without = digest_of({"spec": {"containers": [{"env": []}]}}, "Pod")
    with_one = digest_of(
        {"spec": {"containers": [{"env": [{"name": "A", "valueDigest": "0a1b:0123456789ab"}]}]}}, "Pod"
    )
    assert not is_same(without, with_one)
    assert not is_same(with_one, without)


@pytest.mark.parametrize("name", ["pods", "deployments", "nodes"])
def test_an_object_of_a_list_and_of_a_watch_is_in_one_state(name: str) -> None:
    recorded = next(one for one in RECORDED if one.plural == name)
    (path,) = [path for path in RECORDINGS.glob(f"list-*_{name}.json") if "events" not in path.name]
    listed = {item["metadata"]["resourceVersion"]: item for item in json.loads(path.read_text())["items"]}
    lines = map(json.loads, (RECORDINGS / f"{name}-watch.ndjson").read_text().splitlines())
    seen = {
        line["object"]["metadata"]["resourceVersion"]: line["object"] for line in lines if line["type"] != "BOOKMARK"
    }
    assert listed.keys() <= seen.keys()
    for version, item in listed.items():
        pair = [state_of(one, recorded, now=NOW, redactor=Redactor()) for one in (item, seen[version])]
        assert pair[0] is not None
        assert pair[1] is not None
        assert is_same(pair[0].digest, pair[1].digest)


def test_a_digest_fits_its_column() -> None:
    assert len(digest("hunter2")) == len(digest_of({}, "Pod")) == 32
