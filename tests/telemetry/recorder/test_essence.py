"""Which differences make a new state: a changed value does, a changed key does not."""

from __future__ import annotations

from typing import Any

from telemetry.recorder.essence import digest_of, is_same
from telemetry.recorder.resources import BY_NAME
from telemetry.recorder.states import state_of
from telemetry.redaction import Redactor
from tests.builders import NOW

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


def test_a_digest_fits_its_column() -> None:
    assert len(digest("hunter2")) == len(digest_of({}, "Pod")) == 32
