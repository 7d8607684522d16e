"""Incidents that have something to do with one, with the reasons: what people linked, then what resembles it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from accounts.models import User
from incidents.models import Incident

SHOWN = 5
REASONS = 3


@dataclass(frozen=True, slots=True)
class Related:
    incident: Incident
    reasons: list[str]


def related_incidents(incident: Incident, person: User) -> list[Related]:
    """The closest of those that `person` may see. Two queries.

    What resembles it was found by those above, who keep it in rows that point here.
    """
    linked = Q(recurrence_of=incident) | Q(duplicate_of=incident)
    linked |= Q(pk__in=[pk for pk in (incident.recurrence_of_id, incident.duplicate_of_id) if pk])
    rows = Incident.objects.visible_to(person).filter(linked).exclude(pk=incident.pk).select_related("severity")
    found = {row.pk: Related(row, [_link(row, incident)]) for row in rows.order_by("-number")[:SHOWN]}
    for match in incident.matches.shown().visible_to(person).select_related("earlier__severity")[:SHOWN]:
        one = found.setdefault(match.earlier_id, Related(match.earlier, []))
        one.reasons.extend(reason["label"] for reason in match.reasons[:REASONS])
    return list(found.values())[:SHOWN]


def _link(row: Incident, incident: Incident) -> str:
    links = (
        (row.pk == incident.recurrence_of_id, "this one is a recurrence of it"),
        (row.recurrence_of_id == incident.pk, "a recurrence of this one"),
        (row.pk == incident.duplicate_of_id, "this one is a duplicate of it"),
    )
    return next((said for holds, said in links if holds), "a duplicate of this one")
