"""What a text names, looked up for one reader: one query for each kind of thing, whatever the text holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from accounts.models import User
from incidents import markdown
from incidents.markdown_mentions import MENTION
from incidents.models import Evidence, FollowUp, Incident, Picture, PostMortem

REFERENCE_LIMIT = 500
_PICTURE = re.compile(r"/incidents/([1-9]\d{0,8})/pictures/([1-9]\d{0,8})/")


def references(body: str) -> dict[str, set[int]]:
    """The numbers that a text cites, at most REFERENCE_LIMIT of each kind."""
    found: dict[str, set[int]] = {"E": set(), "INC": set(), "F": set(), "L": set()}
    _add(found, markdown.REFERENCE.findall(body))
    return found


def _add(found: dict[str, set[int]], pairs: Iterable[tuple[str, str]]) -> None:
    for kind, number in pairs:
        if len(found[kind]) < REFERENCE_LIMIT and len(number) < 9:
            found[kind].add(int(number))


def split(reference: str) -> tuple[str, int]:
    kind, _, number = reference.partition("-")
    return kind, int(number) if number.isascii() and number.isdigit() and len(number) < 9 else -1


def pictures_in(text: str, incident: Incident) -> dict[str, int]:
    """Addresses of pictures of this incident in a text, with their keys; one query at most."""
    asked = {found[0]: int(found[2]) for found in _PICTURE.finditer(text) if int(found[1]) == incident.number}
    if not asked:
        return {}
    rows = Picture.objects.filter(incident=incident, pk__in=sorted(set(asked.values()))[:REFERENCE_LIMIT])
    kept = set(rows.values_list("pk", flat=True))
    return {address: key for address, key in asked.items() if key in kept}


def is_picture(address: str) -> bool:
    return bool(_PICTURE.fullmatch(address))


class Named:
    """Where each thing that `body` names leads, for `person`; what he may not see is not there."""

    def __init__(self, body: str, incident: Incident, person: User) -> None:
        wanted, mentioned = references(body), set(MENTION.findall(body))
        names = {one[1:] for one in mentioned if one.startswith("@")}
        _add(wanted, [(one.split("-")[0], one.split("-")[1]) for one in sorted(mentioned) if not one.startswith("@")])
        self.incident = incident
        self.evidence = {row.number: row for row in Evidence.objects.filter(incident=incident, number__in=wanted["E"])}
        self._seen: dict[str, dict[int, Any]] = {
            "INC": self._of(Incident, person, wanted["INC"]),
            "F": self._of(FollowUp, person, wanted["F"]),
            "L": self._of(lesson_model(), person, wanted["L"]),
        }
        self._pictures = pictures_in(body, incident)
        people = User.objects.choosable().filter(username__in=sorted(names)[:REFERENCE_LIMIT]) if names else []
        self._people = {row.username: row for row in people}

    @staticmethod
    def _of(model: Any, person: User, numbers: set[int]) -> dict[int, Any]:
        if not numbers:
            return {}
        return {row.number: row for row in model.objects.visible_to(person).filter(number__in=numbers)}

    def shows_picture(self, address: str) -> bool:
        """Of pasted pictures those of this incident; one of another would be seen by whom that incident is hidden from
        as a broken image, and by others without its context."""
        return address in self._pictures or not is_picture(address)

    def row(self, reference: str) -> Any:
        """The incident, follow-up or lesson itself; None for others."""
        kind, number = split(reference)
        return self._seen.get(kind, {}).get(number)

    def resolve(self, reference: str) -> markdown.Reference | None:
        if reference.startswith("@"):
            found = self._people.get(reference[1:])
            address = f"{reverse('settings-people')}?q={reference[1:]}"
            return markdown.Reference(href=address, title=found.display_name) if found else None
        kind, number = split(reference)
        if kind == "E":
            if number not in self.evidence:
                return None
            address = reverse("evidence", args=[self.incident.number, number])
            return markdown.Reference(href=address, title=self.evidence[number].title)
        row = self._seen[kind].get(number)
        if row is None:
            return None
        return markdown.Reference(href=row.get_absolute_url(), title=row.statement if kind == "L" else row.title)


def lesson_model() -> Any:
    """Lessons belong to the app above, which hangs them on post-mortems."""
    return PostMortem._meta.get_field("lessons").related_model
