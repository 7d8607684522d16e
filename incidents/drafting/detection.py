"""What told us, how long after the impact began, and what had shown before that."""

from __future__ import annotations

from datetime import datetime

from incidents.drafting.words import cite, clock, plain
from incidents.durations import between, spoken
from incidents.models import Evidence, Incident
from telemetry.observations import EvidenceType, Level

ALERTS = 4


def detection(incident: Incident) -> str:
    times = incident.milestone_times()
    began = times.get("impact_started")
    alerts = list(incident.evidence.filter(type=EvidenceType.ALERT.value).order_by("first_at", "number")[:ALERTS])
    took = between(times)["TTD"]
    lines = []
    if alerts:
        first = alerts[0]
        when = _after(first.first_at, began, "the impact began")
        lines.append(f"The first alert was {plain(first.title)} at {clock(first.first_at)}{when}{cite(first.number)}.")
        lines.extend(_then(first, alert) for alert in alerts[1:])
    else:
        lines.append("No alert was found in the window: say who noticed, and why no alert did.")
    if took is not None:
        lines.append(f"It was detected {spoken(took)} after the impact started.")
    signs = [EvidenceType.EVENT.value, EvidenceType.STATE_CHANGE.value]
    loud = incident.evidence.filter(level=Level.ERROR.value, type__in=signs).order_by("first_at", "number").first()
    if loud is not None and (not alerts or loud.first_at < alerts[0].first_at):
        when = _after(loud.first_at, began, "the impact began")
        lines.append(
            f"The earliest loud sign was {plain(loud.title)} at {clock(loud.first_at)}{when}{cite(loud.number)}."
        )
        if alerts:
            early = spoken((alerts[0].first_at - loud.first_at).total_seconds())
            lines.append(f"That was {early} before the first alert.")
    return " ".join(lines)


def _then(first: Evidence, alert: Evidence) -> str:
    later = spoken((alert.first_at - first.first_at).total_seconds())
    return f"{plain(alert.title)} followed {later} later{cite(alert.number)}."


def _after(at: datetime, start: datetime | None, name: str) -> str:
    if start is None:
        return ""
    seconds = (at - start).total_seconds()
    if abs(seconds) < 1:
        return f", as {name}"
    return f", {spoken(seconds)} {'after' if seconds > 0 else 'before'} {name}"
