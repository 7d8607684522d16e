"""A figure beside its floor, taken in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio` is value by floor; `holds` says whether it meets the aim. Units stand in `unit`."""

    name: str
    value: float
    unit: str
    floor: float
    ratio: float
    aim: str
    holds: bool

    def row(self) -> dict[str, Any]:
        return asdict(self)


def figure(name: str, *, value: float, floor: float, unit: str, aim: float) -> Figure:
    """Smaller is better: the aim is a ratio that is not to be passed."""
    ratio = value / floor if floor else float("inf")
    return Figure(name, round(value, 4), unit, round(floor, 4), round(ratio, 3), f"≤ {aim}", ratio <= aim)


def medians_side_by_side(acts: list[Callable[[], Any]], *, times: int, warm: int = 5) -> list[float]:
    """Each act in turn, round after round, so that whatever else the machine does falls on all of them alike."""
    taken: list[list[float]] = [[] for _ in acts]
    for place in range(warm + times):
        for act, kept in zip(acts, taken, strict=True):
            start = time.perf_counter()
            act()
            if place >= warm:
                kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in taken]


def median_seconds(act: Callable[[], Any], *, times: int, warm: int = 3) -> float:
    for _ in range(warm):
        act()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
