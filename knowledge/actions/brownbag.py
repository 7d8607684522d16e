"""Brown-bag sessions: an agenda of post-mortems and lessons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from knowledge.models import BrownBagItem, BrownBagSession

FIELDS = ("title", "held_at", "host", "audience", "introduction")


@transaction.atomic
def save_brownbag(
    *,
    by: User,
    session: BrownBagSession | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
    **fields: Any,
) -> BrownBagSession:
    """Create or change. `items` replace the agenda: {"postmortem" or "lesson", "minutes", "notes"} in order.

    What `by` may not see stays, at the end.
    """
    require_respond(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    session = session or BrownBagSession(created_by=by)
    for name, value in fields.items():
        setattr(session, name, value)
    session.title = " ".join(session.title.split())
    session.full_clean(exclude=["host", "created_by"])
    session.save()
    if items is not None:
        _set_agenda(session, items, by)
    return session


def _set_agenda(session: BrownBagSession, items: Sequence[Mapping[str, Any]], by: User) -> None:
    if len(items) > 50:
        raise InvalidInput("items", f"has {len(items)} entries; expected at most 50")
    for place, item in enumerate(items):
        if (item.get("postmortem") is None) == (item.get("lesson") is None):
            raise InvalidInput(f"items.{place}", "expected either a post-mortem or a lesson")
    visible = session.items.visible_to(by).values("pk")
    unseen = list(session.items.exclude(pk__in=visible))
    session.items.filter(pk__in=visible).delete()
    BrownBagItem.objects.bulk_create(
        BrownBagItem(
            session=session,
            position=place,
            postmortem=item.get("postmortem"),
            lesson=item.get("lesson"),
            minutes=int(item.get("minutes") or 10),
            notes=str(item.get("notes") or ""),
        )
        for place, item in enumerate(items)
    )
    for place, kept in enumerate(unseen, start=len(items)):
        kept.position = place
        kept.save(update_fields=["position"])


@transaction.atomic
def delete_brownbag(*, session: BrownBagSession, by: User, now: datetime, via: str = "page") -> None:
    require_respond(by)
    audit.record(at=now, actor=by, verb="brownbag.deleted", target=session.title, via=via)
    session.delete()
