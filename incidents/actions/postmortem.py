"""Open and write a post-mortem. Writing together in real time will enter through `save_postmortem`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents.drafting import draft
from incidents.models import Incident, PostMortem, PostMortemTemplate, Revision
from incidents.models.incident import TITLE_LIMIT
from incidents.models.postmortem import BODY_LIMIT
from incidents.moments import check_moment

REVISION_EVERY = timedelta(minutes=30)
State = PostMortem.State


@transaction.atomic
def open_postmortem(
    *, incident: Incident, now: datetime, by: User | None = None, template: PostMortemTemplate | None = None
) -> PostMortem:
    """The incident's post-mortem, drafted from what is known; the existing one if there is one."""
    if by is not None:
        require_respond(by)
    Incident.objects.select_for_update().get(pk=incident.pk)
    existing = PostMortem.objects.filter(incident=incident).first()
    if existing is not None:
        return existing
    template = template or PostMortemTemplate.objects.filter(is_default=True).first()
    resolved_at = incident.milestone_times().get("resolved")
    postmortem = PostMortem.objects.create(
        incident=incident,
        template=template,
        title=incident.title,
        due_at=incident.severity.postmortem_due(resolved_at or now),
    )
    draft(postmortem.pk, now)
    postmortem.refresh_from_db()
    return postmortem


def open_postmortem_where_needed(*, incident: Incident, now: datetime) -> None:
    if incident.severity.needs_postmortem:
        postmortem = open_postmortem(incident=incident, now=now)
        resolved_at = incident.milestone_times().get("resolved")
        if postmortem.state == State.DRAFT and resolved_at is not None:
            postmortem.due_at = incident.severity.postmortem_due(resolved_at)
            postmortem.save(update_fields=["due_at"])


@transaction.atomic
def save_postmortem(
    *,
    postmortem: PostMortem,
    based_on: int | None,
    title: str,
    body: str,
    by: User,
    now: datetime,
    due_at: datetime | None = None,
) -> PostMortem:
    """Store a text. Raises StaleWrite with the current row when `based_on` is not its version; None writes anyway."""
    require_respond(by)
    check_moment("due_at", due_at)
    title = _checked_title(title)
    if len(body) > BODY_LIMIT:
        raise InvalidInput("body", f"has {len(body):,} characters; expected at most {BODY_LIMIT:,}")
    current = (
        PostMortem.objects.select_for_update(of=("self",)).select_related("incident", "edited_by").get(pk=postmortem.pk)
    )
    if based_on is not None and based_on != current.resource_version and not _only_drafted_since(current, based_on):
        raise StaleWrite(current)
    same = (current.title, current.body) == (title, body.replace("\r\n", "\n"))
    if same and due_at is None:
        return current
    if not same:
        keep_revision(current, by, now)
    current.title, current.body, current.edited_by = title, body.replace("\r\n", "\n"), by
    current.due_at = due_at or current.due_at
    if current.state == State.PUBLISHED and not same:
        current.state = State.REOPENED
    current.save()
    return current


def _only_drafted_since(current: PostMortem, based_on: int) -> bool:
    """Nobody has written yet: the person's text wins over a draft that followed the evidence, which stays a revision."""
    return current.edited_by_id is None and 0 < based_on < current.resource_version


def keep_revision(current: PostMortem, by: User, now: datetime, *, note: str = "", always: bool = False) -> None:
    """The text before it changes hands, or after half an hour, so that nothing is ever lost."""
    last = current.revisions.first()
    if not always and last is not None and current.edited_by_id == by.pk and now - last.created_at < REVISION_EVERY:
        return
    Revision.objects.create(
        postmortem=current,
        version=current.resource_version,
        title=current.title,
        body=current.body,
        author=by if always else current.edited_by,
        created_at=now,
        note=note,
    )


def _checked_title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned:
        raise InvalidInput("title", "is empty; say in a few words what happened")
    if len(cleaned) > TITLE_LIMIT:
        raise InvalidInput("title", f"has {len(cleaned):,} characters; expected at most {TITLE_LIMIT}")
    return cleaned
