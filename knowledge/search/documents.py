"""What search keeps of each thing: a title, names as they are written, and plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Model

from incidents.models import Evidence, FollowUp, Incident, PostMortem, TimelineEntry
from knowledge.models import Checklist, Lesson, SearchDocument, Trait

LONGEST = 60_000
LOG_LINES = 60
NAMES = 40
Kind = SearchDocument.Kind
# What Markdown writes around words; the words stay.
_MARKUP = re.compile(r"!?\[\[[^\[\]\n]{0,300}\]\]|<!--.{0,4000}?-->|[*`~#>|]+|\]\([^()\s]{0,500}\)|[\[\]]", re.DOTALL)


def document_of(row: Model) -> SearchDocument:
    """Not saved yet. Raises KeyError for what is not searched."""
    document = MAKERS[type(row)](row)
    document.kind, document.ref = KINDS[type(row)], row.pk
    document.title = _plain(document.title)[:300] or "untitled"
    document.keywords, document.body = _plain(document.keywords)[:8_000], _plain(document.body)[:LONGEST]
    document.version = getattr(row, "resource_version", 0)
    return document


def _incident(row: Incident) -> SearchDocument:
    reasons = list(
        Trait.objects.filter(incident=row, kind=Trait.Kind.REASON)
        .order_by("value")
        .values_list("value", flat=True)[:NAMES]
    )
    workloads = [str(one.get("name", "")) for one in row.workloads if isinstance(one, Mapping)]
    return SearchDocument(
        key=row.key,
        title=row.title,
        keywords=_joined([row.key, *row.services, *row.namespaces, *workloads, *row.labels, *reasons]),
        body=row.summary,
        url=row.get_absolute_url(),
        status=row.status,
        at=row.declared_at,
        reasons=reasons,
        **_place(row),
    )


def _postmortem(row: PostMortem) -> SearchDocument:
    incident = row.incident
    return SearchDocument(
        key=incident.key,
        # As readers have it; before the first publication, as it stands.
        title=row.published_title if row.is_published else row.title,
        keywords=_joined([incident.key, *incident.services, *incident.labels]),
        body=_text(row.published_body if row.is_published else row.body),
        url=row.get_absolute_url(),
        status=row.state,
        at=row.published_at or row.created_at,
        **_place(incident),
    )


def _lesson(row: Lesson) -> SearchDocument:
    signals = [str(one.get("value", "")) for one in row.signals if isinstance(one, Mapping)]
    return SearchDocument(
        lesson=row,
        key=row.key,
        title=row.statement,
        keywords=_joined([row.key, *row.tags, *row.services, *signals]),
        # Not the quote: whoever may read the lesson need not see the post-mortem that it was drawn from.
        body=_text(row.context),
        url=row.get_absolute_url(),
        status=row.state,
        at=row.created_at,
        services=row.services,
        reasons=[one["value"] for one in row.signals if one.get("kind") == "reason"][:NAMES],
    )


def _checklist(row: Checklist) -> SearchDocument:
    items = row.items.filter(removed_at=None).values_list("text", "why")
    return SearchDocument(
        title=row.name,
        keywords=row.get_kind_display(),
        body="\n".join([row.description, *(f"{text} {why}" for text, why in items)]),
        url=row.get_absolute_url(),
        at=row.updated_at,
    )


def _followup(row: FollowUp) -> SearchDocument:
    owner = row.owner.display_name if row.owner else ""
    return SearchDocument(
        key=row.key,
        title=row.title,
        keywords=_joined([row.key, row.incident.key, owner, *row.incident.services]),
        body=_text(row.description),
        url=row.get_absolute_url(),
        status=row.status,
        at=row.created_at,
        **_place(row.incident),
    )


def _timeline(row: TimelineEntry) -> SearchDocument:
    return SearchDocument(
        title=f"{row.incident.key} {row.title}",
        keywords=row.incident.key,
        body=row.text,
        url=f"{row.incident.get_absolute_url()}#tl-{row.pk}",
        at=row.occurred_at,
        **_place(row.incident),
    )


def _evidence(row: Evidence) -> SearchDocument:
    payload = row.payload if isinstance(row.payload, Mapping) else {}
    subject = row.subject if isinstance(row.subject, Mapping) else {}
    reason = str(payload.get("reason") or payload.get("alertname") or "")
    names = [row.key, reason, str(payload.get("signal", "")), *map(str, subject.values()), row.source_name]
    return SearchDocument(
        key=f"{row.incident.key} {row.key}",
        title=row.title,
        keywords=_joined(names),
        body=_joined([row.summary, str(payload.get("message", "")), *_log(payload), row.query[:2_000]]),
        url=f"{row.incident.get_absolute_url()}evidence/{row.number}/",
        at=row.first_at,
        reasons=[reason] if reason else [],
        **_place(row.incident),
    )


def _log(payload: Mapping[str, Any]) -> Iterable[str]:
    for name, key in (("patterns", "pattern"), ("lines", "text")):
        rows = payload.get(name)
        for one in rows[:LOG_LINES] if isinstance(rows, list) else []:
            if isinstance(one, Mapping):
                yield str(one.get(key, ""))[:600]


def _place(incident: Incident) -> dict[str, Any]:
    return {
        "incident": incident,
        "severity": incident.severity.name,
        "services": incident.services,
        "namespaces": incident.namespaces,
    }


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def _text(markdown: str) -> str:
    return _MARKUP.sub(" ", markdown[: 2 * LONGEST])


def _plain(text: str) -> str:
    return text.replace("\x00", "")


MAKERS: dict[type[Model], Callable[[Any], SearchDocument]] = {
    Incident: _incident,
    PostMortem: _postmortem,
    Lesson: _lesson,
    Checklist: _checklist,
    FollowUp: _followup,
    TimelineEntry: _timeline,
    Evidence: _evidence,
}
KINDS: dict[type[Model], str] = {
    Incident: Kind.INCIDENT,
    PostMortem: Kind.POSTMORTEM,
    Lesson: Kind.LESSON,
    Checklist: Kind.CHECKLIST,
    FollowUp: Kind.FOLLOWUP,
    TimelineEntry: Kind.TIMELINE,
    Evidence: Kind.EVIDENCE,
}
