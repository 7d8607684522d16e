"""What is left to do, and what could not be known."""

from __future__ import annotations

from incidents.drafting.words import plain
from incidents.models import CollectionRun, Incident
from incidents.models.evidence import GOOD, RunState


def followups(incident: Incident) -> str:
    rows = incident.followups.order_by("number")[:50]
    return (
        "\n".join(f"- [[F-{row.number}]] {plain(row.title)}" for row in rows)
        or "None yet; add them on the incident page."
    )


def not_collected(incident: Incident) -> str:
    """Sources that did not answer in full, latest outcome of each."""
    latest = CollectionRun.objects.filter(incident=incident, state=RunState.DONE)
    latest = latest.order_by("source_name", "query_name", "-id").distinct("source_name", "query_name")
    failed = [run for run in latest if run.status not in GOOD]
    lines = [
        f"- {plain(run.source_name)}, {plain(run.query_title)}: {run.get_status_display().lower()}. {plain(run.reason, 240)}"
        for run in failed
    ]
    return "\n".join(lines) or "Every source that was asked answered in full."
