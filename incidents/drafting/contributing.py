"""Candidates, not a verdict: what changed, what failed first of its kind, which signals were seen."""

from __future__ import annotations

from django.db.models import Count, Min
from django.db.models.fields.json import KT

from incidents.drafting.words import cite, clock, plain
from incidents.models import Evidence, Incident
from telemetry.observations import EvidenceType, Level
from telemetry.signals import RULES

LOUD = [Level.WARNING.value, Level.ERROR.value]
SIGNALS = 6


def contributing(incident: Incident) -> str:
    changes = incident.evidence.filter(type=EvidenceType.STATE_CHANGE.value, payload__change="rollout").exclude(
        payload__diff=[]
    )
    nodes = incident.evidence.filter(
        type=EvidenceType.STATE_CHANGE.value, payload__change="node_condition", level__in=LOUD
    )
    rows: list[Evidence] = [*changes.order_by("first_at")[:3], *nodes.order_by("first_at")[:2]]
    seen = _signals(incident)
    if not rows and not seen:
        return "Several things usually come together; name each of them with its evidence."
    parts = [
        f"### {plain(row.title, 120)}\n\nAt {clock(row.first_at)}{cite(row.number)}. Say what this made possible, and what it did not."
        for row in rows
    ]
    return "\n\n".join([*parts, *([seen] if seen else [])])


def _signals(incident: Incident) -> str:
    """What is known to mean trouble, each with how often and where it was seen first."""
    labels = {rule.name: rule.label for rule in RULES}
    rows = (
        incident.evidence.filter(payload__signal__isnull=False)
        .order_by()
        .annotate(signal=KT("payload__signal"))
        .values("signal")
        .annotate(times=Count("pk"), first=Min("first_at"), number=Min("number"))
        .order_by("first", "number")[:SIGNALS]
    )
    lines = [
        f"- {plain(labels.get(row['signal'], row['signal']))}, {_times(row['times'])}, from {clock(row['first'])}{cite(row['number'])}"
        for row in rows
    ]
    return "Signals that were seen:\n\n" + "\n".join(lines) if lines else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
