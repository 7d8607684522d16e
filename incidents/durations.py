"""Durations between milestones, and how they are said. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

PAIRS = {
    "TTD": ("impact_started", "detected", "Time to detect"),
    "TTA": ("impact_started", "acknowledged", "Time to acknowledge"),
    "TTM": ("impact_started", "mitigated", "Time to mitigate"),
    "TTR": ("impact_started", "resolved", "Time to resolve"),
}


def spoken(seconds: float) -> str:
    """`38 s`, `6 min 30 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(abs(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, secs = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (secs, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), 3)
    said = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(said) or "0 s"


def between(times: Mapping[str, datetime]) -> dict[str, float | None]:
    """Seconds for each of TTD, TTA, TTM, TTR; None where a milestone is not known."""
    found: dict[str, float | None] = {}
    for name, (start, end, _) in PAIRS.items():
        begun = times.get(start) or (times.get("declared") if name != "TTD" else None)
        ended = times.get(end)
        found[name] = (ended - begun).total_seconds() if begun and ended and ended >= begun else None
    return found
