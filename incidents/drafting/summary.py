"""What happened, in one sentence, and the facts beside it."""

from __future__ import annotations

from incidents.drafting.words import plain
from incidents.durations import between, spoken
from incidents.models import Incident


def summary(incident: Incident) -> str:
    times = incident.milestone_times()
    start = times.get("impact_started") or times.get("declared") or incident.created_at
    names = dict.fromkeys([*incident.services, *(w["name"] for w in incident.workloads), *incident.namespaces])
    where = ", ".join(list(names)[:4])
    text = f"On {start:%-d %B %Y} at {start:%H:%M} UTC: {plain(incident.title, 200)}"
    text += f" ({plain(where)})." if where else "."
    text += _facts(incident)
    if incident.summary.strip():
        text += f"\n\n{incident.summary.strip()}"
    return text


def _facts(incident: Incident) -> str:
    """Severity and how long each step took, as far as its milestones are known."""
    took = between(incident.milestone_times())
    said = [("TTD", "detected after"), ("TTM", "mitigated after"), ("TTR", "resolved after")]
    steps = [f"{verb} {spoken(took[name] or 0)}" for name, verb in said if took[name] is not None]
    return f" It was {plain(incident.severity.name)}" + (f", {', '.join(steps)}." if steps else ".")
