"""The loud lines of a timeline as lanes: what lasted, what changed, how many warnings when. Plain Python."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from incidents.lanes import Lane, Mark, Point, Span, lanes

LANES = 6
# `checkout of checkout-5bbc75684d-flwhw ended (exit code 0)`: pods of one workload share a lane.
_OF_ONE_POD = re.compile(r"^(\S+) of \S+ ")
BARS = 60
LONG_LIVED = {"alert", "backup"}
MARKED = {
    "impact_started": ("Impact", False),
    "detected": ("Detected", False),
    "mitigated": ("Mitigated", True),
    "resolved": ("Resolved", True),
}


def draw(
    rows: Sequence[Mapping[str, Any]],
    milestones: Mapping[str, datetime],
    zone: tzinfo,
    gaps: Sequence[tuple[datetime, datetime]] = (),
) -> str:
    """SVG, or nothing where nothing loud happened. Rows: occurred_at, until, count, source, level, title, subject.

    `gaps` are times in which something may be missing.
    """
    marks = [Mark(milestones[kind], text, good) for kind, (text, good) in MARKED.items() if kind in milestones]
    # An alert may have been firing for days: it does not make the hour of the incident a hair's breadth.
    times = [row["occurred_at"] for row in rows if row["source"] not in LONG_LIVED] + [mark.at for mark in marks]
    times = times or [row["occurred_at"] for row in rows]
    if not rows or not times:
        return ""
    ends = [row["until"] for row in rows if row["until"]]
    start, end = min(times), max([*times, *ends])
    pad = max((end - start) * 0.04, timedelta(seconds=30))
    window = (start - pad, end + pad)
    chosen = [_warnings(rows, window), *_changes(rows), *_spans(rows), _gaps(gaps)]
    return lanes([lane for lane in chosen if lane is not None], window, marks, zone=zone)


def _warnings(rows: Iterable[Mapping[str, Any]], window: tuple[datetime, datetime]) -> Lane | None:
    step = max((window[1] - window[0]) / BARS, timedelta(seconds=1))
    counts: dict[int, int] = defaultdict(int)
    for row in rows:
        if row["source"] == "event" and row["level"] in {"warning", "error"}:
            counts[int((row["occurred_at"] - window[0]) / step)] += int(row["count"])
    if not counts:
        return None
    return Lane("Warnings", bars=[(window[0] + step * place, count) for place, count in sorted(counts.items())])


def _changes(rows: Iterable[Mapping[str, Any]]) -> list[Lane]:
    changes = [row for row in rows if row["source"] == "change" and not row["subject"]]
    points = [Point(row["occurred_at"], _revision(str(row["title"]))) for row in changes]
    return [Lane("Rollouts", points=points)] if points else []


def _gaps(gaps: Sequence[tuple[datetime, datetime]]) -> Lane | None:
    return Lane("Not recorded", spans=[Span(start, end, "normal") for start, end in gaps]) if gaps else None


def _revision(title: str) -> str:
    """`checkout revision 2 → 3 (roll-back)` is `roll-back`, `checkout revision 1 → 2` is `1 → 2`; a first one says nothing."""
    if "(roll-back)" in title:
        return "roll-back"
    found = re.search(r"revision (\d+ → \d+)", title)
    return found[1] if found else ""


def _spans(rows: Iterable[Mapping[str, Any]]) -> list[Lane]:
    """The titles that lasted longest, loudest first."""
    by_title: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["level"] in {"warning", "error"} and row["source"] in {"event", "change", "alert"}:
            by_title[_OF_ONE_POD.sub(r"\1 ", str(row["title"]))].append(row)
    found = []
    for title, group in by_title.items():
        spans = [Span(row["occurred_at"], row["until"] or row["occurred_at"], str(row["level"])) for row in group]
        lasted = sum((span.end - span.start).total_seconds() for span in spans)
        loud = any(row["level"] == "error" for row in group)
        count = sum(int(row["count"]) for row in group)
        name = f"{title} ×{count}" if count > 1 else title
        found.append(((loud, lasted, count), spans[0].start, Lane(name, spans=spans)))
    found.sort(key=lambda item: item[0], reverse=True)
    return [lane for _, _, lane in sorted(found[:LANES], key=lambda item: item[1])]
