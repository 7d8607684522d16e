"""Lines that say the same are one pattern, and lines that do not stay apart."""

from __future__ import annotations

import random
import time
from datetime import timedelta

import pytest

from telemetry.collectors.log_lines import LogLine, log_payload
from telemetry.collectors.log_messages import level_of, message_of
from telemetry.collectors.log_patterns import patterns_of, shape_of
from telemetry.observations import Level
from tests.telemetry.collectors.asking import at


def found(texts: list[str], *, seconds: float = 1) -> list[tuple[str, int]]:
    begun = at("06:30:00")
    lines = [(begun + timedelta(seconds=n * seconds), text, level_of(text)) for n, text in enumerate(texts)]
    return [(pattern.text, pattern.count) for pattern in patterns_of(lines)]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("took 12ms after 1m30.5s", "took <*> after <*>"),
        ("2026-11-21T06:37:42.123Z started", "<*> started"),
        ("[21/Nov/2026:06:37:42 +0000] x", "[<*>] x"),
        ("from 10.2.3.4:5432 to fe80", "from <*> to fe<*>"),
        ("order 550e8400-e29b-41d4-a716-446655440000 done", "order <*> done"),
        ("id 4bf92f3577b34da6 done", "id <*> done"),
        ("checkout-7d9f8b6c5d-x2kvp failed", "checkout-<*> failed"),
        ("GET /orders/17?user=abc&page=2 done", "GET /orders/<*>?<*> done"),
        ('"GET / HTTP/1.1" 503 17', '"GET / HTTP/<*>" 503 <*>'),
        ("upstream status=502 after 3 tries", "upstream status=502 after <*> tries"),
        ("facade decade unchanged", "facade decade unchanged"),
        ("allocated 512Mi of 2GiB", "allocated <*> of <*>"),
        ("", ""),
    ],
)
def test_what_changes_from_line_to_line_is_left_out(text: str, shape: str) -> None:
    assert shape_of(text) == shape


def test_values_at_one_place_are_one_pattern() -> None:
    users = ["alice", "bob", "carol", "dave", "erin", "frank"]
    assert found([f"user {name} signed in from web" for name in users]) == [("user <*> signed in from web", 6)]
    paths = [f"open /data/{name}/x.wal: no such file" for name in ("a", "b", "c")]
    assert found(paths) == [("open <*> no such file", 3)]
    assert found([f"cache miss key=cart_{name} shard=main" for name in "abc"]) == [("cache miss key=<*> shard=main", 3)]


def test_words_that_tell_two_stories_stay_apart() -> None:
    texts = ["payment failed for order 1", "payment done for order 2", "payment refused for order 3"]
    assert len(found(texts)) == 3


def test_statuses_of_requests_stay_apart() -> None:
    texts = [f'"GET /cart HTTP/1.1" {status} 12' for status in (200, 404, 500, 503)]
    assert len(found(texts)) == 4


def test_an_error_and_a_quiet_line_of_one_shape_stay_apart() -> None:
    lines = [(at("06:30:00"), "lost 1", Level.ERROR), (at("06:30:01"), "lost 2", Level.INFO)]
    assert [(one.level, one.count) for one in patterns_of(lines)] == [(Level.ERROR, 1), (Level.INFO, 1)]


def test_no_line_is_lost_whatever_they_say() -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choices("ab1 \"'=<*>{}\\?-é\n", k=chance.randrange(40))) for _ in range(3_000)]
    assert sum(count for _, count in found(texts)) == 3_000
    assert found(texts) == found(texts)


def test_five_thousand_mixed_lines_take_less_than_a_second() -> None:
    chance = random.Random(1)
    lines = [
        LogLine(
            at("06:30:00") + timedelta(seconds=number),
            f'{{"level":"error","msg":"order {number} of {chance.getrandbits(64):016x} failed: dial tcp 10.0.0.{number % 250}"}}'
            if number % 2
            else f'10.0.0.{number % 250} - - "GET /orders/{number}?a={number} HTTP/1.1" 200 {number} "curl/8.{number % 9}"',
            Level.INFO,
        )
        for number in range(5_000)
    ]
    begun = time.perf_counter()
    payload = log_payload(lines)
    assert time.perf_counter() - begun < 1
    assert payload["patterns_total"] == 2


def test_a_pattern_that_was_not_there_before_is_new_and_one_that_grows_is_more() -> None:
    begun = at("06:30:00")
    lines = [LogLine(begun + timedelta(seconds=n), "tick", Level.INFO) for n in range(400)]
    lines += [LogLine(begun + timedelta(seconds=n), "ERROR lost", Level.ERROR) for n in range(300, 320)]
    lines += [LogLine(begun + timedelta(seconds=n), "WARN slow", Level.WARNING) for n in (10, *range(200, 240))]
    payload = log_payload(sorted(lines, key=lambda line: line.at))
    assert {one["pattern"]: one["trend"] for one in payload["patterns"]} == {
        "ERROR lost": "new",
        "WARN slow": "more",
        "tick": "steady",
    }
    assert payload["patterns"][0]["first_at"] == "2026-11-21T06:35:00Z"


def test_where_each_kind_of_error_began_is_in_the_excerpt() -> None:
    begun = at("06:30:00")
    lines = [LogLine(begun + timedelta(seconds=n), f"ERROR flood {n}", Level.ERROR) for n in range(900)]
    lines[700] = LogLine(lines[700].at, "ERROR disk is full", Level.ERROR)
    shown = [line["text"] for line in log_payload(lines)["lines"]]
    assert "ERROR disk is full" in shown
    assert "ERROR flood 0" in shown


@pytest.mark.parametrize(
    ("text", "message", "level"),
    [
        ('{"level":"error","msg":"lost","err":"i/o timeout"}', "lost: i/o timeout", Level.ERROR),
        ('{"a":"' + "x" * 300 + '","severity":"WARNING","message":"slow"}', "slow", Level.WARNING),
        ('{"log":"{\\"level\\":\\"fatal\\",\\"msg\\":\\"gone\\"}\\n","stream":"stderr"}', "gone", Level.ERROR),
        ('{"level":50,"time":1,"msg":"pino lost"}', "pino lost", Level.ERROR),
        ('{"log":{"level":"error"},"message":"ecs"}', "ecs", Level.ERROR),
        ('{"event":"started"}', "started", Level.INFO),
        ('{"message":"ERROR in words"}', "ERROR in words", Level.ERROR),
        ('level=warn ts=2026 msg="slow query" err="lock wait"', "slow query: lock wait", Level.WARNING),
        ("2026-11-21T06:37:42.1Z stderr F ERROR lost", "ERROR lost", Level.ERROR),
        ('{"cut": "in the mid', '{"cut": "in the mid', Level.INFO),
        ("{" * 40_000, "{" * 40_000, Level.INFO),
        ("plain", "plain", Level.INFO),
    ],
)
def test_message_and_level_are_read_out_of_their_frame(text: str, message: str, level: Level) -> None:
    text_of, level_found = message_of(text), level_of(text)
    assert (text_of.strip(), level_found) == (message, level)
