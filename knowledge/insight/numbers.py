"""Medians with company. Plain values."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

# Of fewer the ninth of ten is only the worst one.
LEAST_FOR_P90 = 5


@dataclass(frozen=True, slots=True)
class Numbers:
    """Seconds; None where there is nothing, or too little, to tell."""

    count: int
    median: float | None
    p90: float | None


def numbers(values: Iterable[float | None]) -> Numbers:
    known = sorted(value for value in values if value is not None)
    if not known:
        return Numbers(0, None, None)
    p90 = known[math.ceil(0.9 * len(known)) - 1] if len(known) >= LEAST_FOR_P90 else None
    return Numbers(len(known), statistics.median(known), p90)
