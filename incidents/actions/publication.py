"""Publish a post-mortem: the text as it stands is fixed for readers."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents import signals
from incidents.actions.postmortem import keep_revision
from incidents.models import PostMortem

State = PostMortem.State


@transaction.atomic
def publish_postmortem(
    *, postmortem: PostMortem, by: User, now: datetime, based_on: int | None = None, via: str = "page"
) -> PostMortem:
    """Fix the text as it stands as the published version."""
    require_respond(by)
    current = PostMortem.objects.select_for_update(of=("self",)).select_related("incident").get(pk=postmortem.pk)
    if based_on is not None and based_on != current.resource_version:
        raise StaleWrite(current)
    if not current.body.strip():
        raise InvalidInput("body", "is empty; write something before publishing")
    current.state, current.published_at, current.published_by = State.PUBLISHED, now, by
    current.published_title, current.published_body = current.title, current.body
    current.save()
    keep_revision(current, by, now, note="Published", always=True)
    audit.record(at=now, actor=by, verb="postmortem.published", target=current.incident.key, via=via)
    transaction.on_commit(partial(signals.postmortem_published.send, PostMortem, postmortem_id=current.pk, at=now))
    return current
