"""Proposed incidents as pages show them: a fixed number of queries, three fewer where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from incidents.models import IncidentProposal, Severity, SignalPolicy

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Proposals:
    """`rows` are (proposal, the severity that its policy names), the newest of `total`."""

    rows: list[tuple[IncidentProposal, Severity | None]] = field(default_factory=list)
    severities: list[Severity] = field(default_factory=list)
    total: int = 0


def open_proposals(person: Any) -> Proposals:
    waiting = IncidentProposal.objects.open().for_page(person)
    found = list(waiting[:SHOWN])
    if not found:
        return Proposals()
    severities = list(Severity.objects.all())
    named = dict(SignalPolicy.objects.values_list("signal", "severity"))
    by_pk, usual = {one.pk: one for one in severities}, Severity.usual(severities)
    return Proposals([(one, by_pk.get(named.get(one.signal, 0), usual)) for one in found], severities, waiting.count())
