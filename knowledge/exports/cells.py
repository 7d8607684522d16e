"""Cells of CSV: what a spreadsheet would take for a formula begins with an apostrophe. Plain Python."""

from __future__ import annotations

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def cell(value: Any) -> str:
    if isinstance(value, list):
        value = " ".join(str(one) for one in value)
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
