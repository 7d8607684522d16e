"""Whether the snapshots of a claim are made by something that makes more: nothing else in the cluster says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from knowledge.checks.workloads import mapping
from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.recovery import lasted

SCHEDULER = "snapscheduler.backube/schedule"
# With fewer there is no rhythm to be seen.
FEWEST = 3
# After so many times their usual distance without another one they have stopped.
PATIENCE = 2
# Even of those that come seldom.
LONGEST = timedelta(days=31)


def stopped(times: Sequence[datetime], now: datetime) -> str:
    """Why the newest is too old for its fellows to be coming still, or ""."""
    ordered = sorted(times)
    age = now - ordered[-1]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(ordered)]
    usual = timedelta(seconds=median(gaps)) if gaps else LONGEST
    if age <= min(LONGEST, PATIENCE * usual):
        return ""
    since = f"the newest snapshot is {lasted(age.total_seconds())} old"
    return since + (f", and they came every {lasted(usual.total_seconds())}" if len(gaps) > 1 else "")


def uncertain(items: Sequence[Item], times: Sequence[datetime]) -> str:
    """Why it cannot be told whether more are made, or ""."""
    if len(times) >= FEWEST or any(_is_made_by_a_program(one) for one in items):
        return ""
    return f"{len(times)} snapshot{'s' if len(times) > 1 else ''} may be made by hand: no plan that makes more is seen"


def _is_made_by_a_program(item: Item) -> bool:
    metadata = item["metadata"]
    return bool(metadata.get("ownerReferences")) or SCHEDULER in mapping(metadata.get("labels"))
