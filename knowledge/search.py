"""One box over incidents, post-mortems, lessons and checklists; only what the person may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from incidents.markdown import excerpt
from incidents.models import Incident, PostMortem
from knowledge.models import Checklist, Lesson

EACH = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: `kind` is the word shown before it, `snippet` plain text of at most two lines."""

    kind: str
    title: str
    url: str
    snippet: str
    row: Any


def search(text: str, person: Any, *, kind: str = "") -> list[Hit]:
    """At most EACH results of each kind, newest first within its kind."""
    wanted = text.strip()[:200]
    if not wanted:
        return []
    found = {
        "incident": lambda: _incidents(wanted, person),
        "postmortem": lambda: _postmortems(wanted, person),
        "lesson": lambda: _lessons(wanted, person),
        "checklist": lambda: _checklists(wanted),
    }
    chosen = [kind] if kind in found else list(found)
    return [hit for name in chosen for hit in found[name]()]


def around(text: str, words: list[str], length: int = 200) -> str:
    """The part of a text that holds the first of the words."""
    flat = excerpt(text, 20_000)
    places = [place for word in words if (place := flat.lower().find(word.lower())) >= 0]
    start = max(0, min(places, default=0) - 60)
    if start:
        start = flat.find(" ", start) + 1
    part = flat[start : start + length]
    return f"{'…' if start else ''}{part}{'…' if start + length < len(flat) else ''}"


def _incidents(wanted: str, person: Any) -> list[Hit]:
    rows = Incident.objects.visible_to(person).matching(wanted).select_related("severity")[:EACH]
    words = wanted.split()
    return [
        Hit("incident", f"{row.key} {row.title}", row.get_absolute_url(), around(row.summary, words), row)
        for row in rows
    ]


def _postmortems(wanted: str, person: Any) -> list[Hit]:
    rows = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(person)).select_related(
        "incident__severity"
    )
    for word in wanted.split()[:8]:
        rows = rows.filter(Q(title__icontains=word) | Q(body__icontains=word))
    words = wanted.split()
    return [
        Hit("postmortem", f"{row.incident.key} {row.title}", row.get_absolute_url(), around(row.body, words), row)
        for row in rows[:EACH]
    ]


def _lessons(wanted: str, person: Any) -> list[Hit]:
    rows = Lesson.objects.visible_to(person).matching(wanted)[:EACH]
    words = wanted.split()
    return [
        Hit("lesson", f"{row.key} {row.statement}", row.get_absolute_url(), around(row.context, words), row)
        for row in rows
    ]


def _checklists(wanted: str) -> list[Hit]:
    rows = Checklist.objects.all()
    for word in wanted.split()[:8]:
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word) | Q(items__text__icontains=word))
    return [
        Hit("checklist", row.name, row.get_absolute_url(), around(row.description, wanted.split()), row)
        for row in rows.distinct()[:EACH]
    ]
