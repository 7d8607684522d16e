"""How far a recording reaches into a window, and what it may lack. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something may be missing of `resources`; `reason` is a sentence without its full stop."""

    start: datetime
    end: datetime
    reason: str = ""
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Recorded from `start` to `end` but for `gaps`, in order; without `start` nothing is recorded."""

    start: datetime | None = None
    end: datetime | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.start is None or self.end is None or self.start >= self.end

    def missing(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The stretches of [start, end) that are not recorded, in order."""
        if self.start is None or self.end is None or self.is_empty:
            return [(start, end)]
        holes = [(start, min(self.start, end)), *((gap.start, gap.end) for gap in self.gaps), (self.end, end)]
        found: list[tuple[datetime, datetime]] = []
        for first, last in sorted((max(one, start), min(other, end)) for one, other in holes):
            if first >= last:
                continue
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], last))
            else:
                found.append((first, last))
        return found

    def covers(self, start: datetime, end: datetime) -> bool:
        return not self.missing(start, end)

    def as_json(self) -> dict[str, Any]:
        return {
            "from": _iso(self.start),
            "to": _iso(self.end),
            "gaps": [
                {"from": _iso(gap.start), "to": _iso(gap.end), "reason": gap.reason, "resources": list(gap.resources)}
                for gap in self.gaps
            ],
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Coverage:
        """What `as_json` gave; an empty mapping is an empty coverage."""
        gaps = tuple(
            Gap(
                datetime.fromisoformat(one["from"]),
                datetime.fromisoformat(one["to"]),
                one["reason"],
                tuple(one["resources"]),
            )
            for one in value.get("gaps", ())
        )
        start, end = value.get("from"), value.get("to")
        return cls(datetime.fromisoformat(start) if start else None, datetime.fromisoformat(end) if end else None, gaps)


def in_common(coverages: Iterable[Coverage]) -> Coverage:
    """What all of them cover."""
    known = list(coverages)
    if not known or any(one.is_empty for one in known):
        return Coverage()
    start = max(one.start for one in known if one.start)
    end = min(one.end for one in known if one.end)
    if start >= end:
        return Coverage()
    cut = [replace(gap, start=max(gap.start, start), end=min(gap.end, end)) for one in known for gap in one.gaps]
    return Coverage(start, end, tuple(joined(gap for gap in cut if gap.start < gap.end)))


def joined(gaps: Iterable[Gap]) -> list[Gap]:
    """In order of time; those of one reason that touch become one that names all their resources."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda one: (one.start, one.end)):
        place = next((n for n, one in enumerate(found) if one.reason == gap.reason and one.end >= gap.start), None)
        if place is None:
            found.append(gap)
            continue
        before = found[place]
        resources = tuple(dict.fromkeys([*before.resources, *gap.resources]))
        found[place] = replace(before, end=max(before.end, gap.end), resources=resources)
    return found


def _iso(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at else ""
