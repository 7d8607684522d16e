"""The one renderer bound to the database: resolves citations and fills embeds for one reader, in constant queries."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from incidents import markdown
from incidents.embeds import evidence_html
from incidents.models import Evidence, FollowUp, Incident

REFERENCE_LIMIT = 500


def render_document(body: str, *, incident: Incident, person: User, id_prefix: str = "d-") -> markdown.Rendered:
    """Sanitised HTML of a post-mortem. Of other incidents only what `person` may see is named."""
    wanted = references(body)
    evidence = {row.number: row for row in Evidence.objects.filter(incident=incident, number__in=wanted["E"])}
    incidents = {row.number: row for row in Incident.objects.visible_to(person).filter(number__in=wanted["INC"])}
    followups = {row.number: row for row in FollowUp.objects.visible_to(person).filter(number__in=wanted["F"])}
    band, zone = incident.band(), timezone.get_current_timezone()

    def resolve(reference: str) -> markdown.Reference | None:
        kind, number = split(reference)
        if kind == "E" and number in evidence:
            address = reverse("evidence", args=[incident.number, number])
            return markdown.Reference(href=address, title=evidence[number].title)
        if kind == "INC" and number in incidents:
            return markdown.Reference(href=incidents[number].get_absolute_url(), title=incidents[number].title)
        if kind == "F" and number in followups:
            return markdown.Reference(href=followups[number].get_absolute_url(), title=followups[number].title)
        if kind == "L" and number > 0:
            return markdown.Reference(href=reverse("lesson", args=[number]), title=f"Lesson {number}")
        return None

    def embed(reference: str, options: dict[str, str]) -> str | None:
        kind, number = split(reference)
        row = evidence.get(number) if kind == "E" else None
        if row is None:
            return None
        return evidence_html(row.type, row.title, row.payload, zone=zone, band=band, options=options)

    return markdown.render(body, resolve=resolve, embed=embed, id_prefix=id_prefix)


def references(body: str) -> dict[str, set[int]]:
    """The numbers that a text names, at most REFERENCE_LIMIT of each kind."""
    found: dict[str, set[int]] = {"E": set(), "INC": set(), "F": set(), "L": set()}
    for kind, number in markdown.REFERENCE.findall(body):
        if len(found[kind]) < REFERENCE_LIMIT and len(number) < 9:
            found[kind].add(int(number))
    return found


def split(reference: str) -> tuple[str, int]:
    kind, _, number = reference.partition("-")
    return kind, int(number) if number.isascii() and number.isdigit() and len(number) < 9 else -1
