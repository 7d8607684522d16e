"""The invitation (RFC 5545): one event under the session's lasting name, whose sequence rises when it is moved. Plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from knowledge.exports.document import clean

OCTETS = 75


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Invitation:
    uid: str
    sequence: int
    stamp: datetime
    title: str
    start: datetime
    minutes: int
    place: str = ""
    text: str = ""
    address: str = ""
    host: Person | None = None


def ics(invitation: Invitation) -> bytes:
    """Published, so it names no attendees (RFC 5546, 3.2.1): whoever reads the session may fetch it."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Debrief//Brown-bag sessions//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{invitation.uid}",
        f"SEQUENCE:{invitation.sequence}",
        f"DTSTAMP:{_moment(invitation.stamp)}",
        f"LAST-MODIFIED:{_moment(invitation.stamp)}",
        f"DTSTART:{_moment(invitation.start)}",
        f"DTEND:{_moment(invitation.start + timedelta(minutes=invitation.minutes))}",
        f"SUMMARY:{_text(invitation.title)}",
    ]
    for name, value in (("LOCATION", invitation.place), ("DESCRIPTION", invitation.text)):
        if value.strip():
            lines.append(f"{name}:{_text(value)}")
    if invitation.address:
        lines.append(f"URL:{invitation.address}")
    if invitation.host is not None:
        lines.append(f"ORGANIZER{_named(invitation.host)}")
    lines += ["STATUS:CONFIRMED", "TRANSP:OPAQUE", "END:VEVENT", "END:VCALENDAR"]
    return "".join(f"{folded(line)}\r\n" for line in lines).encode()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    escaped = clean(value).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _named(person: Person) -> str:
    """A parameter's value in quotes holds no quote and no line."""
    name = " ".join(clean(person.name).replace('"', "'").split())
    return f';CN="{name}":mailto:{"".join(person.email.split())}'


def folded(line: str) -> str:
    """At most 75 octets a line, never inside a sign."""
    parts, current, used = [], "", 0
    for sign in line:
        size = len(sign.encode())
        if used + size > OCTETS:
            parts.append(current)
            current, used = " ", 1
        current, used = current + sign, used + size
    return "\r\n".join([*parts, current])
