"""Asking for a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.permissions import PermissionProblem, can_view
from accounts.problems import InvalidInput
from knowledge.exports.formats import FORMATS
from knowledge.exports.incident_lists import FILTERS
from knowledge.exports.problems import ExportProblem
from knowledge.exports.subjects import title_of
from knowledge.models import Export
from knowledge.tasks.exporting import enqueue_exports

# So many of one person wait at a time; a script that asks without end fills nobody's disk.
MOST_WAITING = 20


@transaction.atomic
def request_export(
    *, subject: str, ref: int, format: str, by: User, now: datetime, query: Mapping[str, str] | None = None
) -> Export:
    """A file for `by` alone, made by a worker. Asked twice while it is being made, it is the same.

    Raises InvalidInput where there is no such thing or format; whoever reads may ask.
    """
    if not can_view(by):
        raise PermissionProblem("viewer")
    if subject not in FORMATS:
        raise InvalidInput("subject", f"is {subject!r}; expected one of {', '.join(FORMATS)}")
    if format not in FORMATS[subject]:
        raise InvalidInput("format", f"is {format!r}; expected one of {', '.join(FORMATS[subject])}")
    try:
        title = title_of(subject, ref, by)
    except ExportProblem as problem:
        raise InvalidInput("ref", str(problem)) from None
    told = {name: str(value)[:200] for name, value in (query or {}).items() if name in FILTERS and value}
    told["zone"] = timezone.get_current_timezone_name()
    ref = 0 if subject == Export.Subject.INCIDENTS else ref
    mine = Export.objects.filter(person=by, state__in=[Export.State.QUEUED, Export.State.RUNNING])
    waiting = mine.filter(subject=subject, ref=ref, format=format, query=told).defer("data").first()
    if waiting is not None:
        return waiting
    if mine.count() >= MOST_WAITING:
        raise InvalidInput("", f"{MOST_WAITING} of your files are still being made; wait for one of them first.")
    export = Export.objects.create(
        subject=subject, ref=ref, format=format, query=told, title=title[:300], person=by, requested_at=now
    )
    transaction.on_commit(partial(enqueue_exports, [export.pk]))
    return export


@transaction.atomic
def delete_export(*, export: Export, by: User) -> None:
    """Only its person's own."""
    Export.objects.filter(pk=export.pk, person=by).delete()
