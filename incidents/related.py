"""Incidents that have something to do with one, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from accounts.models import User
from incidents.models import Incident

LOOKED_AT = 60
SHOWN = 5
WORKLOADS = 10


@dataclass(frozen=True, slots=True)
class Related:
    incident: Incident
    reasons: list[str]
    weight: int


def related_incidents(incident: Incident, person: User) -> list[Related]:
    """The closest of those that `person` may see: recurrences first, then what they share. One query."""
    shared = Q(labels__overlap=incident.labels) if incident.labels else Q()
    if incident.services:
        shared |= Q(services__overlap=incident.services)
    for workload in incident.workloads[:WORKLOADS]:
        shared |= Q(workloads__contains=[workload])
    linked = Q(recurrence_of=incident) | Q(duplicate_of=incident)
    linked |= Q(pk__in=[pk for pk in (incident.recurrence_of_id, incident.duplicate_of_id) if pk])
    rows = Incident.objects.visible_to(person).exclude(pk=incident.pk).filter(linked | shared if shared else linked)
    found = [_judged(row, incident) for row in rows.select_related("severity").order_by("-number")[:LOOKED_AT]]
    return sorted(found, key=lambda one: (-one.weight, -one.incident.number))[:SHOWN]


def _judged(row: Incident, incident: Incident) -> Related:
    reasons, weight = [], 0
    links = (
        (row.pk == incident.recurrence_of_id, "this one is a recurrence of it"),
        (row.recurrence_of_id == incident.pk, "a recurrence of this one"),
        (row.pk == incident.duplicate_of_id, "this one is a duplicate of it"),
        (row.duplicate_of_id == incident.pk, "a duplicate of this one"),
    )
    for holds, said in links:
        if holds:
            reasons.append(said)
            weight += 100
    workloads = [one for one in incident.workloads if one in row.workloads]
    reasons += [f"{one['kind'].lower()}/{one['name']}" for one in workloads[:3]]
    services = [one for one in incident.services if one in row.services]
    reasons += [f"service {one}" for one in services[:3]]
    labels = [one for one in incident.labels if one in row.labels]
    reasons += [f"label {one}" for one in labels[:3]]
    return Related(row, reasons, weight + 5 * len(workloads) + 3 * len(services) + len(labels))
