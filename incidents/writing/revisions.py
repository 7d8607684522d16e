"""Texts as they once were: kept when a text changes hands, when half an hour has passed, and at each publication."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import User
from incidents.models import Edit, PostMortem, Revision

EVERY = timedelta(minutes=30)
# Who write together change hands with each word; between them a revision is kept so often.
TOGETHER = timedelta(minutes=5)


def keep_revision(
    current: PostMortem,
    by: User | None,
    now: datetime,
    *,
    note: str = "",
    always: bool = False,
    together: bool = False,
) -> Revision | None:
    """The text before `by` changes it (or, with `always`, as `by` leaves it), where one is due."""
    last = current.revisions.first()
    if not always and last is not None:
        same_hand = current.edited_by_id == (by.pk if by else None)
        pause = EVERY if same_hand else TOGETHER if together else timedelta(0)
        if now - last.created_at < pause:
            return None
    revision = Revision.objects.create(
        postmortem=current,
        version=current.resource_version,
        title=current.title,
        body=current.body,
        author=by if always else current.edited_by,
        created_at=now,
        note=note,
    )
    edits = Edit.objects.filter(postmortem=current, version__lte=current.resource_version)
    if last is not None:
        edits = edits.filter(version__gt=last.version)
    revision.authors.set(edits.exclude(author=None).order_by().values_list("author", flat=True).distinct())
    return revision
