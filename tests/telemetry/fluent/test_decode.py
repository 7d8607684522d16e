"""Fluent Bit's and Fluentd's bodies as rows."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
import pytest

from telemetry.bodies import BadPayload, PayloadTooLarge
from telemetry.fluent.decode import REDELIVERED_WITHIN, decode
from telemetry.rows import RECORDS_LIMIT, LogRow
from tests.builders import NOW
from tests.telemetry.fluent.bodies import FORMATS, NANOSECONDS, SECONDS, make_record

AT = datetime.fromtimestamp(SECONDS, UTC).replace(microsecond=NANOSECONDS // 1_000)


def only(record: dict[str, Any]) -> LogRow:
    (row,) = decode(json.dumps(record).encode(), "application/json", NOW).rows
    return row


def test_every_format_gives_the_same_rows() -> None:
    rows = {name: decode(body, kind, NOW).rows for name, (kind, body) in FORMATS.items()}
    first = rows["json"]
    assert [row.body for row in first] == [f"dial tcp orders-db-{place}: i/o timeout" for place in range(3)]
    assert first[0].at == AT
    assert (first[0].severity_number, first[0].severity_text, first[0].service) == (17, "error", "checkout")
    assert first[0].attributes == {"stream": "stderr"}
    assert first[0].resource == {
        "service.name": "checkout",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": "checkout-5bbc75684d-flwhw",
        "k8s.container.name": "app",
        "k8s.node.name": "node-2",
    }
    assert [name for name, found in rows.items() if found != first] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date", SECONDS + 0.123456),
        ("time", "2026-11-21T06:20:00.123456789Z"),
        ("@timestamp", "2026-11-21T07:20:00.123456+01:00"),
        ("timestamp", "2026-11-21 06:20:00.123456"),
        ("date", SECONDS * 10**6 + 123_456),
        ("ts", SECONDS * 10**9 + NANOSECONDS),
        ("timestamp", f"{SECONDS}.123456"),
    ],
)
def test_times_are_found_by_their_names_and_their_units_by_their_size(field: str, value: Any) -> None:
    assert only(make_record(**{field: value})).at == AT


@pytest.mark.parametrize("value", [0.035, "12ms", True, -1, "", "0001-01-01T00:00:00Z", None, [1]])
def test_what_is_called_time_and_is_none_is_passed_over(value: Any) -> None:
    assert only(make_record(time=value)).at == NOW
    assert only(make_record(time=value, timestamp=SECONDS + 0.123456)).at == AT


def test_what_is_called_time_or_kubernetes_and_is_none_stays_an_attribute() -> None:
    record = {"log": "x", "date": SECONDS, "time": "12ms", "ts": 0.035, "timestamp": str(SECONDS), "kubernetes": "off"}
    assert only(record).attributes == {"time": "12ms", "ts": 0.035, "kubernetes": "off"}


UNTIMED = json.dumps([make_record(), make_record()]).encode()


def digests(body: bytes, at: datetime, *before: str) -> list[str]:
    return [row.digest for row in decode(body, "", at, lambda digest: digest in before).rows]


def test_a_record_without_a_time_is_the_same_again_only_with_the_same_body_soon_after() -> None:
    first = digests(UNTIMED, NOW)
    assert len(set(first)) == 2
    late = NOW + REDELIVERED_WITHIN
    assert digests(UNTIMED, late, *first) == first
    assert not set(digests(UNTIMED, late)) & set(first)
    assert not set(digests(UNTIMED + b" ", NOW, *first)) & set(first)


def test_a_record_with_a_time_is_the_same_however_late_it_comes_again() -> None:
    body = json.dumps(make_record(date=SECONDS)).encode()
    assert digests(body, NOW) == digests(b"[" + body + b"]", NOW + timedelta(days=1))


def test_a_time_past_2100_is_refused_alone() -> None:
    found = decode(json.dumps([make_record(date=5_000_000_000), make_record(date=SECONDS)]).encode(), "", NOW)
    assert (len(found.rows), found.message) == (1, "1 × record whose time is past 2100")


@pytest.mark.parametrize(
    ("record", "number"),
    [
        ({"level": "WARN"}, 13),
        ({"severity": "Critical"}, 21),
        ({"log.level": "debug"}, 5),
        ({"level": 3}, 17),
        ({"level": 50}, 17),
        ({"level": "verbose"}, 0),
        ({"level": 99}, 0),
        ({}, 0),
    ],
)
def test_levels_are_words_syslogs_numbers_and_those_of_pino(record: dict[str, Any], number: int) -> None:
    assert only({"message": "x", "date": SECONDS, **record}).severity_number == number


@pytest.mark.parametrize(
    ("record", "body", "service"),
    [
        (
            {"version": "1.1", "host": "web-1", "short_message": "down", "timestamp": SECONDS, "_user": 7},
            "down",
            "web-1",
        ),
        ({"message": "x", "service": {"name": "basket"}}, "x", "basket"),
        ({"msg": "x", "kubernetes": {"labels": {"app": "web"}}}, "x", "web"),
        ({"MESSAGE": "x", "kubernetes": {"container_name": "proxy", "labels": "none"}}, "x", "proxy"),
        ({"cpu": 4, "date": SECONDS}, '{"cpu":4}', "unknown_service"),
        ({"log": {"a": 1}}, '{"a":1}', "unknown_service"),
    ],
)
def test_messages_and_services_are_found_where_senders_put_them(
    record: dict[str, Any], body: str, service: str
) -> None:
    row = only(record)
    assert (row.body, row.service) == (body, service)


def test_secrets_and_what_a_database_refuses_are_gone() -> None:
    row = only(
        make_record(
            log="a\x00 token=hunter2", password="hunter2", note="\ud800", **{"k\x00": "postgres://a:hunter2@db"}
        )
    )
    assert "hunter2" not in repr(row)
    assert "\x00" not in repr(row)
    assert row.body == "a\ufffd token=[redacted:assigned-secret]"


def test_records_that_cannot_be_read_are_counted_and_the_others_taken() -> None:
    good = json.dumps(make_record(date=SECONDS))
    found = decode(f"{good}\nnot json\n{good}{good}\n[1, 2]".encode(), "application/x-ndjson", NOW)
    assert (len(found.rows), found.reasons) == (3, {"record that is no object": 2, "line that is no JSON": 1})
    cut = FORMATS["msgpack"][1][:-5]
    found = decode(cut, "application/msgpack", NOW)
    assert (len(found.rows), found.message) == (2, "1 × rest of the body that is cut or no msgpack")


@pytest.mark.parametrize("body", [b"nonsense", b"\xc1\xc1", b"{", b"<a/>", b"\xdd\xff\xff\xff\xff"])
def test_a_body_of_which_nothing_can_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayload, match="expected JSON records"):
        decode(body, "application/json", NOW)


def test_an_empty_body_is_a_success() -> None:
    assert decode(b" \n", "", NOW).rows == []
    assert decode(b"[]", "", NOW).rows == []


def packed(*parts: bytes, tag: str = "kube.shop") -> bytes:
    return b"".join(msgpack.packb([tag, part, {"compressed": "gzip"}]) for part in parts)


def test_joined_streams_in_a_message_are_all_read() -> None:
    entries = [msgpack.packb([SECONDS + place, {"log": "x"}]) for place in range(3)]
    joined = packed(b"".join(map(gzip.compress, entries)))
    assert len(decode(joined, "application/msgpack", NOW).rows) == 3


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (packed(gzip.compress(b"\x80" * 6_000_000)), "at most 50,000 records"),
        (packed(*[gzip.compress(b"\xc0" * 30_000)] * 2), "at most 50,000 records"),
        (packed(*[gzip.compress(b"")] * (RECORDS_LIMIT + 1), tag=""), "at most 50,000 records"),
        (packed(*[gzip.compress(b"\xc6\x00\xb0\x00\x00" + bytes(0xB00000))] * 2), "at most 20 MiB"),
        (b"\n".join([b'{"date":1795242000}'] * (RECORDS_LIMIT + 1)), "at most 50,000 records"),
    ],
)
def test_a_request_that_unfolds_to_more_than_is_taken_is_refused_whole(body: bytes, words: str) -> None:
    with pytest.raises(PayloadTooLarge, match=words):
        decode(body, "application/msgpack", NOW)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("line", [b"{", b'{"a":', b"[0,", b'[{"a":[1', b"[[0],", b'"', b'{"log":"x"} {'])
def test_lines_that_never_close_cost_no_more_than_their_length(line: bytes) -> None:
    good = json.dumps(make_record(date=SECONDS)).encode()
    bad = b"\n".join([line] * 40_000)
    found = decode(good + b"\n" + bad + b"\n" + good, "application/json", NOW)
    assert len(found.rows) >= 2
    assert found.rejected > 0


def test_values_that_json_lacks_become_text() -> None:
    record = {
        "log": b"raw \xff",
        "date": SECONDS,
        "big": 2**64 - 1,
        "bytes": b"\xff\x00",
        5: float("nan"),
        "ext": msgpack.ExtType(9, b"x"),
    }
    (row,) = decode(msgpack.packb(record), "", NOW).rows
    assert row.attributes == {"big": str(2**64 - 1), "bytes": "/wA=", "5": "nan", "ext": None}
    assert row.body == "cmF3IP8="
