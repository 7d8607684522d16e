"""What changed just before it got better. Candidates with their times; what helped is for people to say."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from incidents.drafting.impact import charts, pairs, peak_of
from incidents.drafting.words import cite, clock, plain
from incidents.drawing import epoch, number, rows
from incidents.durations import spoken
from incidents.models import Evidence, Incident, TimelineEntry
from incidents.models.timeline import EntrySource
from telemetry.observations import EvidenceType, Level

BEFORE = timedelta(minutes=15)
CHANGES = 6
NOTES = 5
# Back to usual: at most this share of the way from usual to peak is left.
NEAR_USUAL = 0.2


def recovery(incident: Incident, chosen: frozenset[int] = frozenset()) -> str:
    times = incident.milestone_times()
    name = "mitigated" if "mitigated" in times else "resolved"
    better = times.get(name)
    if better is None:
        return "It is not over yet: what changed before it got better is drafted once the incident is mitigated."
    began = times.get("impact_started")
    after = f", {spoken((better - began).total_seconds())} after the impact began" if began and began < better else ""
    parts = [f"It was {name} at {clock(better)}{after}."]
    lines = [*_changes(incident, better), *_notes(incident, better)]
    if lines:
        said = "\n".join(line for _, line in sorted(lines, reverse=True))
        parts.append(f"In the {spoken(BEFORE.total_seconds())} before that, the latest first:\n\n{said}")
    else:
        parts.append(f"No change was recorded in the {spoken(BEFORE.total_seconds())} before that: say what was done.")
    parts += [told for chart in charts(incident, chosen) if (told := _fell_back(chart))]
    return "\n\n".join(parts)


def _changes(incident: Incident, better: datetime) -> list[tuple[datetime, str]]:
    """Rollouts, roll-backs, scaling, nodes that became ready; nothing that is itself a failure."""
    known = incident.evidence.filter(
        type=EvidenceType.STATE_CHANGE.value, last_at__gte=better - BEFORE, first_at__lte=better
    )
    known = known.exclude(level=Level.ERROR.value).filter(
        Q(payload__change="rollout")
        | Q(payload__change="node_condition", level=Level.NORMAL.value)
        | Q(payload__change="state", payload__has_key="diff")
    )
    found = []
    for row in known.order_by("-payload__rollback", "-last_at", "number")[:CHANGES]:
        at = min(row.last_at, better)
        kind = "Roll-back: " if row.payload.get("rollback") is True else ""
        found.append((at, f"- {_ago(at, better)}: {kind}{plain(row.title)}{cite(row.number)}"))
    return found


def _notes(incident: Incident, better: datetime) -> list[tuple[datetime, str]]:
    """What people wrote down at the time."""
    notes = TimelineEntry.objects.filter(incident=incident, hidden=False, source=EntrySource.NOTE, detail={})
    notes = notes.filter(occurred_at__gte=better - BEFORE, occurred_at__lte=better)
    found = []
    for entry in notes.order_by("-occurred_at", "-id")[:NOTES]:
        line = f"- {_ago(entry.occurred_at, better)}: {plain(entry.title)} wrote “{plain(entry.text, 160)}”"
        found.append((entry.occurred_at, line))
    return found


def _ago(at: datetime, better: datetime) -> str:
    seconds = (better - at).total_seconds()
    return f"{spoken(seconds)} before" if seconds >= 1 else "At the same time"


def _fell_back(chart: Evidence) -> str:
    """When the chart came back to what was usual, in words; nothing where usual or peak are not known."""
    payload = chart.payload
    usual, peak = number(payload.get("baseline_median")), peak_of(chart)
    if usual is None or peak is None or peak == usual:
        return ""
    points = sorted(
        (moment, abs(height - usual))
        for row in rows(payload.get("series"), 50)
        for at, value in pairs(row.get("points"))
        if (moment := epoch(at)) is not None and (height := number(value)) is not None
    )
    limit = NEAR_USUAL * abs(peak - usual)
    away = [at for at, distance in points if distance > limit]
    if not away:
        return ""
    back = next((at for at, _ in points if at > away[-1]), None)
    if back is None:
        return f"{plain(chart.title)} had not come back to its usual value when collecting ended{cite(chart.number)}."
    came = datetime.fromtimestamp(back, tz=chart.first_at.tzinfo)
    return f"{plain(chart.title)} was back near its usual value at {clock(came)}{cite(chart.number)}."
