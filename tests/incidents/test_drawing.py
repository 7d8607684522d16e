"""Numbers, times and words of payloads as drawings read them."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.drawing import epoch, number, quantity, words


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.5", 1.5), (2, 2.0), ("NaN", None), ("inf", None), (True, None), ({}, None), (1e300, None)],
)
def test_numbers_are_finite_or_none(value: Any, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize("value", ["yesterday", -1, 1e12, None, [], "9999-99-99"])
def test_times_outside_what_can_be_shown_are_none(value: Any) -> None:
    assert epoch(value) is None


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.634, "ratio", "63.4 %"), (0.00012, "s", "1.2e-04 s"), (2_500_000, "", "2.5M"), (3 * 1024**3, "bytes", "3 GiB")],
)
def test_quantities_read_well(value: float, unit: str, expected: str) -> None:
    assert quantity(value, unit) == expected


def test_words_are_one_line_without_control_characters() -> None:
    assert words("a\n\x1b[31mb\u202e", 10) == "a [31mb"
    assert words("x" * 50, 10) == "xxxxxxxxx…"
