"""How much two incidents have in common, and why. Plain values, so that each number can be explained.

What is rare weighs more: a trait of two incidents among sixty says much, one of half of them nothing. Several traits
of one kind count less and less, so that a talkative log alone makes no cause.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WEIGHTS = {
    "fingerprint": 4.5,
    "signal": 4.0,
    "log": 4.0,
    "image": 3.5,
    "alert": 3.0,
    "node": 2.5,
    "rollout": 2.5,
    "workload": 1.5,
    "service": 1.0,
    "label": 1.0,
    "reason": 1.0,
    "term": 0.8,
    "word": 0.5,
}
FADES = 0.6
# A young installation has little to compare with; it is weighed as if it had so many incidents.
BACKGROUND = 20
SHOWN_FROM = 1.5
LIKELY_FROM = 7.0
# What tells of a cause and not of a place; two kinds of it must agree.
TELLING = {"fingerprint", "signal", "log", "image", "alert"}
TELLING_FROM = 1.6
LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Shared:
    """A trait of both incidents; `among` is how many incidents have it."""

    kind: str
    value: str
    label: str
    among: int


@dataclass(frozen=True, slots=True)
class Reason:
    kind: str
    value: str
    label: str
    weight: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """`reasons` are the heaviest first."""

    score: float
    reasons: list[Reason]


def is_likely(score: float, reasons: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the cause may well be the same; `reasons` as a Match keeps them."""
    telling = {one["kind"] for one in reasons if one["kind"] in TELLING and one["weight"] >= TELLING_FROM}
    return score >= LIKELY_FROM and len(telling) >= 2


def rarity(among: int, incidents: int) -> float:
    """1 for a trait of nobody else, near 0 for one of everybody."""
    known = max(incidents, BACKGROUND) + 1
    return max(0.0, math.log(known / max(1, among)) / math.log(known))


def likeness(shared: Iterable[Shared], incidents: int) -> Likeness:
    by_kind: dict[str, list[Reason]] = defaultdict(list)
    for one in _without_repetition(list(shared)):
        weight = WEIGHTS[one.kind] * rarity(one.among, incidents)
        by_kind[one.kind].append(Reason(one.kind, one.value, one.label, weight))
    reasons = []
    for found in by_kind.values():
        found.sort(key=lambda reason: (-reason.weight, reason.label))
        for place, reason in enumerate(found):
            reasons.append(Reason(reason.kind, reason.value, reason.label, round(reason.weight * FADES**place, 3)))
    reasons = [one for one in reasons if one.weight >= LEAST]
    reasons.sort(key=lambda reason: (-reason.weight, reason.kind, reason.label))
    return Likeness(round(sum(one.weight for one in reasons), 3), reasons)


def _without_repetition(shared: list[Shared]) -> list[Shared]:
    """A workload is told by its signal, a reason by its signal, an alert by the same alert with its labels."""
    signals = [one.value for one in shared if one.kind == "signal"]
    placed = {value.partition("|")[0] for value in signals}
    labels = {one.label.partition(" of ")[0] for one in shared if one.kind == "signal"}
    same = {one.label.removesuffix(" with the same labels") for one in shared if one.kind == "fingerprint"}
    return [
        one
        for one in shared
        if not (one.kind == "workload" and one.value in placed)
        and not (one.kind == "reason" and one.value in labels)
        and not (one.kind == "alert" and one.value in same)
    ]
