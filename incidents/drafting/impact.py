"""How bad it was: how long, and the charts that tell it, those that a person chose first."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from incidents.drafting.words import cite, plain
from incidents.drawing import number, rows
from incidents.durations import between, spoken
from incidents.models import Evidence, Incident
from telemetry.observations import EvidenceType

CHARTS = 2
CHOSEN = 5
LOOKED_AT = 40


def impact(incident: Incident, chosen: frozenset[int] = frozenset()) -> str:
    """`chosen` are the E-n that somebody embedded; pinned ones count as chosen too."""
    times = incident.milestone_times()
    took = between(times)
    lines = []
    if took["TTM"] is not None:
        lines.append(f"Impact lasted {spoken(took['TTM'])} until it was mitigated.")
    elif "impact_started" not in times:
        lines.append("When the impact started is not known yet: set the milestone on the incident page.")
    for chart in charts(incident, chosen):
        lines.append(f"{plain(chart.title)}: {plain(chart.summary) or 'see the chart'}{cite(chart.number)}.")
        lines.append(f'![[E-{chart.number} caption="{_caption(chart.title)}"]]')
    return "\n\n".join(lines) or "No metric was collected; say who noticed what, and for how long."


def charts(incident: Incident, chosen: frozenset[int] = frozenset()) -> list[Evidence]:
    """Those that people chose, at most CHOSEN; where they chose none, the CHARTS that tell most."""
    known = incident.evidence.filter(type=EvidenceType.METRIC.value).exclude(payload__series=[])
    pinned = set(known.filter(entries__pinned=True).values_list("number", flat=True)) | chosen
    if pinned:
        picked = list(known.filter(number__in=pinned).order_by("number")[:CHOSEN])
        if picked:
            return picked
    return sorted(known.order_by("number")[:LOOKED_AT], key=_telling, reverse=True)[:CHARTS]


def _telling(chart: Evidence) -> tuple[float, int]:
    """Far from usual first; among those that are far, in the order of the plan, which begins with what users notice."""
    return min(_deviation(chart), 10.0), -(chart.run_id or 0)


def _deviation(chart: Evidence) -> float:
    """How far the peak stands from what was usual before, in units of the usual; 0 where nothing is known."""
    peak = peak_of(chart)
    before = [
        y
        for row in rows(chart.payload.get("baseline"))
        for _, y in pairs(row.get("points"))
        if isinstance(y, int | float)
    ]
    if not isinstance(peak, int | float) or not before:
        return 0.0
    usual = median(before)
    return float(abs(peak - usual) / (abs(usual) + 0.05 * abs(peak) or 1.0))


def peak_of(chart: Evidence) -> float | None:
    peak = chart.payload.get("peak")
    return number(peak.get("value")) if isinstance(peak, Mapping) else None


def pairs(points: Any) -> list[tuple[Any, Any]]:
    """Time and value of each point; payloads are hostile, so what is no pair is left out."""
    rows_of = points[:20_000] if isinstance(points, list) else []
    return [(one[0], one[1]) for one in rows_of if isinstance(one, list | tuple) and len(one) == 2]


def _caption(title: str) -> str:
    return plain(title.replace('"', "'"), 120).replace("\\", "")
