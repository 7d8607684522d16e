"""Embeds of a part: what their options mean, that times are UTC for every reader, and what is said of wrong ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.embeds import evidence_html
from incidents.markdown_syntax import options_of
from incidents.parts import window_of

START = datetime(2026, 11, 21, 6, 30, tzinfo=UTC).timestamp()
END = START + 19 * 60
TOKYO = ZoneInfo("Asia/Tokyo")


def metric(**changes: Any) -> dict[str, Any]:
    rows = [[START + 60 * n, 0.63 if n == 8 else 0.01] for n in range(20)]
    low = [[at, 0.002] for at, _ in rows]
    series = [
        {"labels": {"job": "web", "pod": "a"}, "points": rows},
        {"labels": {"job": "web", "pod": "b"}, "points": low},
    ]
    return {"unit": "ratio", "step_seconds": 60, "series": series, "window": {"start": START, "end": END}} | changes


def log(count: int = 20) -> dict[str, Any]:
    lines = [{"at": START + 60 * n, "text": f"line {n + 1}", "level": "info"} for n in range(count)]
    return {"lines": lines, "total": count, "histogram": [{"at": START, "count": count, "errors": 0}]}


def lines_in(shown: str) -> list[int]:
    return [int(number) for number in re.findall(r"line (\d+)", shown)]


def test_times_of_an_embed_are_utc_whatever_zone_the_reader_has() -> None:
    options = {"from": "06:35", "to": "06:40"}
    at_home = evidence_html("metric", "x", metric(), zone=UTC, options=options)
    in_tokyo = evidence_html("metric", "x", metric(), zone=TOKYO, options=options)
    assert "From 06:35:00 to 06:40:00" in at_home
    assert "From 15:35:00 to 15:40:00" in in_tokyo


@pytest.mark.parametrize(
    ("options", "stretch"),
    [
        ({"from": "06:35:30"}, (330, 1140)),
        ({"to": "6:40"}, (0, 600)),
        ({"from": "2026-11-21T06:35", "to": "2026-11-21 06:40:10Z"}, (300, 610)),
        ({"from": "06:00", "to": "06:31"}, (-1800, 60)),
    ],
)
def test_times_may_carry_seconds_and_days(options: dict[str, str], stretch: tuple[int, int]) -> None:
    assert window_of(options, START, END) == (START + stretch[0], START + stretch[1])


def test_a_time_past_midnight_is_on_the_next_day() -> None:
    start = datetime(2026, 11, 20, 23, 50, tzinfo=UTC).timestamp()
    assert window_of({"from": "23:55", "to": "00:05"}, start, start + 1800) == (start + 300, start + 900)
    assert window_of({"from": "00:05"}, start, start + 1800) == (start + 900, start + 1800)


def test_a_time_just_before_midnight_is_on_the_day_before() -> None:
    start = datetime(2026, 11, 21, 0, 2, tzinfo=UTC).timestamp()
    assert window_of({"from": "23:58", "to": "00:10"}, start, start + 1800) == (start - 240, start + 480)


def test_lines_of_a_log_are_chosen_by_number_without_the_chart_around_them() -> None:
    shown = evidence_html("log", "x", log(), options={"lines": "12-14"})
    assert lines_in(shown) == [12, 13, 14]
    assert "<svg" not in shown
    assert lines_in(evidence_html("log", "x", log(), options={"lines": "3"})) == [18, 19, 20]


def test_a_log_is_narrowed_by_time() -> None:
    assert lines_in(evidence_html("log", "x", log(), options={"from": "06:33", "to": "06:35"})) == [4, 5, 6]


@pytest.mark.parametrize("name", ["b", "web b"])
def test_one_series_of_a_chart_is_chosen_by_name(name: str) -> None:
    shown = evidence_html("metric", "x", metric(), options={"series": name})
    assert shown.count('class="line') == 1
    assert "0.2 %" in shown
    assert "63 %" not in shown


@pytest.mark.parametrize(
    ("type", "options", "expected"),
    [
        ("metric", {"from": "99:99"}, "from=99:99 cannot be read: expected a time in UTC such as 06:37"),
        ("metric", {"to": "x"}, "to=x cannot be read: expected a time in UTC"),
        ("metric", {"from": "2026-02-31T06:00"}, "from=2026-02-31T06:00 cannot be read"),
        ("metric", {"from": "06:40", "to": "06:35"}, "from=06:40 to=06:35: expected from before to."),
        (
            "metric",
            {"from": "12:00", "to": "13:00"},
            "expected times within 2026-11-21T06:30:00 to 2026-11-21T06:49:00",
        ),
        (
            "metric",
            {"lines": "3"},
            "An item of the kind metric has no option lines: expected from, to, series or caption.",
        ),
        ("metric", {"series": "c"}, "This chart has no series “c”: expected one of: a; b."),
        ("metric", {"series": " "}, "The option series is empty"),
        ("metric", {"": "06:37"}, "“06:37” cannot be read here: expected from, to, series or caption"),
        ("log", {"lines": "three"}, "lines=three cannot be read: expected a count such as 3, or 12-14."),
        ("log", {"lines": "0"}, "lines=0: expected 1 to 100 lines."),
        ("log", {"lines": "14-12"}, "lines=14-12: expected two line numbers in order"),
        ("log", {"lines": "1-500"}, "at most 100 lines apart"),
        ("log", {"lines": "30-31"}, "lines=30-31: this log has 20 lines"),
        ("trace", {"from": "06:37"}, "An item of the kind trace has no option from: expected caption."),
    ],
)
def test_wrong_options_are_told_in_place_of_the_figure(type: str, options: dict[str, str], expected: str) -> None:
    shown = evidence_html(type, "x", log() if type == "log" else metric(), options=options)
    assert shown.startswith('<p class="sm warn">')
    assert expected in shown
    assert "<svg" not in shown


def test_hostile_options_are_text() -> None:
    shown = evidence_html("metric", "x", metric(), options={"series": "<img src=x onerror=alert(1)>"})
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_what_is_not_an_option_is_kept_to_be_told() -> None:
    assert options_of(' from=06:37 06:41 caption="a \\"b\\""') == {"from": "06:37", "caption": 'a "b"', "": "06:41"}


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_options_show_lines_or_say_what_is_wrong(start: str, end: str, lines: str) -> None:
    shown = evidence_html("log", "x", log(), options={"from": start, "to": end, "lines": lines})
    assert shown.startswith('<p class="sm warn">') or '<pre class="log"' in shown or "No line in this stretch" in shown
