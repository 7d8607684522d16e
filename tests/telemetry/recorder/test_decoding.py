"""Lines as they are cut, Events as they are odd: what the recorder reads is what the collector would have read."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.collectors.kubernetes.events import occurrence_of
from telemetry.recorder.batches import Batch
from telemetry.recorder.decoding import Unreadable, event_line, event_page, object_line, object_page
from telemetry.recorder.events import COLUMNS, EventRows, occurrence
from telemetry.recorder.readers import ErrorLine, reader_for
from telemetry.recorder.resources import BY_NAME, RECORDED
from telemetry.recorder.stream import Lines
from telemetry.redaction import Redactor
from tests.stand_ins.api_server import RECORDINGS
from tests.telemetry.recorder.recording import make_event

NOW = datetime(2026, 11, 21, 6, 40, tzinfo=UTC)
TIMES = st.none() | st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001
    max_value=datetime(2099, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.isoformat().replace("+00:00", "Z"))
COUNTS = st.none() | st.integers(-3, 2**31 - 1)
EVENTS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries({"uid": st.just("u"), "name": st.just("n"), "creationTimestamp": TIMES}),
        "firstTimestamp": TIMES,
        "lastTimestamp": TIMES,
        "eventTime": TIMES,
        "count": COUNTS,
        "series": st.none() | st.fixed_dictionaries({"count": COUNTS, "lastObservedTime": TIMES}),
    }
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = ["metadata", "involvedObject", "source", "series", "status", "spec", "count", "message", "eventTime"]
ODD_OBJECTS = st.dictionaries(st.sampled_from(MEMBERS), JSON)


@given(event=EVENTS)
def test_times_and_counts_are_those_of_the_live_reading(event: dict[str, Any]) -> None:
    line = json.dumps({"type": "ADDED", "object": event}).encode()
    live = occurrence_of(event)
    expected = (live.first, live.last, live.count, live.is_lower_bound) if live else None
    assert occurrence(event_line(line).object) == expected


@pytest.mark.parametrize("name", ["core-v1-events", "pods", "deployments", "nodes"])
def test_every_recorded_line_is_read(name: str) -> None:
    resource = {"core-v1-events": "events", "deployments": "apps/deployments"}.get(name, name)
    reader, batch = reader_for(BY_NAME[resource], Redactor()), Batch(resource)
    lines = (RECORDINGS / f"{name}-watch.ndjson").read_bytes().splitlines()
    bookmarks = sum(reader.line(line, batch, NOW) for line in lines)
    assert len(batch.rows) + bookmarks == len(lines)
    assert batch.resource_version


def test_a_page_of_events_is_read_with_its_token() -> None:
    body = (RECORDINGS / "core-v1-events-page1.http").read_bytes().split(b"\n\n", 1)[-1]
    body = body[body.index(b"{") :]
    batch = Batch("events")
    version, following, _ = reader_for(BY_NAME["events"], Redactor()).page(body, batch, NOW)
    assert (version, bool(following)) == ("458", True)
    assert len(batch.rows) == len(json.loads(body)["items"])


@given(obj=ODD_OBJECTS, kind=st.sampled_from(["ADDED", "MODIFIED", "DELETED"]), name=st.sampled_from(RECORDED))
def test_an_odd_object_is_a_row_or_unreadable_and_nothing_else(obj: dict[str, Any], kind: str, name: Any) -> None:
    reader, batch = reader_for(name, Redactor()), Batch(name.name)
    try:
        reader.line(json.dumps({"type": kind, "object": obj}).encode(), batch, NOW)
    except Unreadable:
        assert batch.rows == []
    else:
        assert len(batch.rows) == 1


@given(line=st.binary(max_size=200))
def test_noise_is_unreadable_and_nothing_else(line: bytes) -> None:
    for read in (event_line, object_line, event_page, object_page):
        with pytest.raises(Unreadable):
            read(b"\x00" + line)


def test_deep_nesting_is_unreadable_and_ends_nobody() -> None:
    line = b'{"type":"ADDED","object":{"metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    for read in (event_line, object_line):
        with pytest.raises(Unreadable):
            read(line)


def test_an_error_line_carries_its_code_and_words() -> None:
    line = (RECORDINGS / "watch-410-expired.http").read_bytes().splitlines()[-1]
    for name in ("events", "pods"):
        with pytest.raises(ErrorLine) as raised:
            reader_for(BY_NAME[name], Redactor()).line(line, Batch(name), NOW)
        assert raised.value.code == 410


def test_secrets_in_a_message_never_become_part_of_a_row() -> None:
    event = make_event(1, message="connect postgres://shop:hunter2@orders-db failed, token=abcdef123456")
    row = EventRows(Redactor()).row(event_line(json.dumps({"type": "ADDED", "object": event}).encode()).object)
    assert row is not None
    told = dict(zip(COLUMNS, row, strict=True))
    assert (
        told["message"]
        == "connect postgres://[redacted:url-userinfo]@orders-db failed, token=[redacted:assigned-secret]"
    )
    assert json.loads(told["redactions"]) == {"url-userinfo": 1, "assigned-secret": 1}


@given(
    lines=st.lists(st.binary(min_size=1, max_size=12).filter(lambda one: b"\n" not in one and one.strip()), max_size=8),
    cuts=st.lists(st.integers(0, 100), max_size=6),
)
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    places = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    split = Lines(longest=8)
    found = [line for start, end in itertools.pairwise(places) for line in split.feed(whole[start:end])]
    assert found == [line if len(line) <= 8 else None for line in lines]
