"""Chapters of a document from rows of the database, as one person may see them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from incidents import markdown
from incidents.drawing import number
from incidents.durations import PAIRS, between, spoken
from incidents.models import Evidence, FollowUp, Incident, PostMortem
from incidents.naming import split
from incidents.rendering import inline_pictures, render_document
from knowledge.exports.document import Block, Chapter, Cited, Fact, Promise, Section, clean
from knowledge.exports.fragments import Reader, sections
from knowledge.models import BrownBagItem, Lesson

# Filled by Debrief as things stand, so the text's own list would only repeat what is older.
_RETOLD = {"follow-ups", "what we will do"}


def absolute(path: str) -> str:
    return f"{settings.BASE_URL}{path}"


def said_at(at: datetime | None, form: str = "%-d %B %Y %H:%M") -> str:
    return timezone.localtime(at).strftime(form) if at else ""


def line(text: str) -> str:
    return clean(" ".join(text.split()))


def markdown_blocks(text: str, prefix: str) -> tuple[Block, ...]:
    """Of a text without an incident: lessons, introductions."""
    if not text.strip():
        return ()
    return Reader(settings.BASE_URL).blocks(markdown.render(text, id_prefix=prefix).html)


def postmortem_chapter(
    postmortem: PostMortem, person: User, *, prefix: str, item: BrownBagItem | None = None
) -> Chapter:
    """`incident__severity` is joined, milestones may be prefetched; the text is the published one where there is one."""
    incident = postmortem.incident
    body = postmortem.published_body or postmortem.body
    rendered = render_document(body, incident=incident, person=person, id_prefix=prefix)
    cited = _cited_rows(incident, rendered.citations)
    by_key = {f"E-{row.number}": row for row in cited}
    reader = Reader(
        settings.BASE_URL,
        baseline=lambda label: _baseline(by_key.get(label)),
        source=lambda label: _source(by_key.get(label)),
    )
    found = sections(reader.blocks(inline_pictures(rendered.html, incident)))
    promises = tuple(promise(row) for row in followups_of(incident))
    kept = tuple(one for one in found if not (promises and one.title.lower() in _RETOLD))
    return Chapter(
        kind="postmortem",
        key=incident.key,
        title=line(postmortem.published_title or postmortem.title),
        href=absolute(postmortem.get_absolute_url()),
        severity=incident.severity.name,
        rank=incident.severity.rank,
        state="" if postmortem.is_published else "draft",
        facts=durations(incident),
        sections=kept,
        promises=promises,
        cited=tuple(_cited(incident, row) for row in cited),
        **_of_item(item),
    )


def lesson_chapter(lesson: Lesson, *, prefix: str, item: BrownBagItem | None = None) -> Chapter:
    blocks = markdown_blocks(lesson.context, prefix)
    named = [Fact("Services", line(", ".join(lesson.services)))] if lesson.services else []
    return Chapter(
        kind="lesson",
        key=lesson.key,
        title=line(lesson.statement),
        href=absolute(lesson.get_absolute_url()),
        facts=tuple(named),
        sections=(Section("", blocks),) if blocks else (),
        **_of_item(item),
    )


def own_chapter(item: BrownBagItem) -> Chapter:
    return Chapter(kind="own", key="", title=line(item.title), **_of_item(item))


def _of_item(item: BrownBagItem | None) -> dict[str, Any]:
    if item is None:
        return {}
    questions = tuple(told for one in item.questions.splitlines() if (told := line(one)))
    return {"notes": clean(item.notes.strip()), "questions": questions, "minutes": item.minutes}


def durations(incident: Incident) -> tuple[Fact, ...]:
    took = between(incident.milestone_times())
    known = {name: seconds for name, seconds in took.items() if seconds is not None}
    return tuple(Fact(name, spoken(known[name]), full) for name, (_, _, full) in PAIRS.items() if name in known)


def followups_of(incident: Incident) -> Iterable[FollowUp]:
    return incident.followups.select_related("owner", "team").order_by("number")


def promise(row: FollowUp) -> Promise:
    owner = row.owner.display_name if row.owner else row.team.name if row.team else "nobody yet"
    state = row.get_status_display()
    return Promise(
        row.key, line(row.title), state, line(owner), said_at(row.due_at, "%-d %b %Y"), absolute(row.get_absolute_url())
    )


def _cited_rows(incident: Incident, citations: Iterable[str]) -> list[Evidence]:
    numbers = {split(one)[1] for one in citations if one.startswith("E-")}
    return list(Evidence.objects.filter(incident=incident, number__in=numbers).order_by("number"))


def _cited(incident: Incident, row: Evidence) -> Cited:
    first, last = said_at(row.first_at, "%Y-%m-%d %H:%M:%S"), said_at(row.last_at, "%H:%M:%S")
    return Cited(
        key=f"{incident.key} E-{row.number}",
        title=line(row.title),
        kind=row.get_type_display(),
        source=line(row.source_name),
        times=first if row.first_at == row.last_at else f"{first} to {last}",
        sha256=row.sha256,
        query=line(row.query)[:600],
        href=absolute(f"{incident.get_absolute_url()}evidence/{row.number}/"),
    )


def _baseline(row: Evidence | None) -> float | None:
    return number(row.payload.get("baseline_median")) if row is not None and isinstance(row.payload, dict) else None


def _source(row: Evidence | None) -> str:
    return line(row.source_name) if row is not None else ""
