"""Bring an earlier text back. What stands now stays as a revision, so that this can be taken back too."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import PostMortem
from incidents.writing.documents import current_text, rewrite
from incidents.writing.revisions import keep_revision


@transaction.atomic
def restore_text(
    *, postmortem: PostMortem, title: str, body: str, called: str, by: User, now: datetime, via: str = "page"
) -> PostMortem:
    """`called` names the text that comes back, such as "Version 2". Open editors get it as an edit among theirs."""
    require_respond(by)
    current = current_text(postmortem.pk, now)
    if (current.title, current.body) == (title, body):
        raise InvalidInput("", "This is the text that stands already.")
    keep_revision(current, by, now, note=f"Before {called[:100]} was restored", always=True)
    restored = rewrite(postmortem_id=current.pk, title=title, body=body, by=by, via="restore", now=now)
    target = current.incident.key
    audit.record(at=now, actor=by, verb="postmortem.restored", target=target, via=via, detail={"text": called})
    return restored
