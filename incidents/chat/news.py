"""What is worth telling in chats, built once for every service: each says it in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from incidents.models import Incident, IncidentUpdate, PostMortem
from incidents.models.incident import Kind


@dataclass(frozen=True, slots=True)
class News:
    """Plain text throughout, as people typed it: whoever shows it escapes it.

    `what` happened to the thing of `headline`; `text` may have lines; `rank` is the severity's, 1 the worst, and 0
    where all is well again; `address` is absolute.
    """

    what: str
    headline: str
    address: str
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    rank: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> News:
        return cls(**{**told, "facts": tuple((str(name), str(value)) for name, value in told.get("facts", ()))})


def of_declaration(incident: Incident) -> News:
    what = "Drill declared" if incident.kind == Kind.DRILL else "Incident declared"
    by = ("Declared by", incident.declared_by.display_name)
    return _of(incident, what, incident.declared_at, by, text=_start(incident.summary))


def of_status(incident: Incident, at: datetime) -> News:
    return _of(incident, f"Status is now {incident.get_status_display().lower()}", at)


def of_severity(incident: Incident, at: datetime) -> News:
    return _of(incident, f"Severity is now {incident.severity.name}", at)


def of_update(update: IncidentUpdate) -> News:
    by = ("From", update.posted_by.display_name if update.posted_by else "somebody who is gone")
    promised = [("Next update", _clock(update.next_at))] if update.next_at else []
    return _of(update.incident, "Update", update.posted_at, by, *promised, text=update.text)


def of_publication(postmortem: PostMortem, at: datetime) -> News:
    incident = postmortem.incident
    return News(
        what="Post-mortem published",
        headline=f"{incident.key} {postmortem.title}",
        address=absolute(postmortem.get_absolute_url()),
        facts=(("Severity", incident.severity.name), ("At", _clock(at))),
    )


def absolute(path: str) -> str:
    return f"{settings.BASE_URL}{path}"


def _of(incident: Incident, what: str, at: datetime, *more: tuple[str, str], text: str = "") -> News:
    severity = incident.severity.name + (", not chosen yet" if incident.severity_is_open else "")
    places = [", ".join([*incident.namespaces][:5])] if incident.namespaces else []
    facts = [("Severity", severity), ("Status", incident.get_status_display())]
    facts += [("Where", place) for place in places]
    return News(
        what=what,
        headline=f"{incident.key} {incident.title}",
        address=absolute(incident.get_absolute_url()),
        facts=(*facts, *more, ("At", _clock(at))),
        text=text,
        rank=incident.severity.rank if incident.is_open else 0,
    )


def _start(text: str, limit: int = 500) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()} …"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
