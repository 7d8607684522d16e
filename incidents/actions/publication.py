"""Publish a post-mortem: the text as it stands is fixed for readers, as one more version."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents import readiness, signals
from incidents.models import PostMortem, Publication
from incidents.writing.documents import current_text
from incidents.writing.revisions import keep_revision

NOTE_LIMIT = 300
State = PostMortem.State


@transaction.atomic
def publish_postmortem(
    *,
    postmortem: PostMortem,
    by: User,
    now: datetime,
    based_on: int | None = None,
    note: str = "",
    via: str = "page",
) -> PostMortem:
    """Fix the text as it stands, with all that open editors have sent, as the published version; `note` says what is new in it.

    Raises StaleWrite when `based_on` is no longer its version, InvalidInput naming what is missing and whose it is.
    """
    require_respond(by)
    current = current_text(postmortem.pk, now)
    if based_on is not None and based_on != current.resource_version:
        raise StaleWrite(current)
    note = _checked_note(note)
    if not current.body.strip():
        raise InvalidInput("body", "is empty; write something before publishing")
    last = current.publications.first()
    if last is not None and (last.title, last.body) == (current.title, current.body):
        return _back_to_published(current, last, by, now, via)
    if missing := readiness.lacking(current):
        raise InvalidInput(errors=missing)
    Publication.objects.create(
        postmortem=current,
        number=last.number + 1 if last else 1,
        title=current.title,
        body=current.body,
        note=note,
        published_at=now,
        published_by=by,
    )
    current.state, current.published_at, current.published_by = State.PUBLISHED, now, by
    current.published_title, current.published_body = current.title, current.body
    current.save()
    keep_revision(current, by, now, note="Published", always=True)
    detail = {"version": last.number + 1 if last else 1, "note": note}
    audit.record(at=now, actor=by, verb="postmortem.published", target=current.incident.key, via=via, detail=detail)
    signals.tell("postmortem_published", at=now, postmortem_id=current.pk)
    return current


def _back_to_published(current: PostMortem, last: Publication, by: User, now: datetime, via: str) -> PostMortem:
    """The text is again what readers have: no new version, the state alone goes back."""
    if current.state == State.PUBLISHED:
        raise InvalidInput("body", f"was not changed since version {last.number} was published")
    current.state = State.PUBLISHED
    current.save(update_fields=["state"])
    target = current.incident.key
    audit.record(at=now, actor=by, verb="postmortem.back_to_published", target=target, via=via)
    return current


def _checked_note(note: str) -> str:
    cleaned = " ".join(note.split())
    if len(cleaned) > NOTE_LIMIT:
        raise InvalidInput("note", f"has {len(cleaned):,} characters; expected at most {NOTE_LIMIT}")
    return cleaned
