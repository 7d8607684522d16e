"""Levels, excerpts, histograms and patterns of log lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telemetry.collectors.log_lines import SHOWN, LogLine, level_of, log_payload
from telemetry.observations import Level
from tests.telemetry.collectors.asking import at


def make_lines(count: int, *, errors: tuple[int, ...] = (), step: float = 1) -> list[LogLine]:
    begun = at("06:30:00")
    return [
        LogLine(
            begun + timedelta(seconds=number * step),
            f"{'ERROR failed' if number in errors else 'INFO served'} request {number}",
            Level.ERROR if number in errors else Level.INFO,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("ERROR dial tcp", Level.ERROR),
        ("2026 [err] x", Level.ERROR),
        ("Traceback (most recent call last):", Level.ERROR),
        ('{"level":"error","msg":"x"}', Level.ERROR),
        ('{"level":"info","msg":"error rate is 0"}', Level.INFO),
        ("level=warning msg=slow", Level.WARNING),
        ("level=debug msg=error", Level.NORMAL),
        ("E1121 06:37:42.1 node.go:1] lost", Level.ERROR),
        ("W1121 06:37:42.1 node.go:1] slow", Level.WARNING),
        ("WARNING:  replication terminated", Level.WARNING),
        ("GET /terror/errors-page 200", Level.INFO),
        ("", Level.INFO),
    ],
)
def test_levels_are_read_from_what_loggers_write(text: str, level: Level) -> None:
    assert level_of(text) is level


def test_few_lines_are_all_shown() -> None:
    payload = log_payload(make_lines(5))
    assert (payload["shown"], payload["total"], payload["first_at"]) == (5, 5, "2026-11-21T06:30:00Z")


def test_of_many_lines_the_errors_with_their_surroundings_and_the_end_are_shown() -> None:
    payload = log_payload(make_lines(1_000, errors=(500,)))
    shown = [line["text"] for line in payload["lines"]]
    assert (payload["shown"], payload["total"]) == (SHOWN, 1_000)
    assert shown[:5] == [f"{'ERROR failed' if n == 500 else 'INFO served'} request {n}" for n in range(498, 503)]
    assert shown[-1] == "INFO served request 999"


@pytest.mark.parametrize("step", [0.001, 1, 60, 86_400])
def test_the_histogram_counts_every_line_in_few_buckets(step: float) -> None:
    histogram = log_payload(make_lines(300, errors=(7, 8), step=step))["histogram"]
    assert sum(bucket["count"] for bucket in histogram) == 300
    assert sum(bucket["errors"] for bucket in histogram) == 2
    assert len(histogram) <= 301


def test_patterns_put_errors_first_and_count_what_is_alike() -> None:
    patterns = log_payload(make_lines(100, errors=(3, 4)))["patterns"]
    assert [(one["pattern"], one["count"]) for one in patterns] == [
        ("ERROR failed request <*>", 2),
        ("INFO served request <*>", 98),
    ]


def test_identifiers_do_not_split_a_pattern() -> None:
    texts = ["id 4bf92f3577b34da6 done", "id 00f067aa0ba902b7 done", "id 550e8400-e29b-41d4-a716-446655440000 done"]
    lines = [LogLine(at("06:30:00"), text, Level.INFO) for text in texts]
    assert [one["count"] for one in log_payload(lines)["patterns"]] == [3]
