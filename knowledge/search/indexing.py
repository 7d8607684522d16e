"""Keeps what search reads up to date: at once for what one person saves, by a sweep for what is written in bulk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from incidents.models import Evidence, FollowUp, Incident, PostMortem, TimelineEntry
from incidents.models.timeline import EntrySource
from knowledge.models import Checklist, Lesson, SearchCursor, SearchDocument, SearchWord
from knowledge.search.documents import KINDS, document_of

BATCH = 500
SWEEP_SECONDS = 20.0
# A row may be committed after one with a later time; what is so young is read again.
OVERLAP = timedelta(seconds=30)
START = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = [
    *["incident", "lesson", "key", "title", "keywords", "body", "url", "severity", "status"],
    *["services", "namespaces", "reasons", "at", "version"],
]
_WORD = re.compile(r"[a-z][a-z-]{3,40}")
Kind = SearchDocument.Kind


def index(rows: Iterable[Model]) -> int:
    """Adds or replaces what search keeps of these rows, all of one kind."""
    found = [row for row in rows if not is_hidden(row)]
    documents = [document_of(row) for row in found]
    SearchDocument.objects.bulk_create(
        documents, batch_size=BATCH, update_conflicts=True, unique_fields=["kind", "ref"], update_fields=FIELDS
    )
    learn_words(documents)
    return len(documents)


def follow(incident: Incident) -> None:
    """What belongs to an incident is found by the severity and the services that it has now."""
    now = {"severity": incident.severity.name, "services": incident.services, "namespaces": incident.namespaces}
    SearchDocument.objects.filter(incident=incident).exclude(**now).update(**now)


def is_hidden(row: Model) -> bool:
    return isinstance(row, TimelineEntry) and (row.hidden or row.source not in SEARCHED)


def forget(row: Model) -> None:
    SearchDocument.objects.filter(kind=KINDS[type(row)], ref=row.pk).delete()


def learn_words(documents: Iterable[SearchDocument]) -> None:
    """Words of titles and names, for help with typing errors."""
    found: set[str] = set()
    for one in documents:
        found.update(_WORD.findall(f"{one.title} {one.keywords}".lower()))
    rows = [SearchWord(word=word) for word in sorted(found)]
    SearchWord.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


SEARCHED = (EntrySource.NOTE, EntrySource.CHAT)
# (kind, rows with what a document needs of others, the time by which changes are found)
SWEPT: tuple[tuple[str, Any, str], ...] = (
    (Kind.INCIDENT, lambda: Incident.objects.select_related("severity"), "updated_at"),
    (Kind.POSTMORTEM, lambda: PostMortem.objects.select_related("incident__severity"), "updated_at"),
    (Kind.LESSON, lambda: Lesson.objects.all(), "updated_at"),
    (Kind.CHECKLIST, lambda: Checklist.objects.all(), "updated_at"),
    (Kind.FOLLOWUP, lambda: FollowUp.objects.select_related("incident__severity", "owner"), "updated_at"),
    (
        Kind.TIMELINE,
        lambda: TimelineEntry.objects.filter(source__in=SEARCHED).select_related("incident__severity"),
        "updated_at",
    ),
    (Kind.EVIDENCE, lambda: Evidence.objects.select_related("incident__severity"), "observed_at"),
)


def sweep(now: datetime) -> int:
    """Brings in what changed since the last sweep, for at most SWEEP_SECONDS; goes on there with the next."""
    started, done = monotonic(), 0
    for kind, rows, name in SWEPT:
        is_first = True
        while monotonic() - started < SWEEP_SECONDS:
            count = _batch(kind, rows(), name, now, is_first=is_first)
            done += count
            is_first = False
            if count < BATCH:
                break
    return done


@transaction.atomic
def _batch(kind: str, rows: QuerySet[Any], name: str, now: datetime, *, is_first: bool) -> int:
    cursor, _ = SearchCursor.objects.get_or_create(kind=kind, defaults={"at": START})
    locked = SearchCursor.objects.select_for_update(skip_locked=True).filter(pk=cursor.pk).first()
    if locked is None:
        return 0
    found = list(rows.filter(_after(locked, name, now, is_first=is_first)).order_by(name, "pk")[:BATCH])
    if not found:
        return 0
    index(_free(kind, found))
    if gone := [row.pk for row in found if is_hidden(row)]:
        SearchDocument.objects.filter(kind=kind, ref__in=gone).delete()
    reached = getattr(found[-1], name), found[-1].pk
    if reached > (locked.at, locked.ref):
        locked.at, locked.ref = reached
        locked.save()
    return len(found)


def _after(cursor: SearchCursor, name: str, now: datetime, *, is_first: bool) -> Q:
    """Behind the cursor; each sweep begins a little before it, while something may still be committed there."""
    if is_first and cursor.at > now - 2 * OVERLAP:
        return Q(**{f"{name}__gte": cursor.at - OVERLAP})
    return Q(**{f"{name}__gt": cursor.at}) | Q(**{name: cursor.at, "pk__gt": cursor.ref})


def _free(kind: str, rows: list[Any]) -> list[Any]:
    """Without those that somebody is saving just now: they bring their own, and nobody waits for the other."""
    documents = SearchDocument.objects.filter(kind=kind, ref__in=[row.pk for row in rows])
    known = set(documents.values_list("ref", flat=True))
    held = known - set(documents.select_for_update(skip_locked=True).values_list("ref", flat=True))
    return [row for row in rows if row.pk not in held]
