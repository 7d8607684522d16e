"""What can be named at the cursor: people, incidents, follow-ups, lessons, evidence, best first, only what is visible.

One query for each answer, at most SUGGESTED rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from accounts.models import User
from incidents.models import FollowUp, Incident, RoleAssignment
from incidents.naming import lesson_model

SUGGESTED = 12
LONGEST = 60
LARGEST = 2**31 - 1
_ASKED = re.compile(r"(@|!?\[\[|(?:INC|F|L|E)-)(.*)", re.IGNORECASE | re.DOTALL)
_KEYED = re.compile(r"(INC|F|L|E)-(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`insert` takes the place of what was typed; `label` is its name, `detail` says what it is."""

    kind: str
    insert: str
    label: str
    detail: str


def suggestions(typed: str, incident: Incident, person: User) -> list[Suggestion] | None:
    """For what stands before the cursor, such as `@a`, `INC-1`, `F-`, `![[node`; None where that asks for nothing."""
    found = _ASKED.fullmatch(typed[: LONGEST + 4])
    if not found or "\n" in typed:
        return None
    sign, rest = found[1].upper(), found[2].strip()
    if sign == "@":
        return _people(rest, incident)
    wrap = found[1] if "[" in sign else ""
    kind = sign.rstrip("-") if not wrap else "E"
    if wrap and (keyed := _KEYED.fullmatch(rest)):
        kind, rest = keyed[1].upper(), keyed[2].strip()
    answers = {"E": _evidence, "INC": _incidents, "F": _followups, "L": _lessons}[kind](rest, incident, person)
    wrap = wrap or ("[[" if kind == "E" else "")
    return [Suggestion(kind, f"{wrap}{key}]]" if wrap else key, key, detail) for key, detail in answers]


def _people(text: str, incident: Incident) -> list[Suggestion]:
    involved = RoleAssignment.objects.filter(incident=incident, user=OuterRef("pk"))
    rows = User.objects.choosable().annotate(involved=Exists(involved))
    if text:
        starts = Q(username__istartswith=text) | Q(name__istartswith=text)
        rows = rows.filter(starts | Q(name__icontains=f" {text}"))
    rows = rows.order_by("-involved", "username")[:SUGGESTED]
    return [Suggestion("person", f"@{row.username}", f"@{row.username}", row.display_name) for row in rows]


def _matching(rows: QuerySet[Any], text: str, words: str) -> QuerySet[Any]:
    """By the beginning of the number, or by words of the field; numbers that begin so come first."""
    number = text if text.isascii() and text.isdigit() and len(text) < 9 else ""
    found = Q(**{f"{words}__icontains": text})
    begins = _beginning_with(number) if number else []
    if number:
        found |= Q(number__in=begins)
    exact = When(number=int(number or 0), then=Value(0))
    rank = Case(exact, When(number__in=begins, then=Value(1)), default=Value(2), output_field=IntegerField())
    return rows.filter(found).annotate(rank=rank).order_by("rank", "-number") if text else rows.order_by("-number")


def _beginning_with(digits: str) -> list[int]:
    """12 and 120 to 129 and 1200 to 1299: numbers of this installation that begin so."""
    start, found = int(digits), []
    for power in range(3):
        found += [n for n in range(start * 10**power, (start + 1) * 10**power) if n <= LARGEST]
    return found


def _evidence(text: str, incident: Incident, person: User) -> list[tuple[str, str]]:
    rows = _matching(incident.evidence.all(), text, "title")
    if not text:
        rows = incident.evidence.shown_first()
    return [(f"E-{number}", title) for number, title in rows.values_list("number", "title")[:SUGGESTED]]


def _incidents(text: str, incident: Incident, person: User) -> list[tuple[str, str]]:
    rows = _matching(Incident.objects.visible_to(person).exclude(pk=incident.pk), text, "title")
    return [(f"INC-{number}", title) for number, title in rows.values_list("number", "title")[:SUGGESTED]]


def _followups(text: str, incident: Incident, person: User) -> list[tuple[str, str]]:
    rows = _matching(FollowUp.objects.visible_to(person), text, "title")
    here = Case(When(incident=incident, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = rows.annotate(here=here).order_by("here", "-number")
    return [(f"F-{number}", title) for number, title in rows.values_list("number", "title")[:SUGGESTED]]


def _lessons(text: str, incident: Incident, person: User) -> list[tuple[str, str]]:
    rows = _matching(lesson_model().objects.visible_to(person), text, "statement")
    return [(f"L-{number}", statement) for number, statement in rows.values_list("number", "statement")[:SUGGESTED]]
