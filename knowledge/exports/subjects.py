"""What goes into a file, gathered once for one person: a document and the data beside it that some formats want."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.text import slugify

from accounts.models import User
from accounts.permissions import can_respond
from incidents.models import Incident, PostMortem
from incidents.writing.documents import settle_waiting
from knowledge.exports.calendar import Invitation, Person
from knowledge.exports.chapters import absolute, followups_of, line, postmortem_chapter, said_at
from knowledge.exports.document import Document, Fact
from knowledge.exports.incident_lists import incident_rows, incidents_document
from knowledge.exports.keeping import made_of
from knowledge.exports.problems import ExportProblem
from knowledge.exports.sessions import content_time, session_document
from knowledge.models import BrownBagItem, BrownBagSession, Lesson

GONE = "It is gone, or you may not see it any more."


@dataclass(frozen=True, slots=True)
class Prepared:
    """`texts` are the chapters in Markdown; `rows` and `data` what CSV and JSON hold; `made_of` as `Export.query` has it."""

    document: Document
    stem: str
    texts: tuple[str, ...] = ()
    introduction: str = ""
    invitation: Invitation | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    made_of: dict[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        told = json.dumps([self.texts, self.introduction, str(self.invitation), self.rows, self.data], default=str)
        return hashlib.sha256(f"{self.document.digest()}{told}".encode("utf-8", "replace")).hexdigest()


def prepare(subject: str, ref: int, query: Mapping[str, str], person: User) -> Prepared:
    """Raises ExportProblem where the thing is gone or hidden from `person`."""
    if subject == "incidents":
        rows = incident_rows(person, query)
        told = [row.pop("id") for row in rows]
        return Prepared(incidents_document(rows, query), "incidents", rows=rows, made_of=made_of(incidents=told))
    if subject == "postmortem":
        return _postmortem(ref, person)
    session = BrownBagSession.objects.select_related("host").filter(pk=ref).first() if subject == "brownbag" else None
    if session is None:
        raise ExportProblem(GONE)
    return of_session(session, *visible_items(session, person), person=person)


def of_session(session: BrownBagSession, items: list[BrownBagItem], left_out: int, *, person: User) -> Prepared:
    document = session_document(session, items, person=person, left_out=left_out)
    return Prepared(
        document,
        slugify(session.title)[:80] or "brown-bag",
        texts=tuple(_text(item) for item in items),
        introduction=session.introduction,
        invitation=_invitation(session, items),
        made_of=made_of(
            incidents=[item.postmortem.incident_id for item in items if item.postmortem],
            lessons=[item.lesson_id for item in items if item.lesson_id],
        ),
    )


def visible_items(session: BrownBagSession, who: User) -> tuple[list[BrownBagItem], int]:
    """The agenda as this person may see it, and how many items of it they may not; not to be saved, since notes that
    are for the speaker alone are taken out for others."""
    texts = session.items.filter(postmortem__isnull=False).values_list("postmortem_id", flat=True)
    settle_waiting(texts, timezone.now())
    rows = session.items.select_related("postmortem__incident__severity", "lesson")
    rows = rows.prefetch_related("postmortem__incident__milestones")
    incidents = set(
        Incident.objects.visible_to(who)
        .filter(postmortem__brownbag_items__session=session)
        .values_list("pk", flat=True)
    )
    lessons = set(Lesson.objects.visible_to(who).filter(brownbag_items__session=session).values_list("pk", flat=True))
    seen, hidden, reads_notes = [], 0, may_read_notes(session, who)
    for item in rows:
        of_incident = item.postmortem is not None and item.postmortem.incident_id in incidents
        if item.title or of_incident or item.lesson_id in lessons:
            item.notes = item.notes if reads_notes else ""
            seen.append(item)
        else:
            hidden += 1
    return seen, hidden


def may_read_notes(session: BrownBagSession, who: User) -> bool:
    """Speakers are the host and whoever responds."""
    return can_respond(who) or session.host_id == who.pk


def _text(item: BrownBagItem) -> str:
    if item.postmortem is not None:
        return item.postmortem.published_body or item.postmortem.body
    return item.lesson.context if item.lesson else ""


def _invitation(session: BrownBagSession, items: list[BrownBagItem]) -> Invitation | None:
    if session.held_at is None:
        return None
    agenda = [f"{item.minutes} min  {_named(item)}" for item in items]
    host = session.host
    address = absolute(session.get_absolute_url())
    return Invitation(
        uid=f"{session.calendar_uid}@debrief",
        sequence=session.calendar_sequence,
        stamp=content_time(session, items),
        title=line(session.title),
        start=session.held_at,
        minutes=session.minutes,
        place=line(session.place),
        text="\n".join([*agenda, "", address]),
        address=address,
        host=Person(host.display_name, host.email) if host and host.email else None,
    )


def _named(item: BrownBagItem) -> str:
    """Restricted ones without their titles: an invitation goes to people who may not see them."""
    if item.postmortem is not None:
        incident = item.postmortem.incident
        return incident.key if incident.is_restricted else f"{incident.key} {line(item.postmortem.title)}"
    return f"{item.lesson.key} {line(item.lesson.statement)}" if item.lesson else line(item.title)


def _postmortem(ref: int, person: User) -> Prepared:
    settle_waiting([ref], timezone.now())
    rows = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(person))
    row = rows.select_related("incident__severity", "published_by").filter(pk=ref).first()
    if row is None:
        raise ExportProblem(GONE)
    chapter = postmortem_chapter(row, person, prefix="d-")
    incident = row.incident
    facts = [
        Fact("Incident", f"{incident.key} {line(incident.title)}"),
        Fact("State", f"Published {said_at(row.published_at, '%-d %B %Y')}" if row.published_at else "Draft"),
        Fact("Services", line(", ".join(incident.services))),
    ]
    times = [row.updated_at, *(followup.updated_at for followup in followups_of(incident))]
    document = Document(
        kind="Post-mortem",
        title=chapter.title,
        at=max(times).replace(microsecond=0),
        facts=tuple(fact for fact in facts if fact.value),
        chapters=(chapter,),
        restricted=incident.is_restricted,
        address=chapter.href,
    )
    body = row.published_body or row.body
    stem = f"{incident.key.lower()}-{slugify(chapter.title)[:80]}".rstrip("-")
    return Prepared(document, stem, texts=(body,), data=_data(row, document, body))


def _data(row: PostMortem, document: Document, body: str) -> dict[str, Any]:
    chapter, incident = document.chapters[0], row.incident
    return {
        "incident": incident.key,
        "title": chapter.title,
        "severity": chapter.severity,
        "state": "published" if row.published_at else "draft",
        "published_at": row.published_at.isoformat() if row.published_at else None,
        "url": chapter.href,
        "milestones": {kind: at.isoformat() for kind, at in incident.milestone_times().items()},
        "durations": {fact.name: fact.value for fact in chapter.facts},
        "services": list(incident.services),
        "body": body,
        "followups": [
            {
                "key": one.key,
                "title": one.title,
                "state": one.state,
                "owner": one.owner,
                "due": one.due,
                "url": one.href,
            }
            for one in chapter.promises
        ],
        "evidence": [
            {
                "key": one.key,
                "title": one.title,
                "kind": one.kind,
                "source": one.source,
                "times": one.times,
                "sha256": one.sha256,
                "query": one.query,
                "url": one.href,
            }
            for one in chapter.cited
        ],
    }


def title_of(subject: str, ref: int, person: User) -> str:
    """Raises ExportProblem where the thing is gone or hidden from `person`."""
    if subject == "incidents":
        return "Incidents"
    if subject == "postmortem":
        seen = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(person), pk=ref)
        found = seen.values_list("published_title", "title").first()
        title = (found[0] or found[1]) if found else ""
    else:
        title = BrownBagSession.objects.filter(pk=ref).values_list("title", flat=True).first() or ""
    if not title:
        raise ExportProblem(GONE)
    return line(title)
