"""Brown-bag sessions and their agenda."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.moments import check_moment
from knowledge.models import BrownBagItem, BrownBagSession

FIELDS = ("title", "held_at", "minutes", "place", "host", "audience", "introduction", "notes")
INVITED = ("title", "held_at", "minutes", "place", "host", "introduction")
MOST_ITEMS = 50
LONGEST = 600


@transaction.atomic
def save_brownbag(
    *,
    by: User,
    session: BrownBagSession | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
    **fields: Any,
) -> BrownBagSession:
    """Create or change. `items` replace the agenda, in order: {"postmortem", "lesson" or "title", "minutes", "notes",
    "questions"}. What `by` may not see stays, at the end. A change that the invitation tells of raises its sequence.
    """
    require_respond(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    session = session or BrownBagSession(created_by=by)
    told = {name: getattr(session, name) for name in INVITED}
    for name, value in fields.items():
        setattr(session, name, value)
    session.title = " ".join(session.title.split())
    if session.pk and any(getattr(session, name) != value for name, value in told.items()):
        session.calendar_sequence += 1
    check_moment("held_at", session.held_at)
    session.full_clean(exclude=["host", "created_by", "followups"])
    if not 1 <= session.minutes <= LONGEST:
        raise InvalidInput("minutes", f"is {session.minutes}; expected 1 to {LONGEST}")
    session.save()
    if items is not None:
        _set_agenda(session, items, by)
    return session


def _set_agenda(session: BrownBagSession, items: Sequence[Mapping[str, Any]], by: User) -> None:
    if len(items) > MOST_ITEMS:
        raise InvalidInput("items", f"has {len(items)} entries; expected at most {MOST_ITEMS}")
    rows = [_item(session, place, item) for place, item in enumerate(items)]
    visible = session.items.visible_to(by).values("pk")
    unseen = list(session.items.exclude(pk__in=visible))
    session.items.filter(pk__in=visible).delete()
    BrownBagItem.objects.bulk_create(rows)
    for place, kept in enumerate(unseen, start=len(items)):
        kept.position = place
        kept.save(update_fields=["position"])


def _item(session: BrownBagSession, place: int, item: Mapping[str, Any]) -> BrownBagItem:
    title = " ".join(str(item.get("title") or "").split())
    if sum((item.get("postmortem") is not None, item.get("lesson") is not None, bool(title))) != 1:
        raise InvalidInput(f"items.{place}", "expected one of a post-mortem, a lesson, or a title of its own")
    minutes = int(item.get("minutes") or 10)
    lengths = {"title": (title, 200), "notes": (str(item.get("notes") or ""), 5_000)}
    lengths["questions"] = (str(item.get("questions") or ""), 2_000)
    for name, (text, most) in lengths.items():
        if len(text) > most:
            raise InvalidInput(f"items.{place}.{name}", f"has {len(text):,} characters; expected at most {most:,}")
    if not 1 <= minutes <= LONGEST:
        raise InvalidInput(f"items.{place}.minutes", f"is {minutes}; expected 1 to {LONGEST}")
    return BrownBagItem(
        session=session,
        position=place,
        postmortem=item.get("postmortem"),
        lesson=item.get("lesson"),
        title=title,
        minutes=minutes,
        notes=lengths["notes"][0],
        questions=lengths["questions"][0],
    )


@transaction.atomic
def delete_brownbag(*, session: BrownBagSession, by: User, now: datetime, via: str = "page") -> None:
    require_respond(by)
    audit.record(at=now, actor=by, verb="brownbag.deleted", target=session.title, via=via)
    session.delete()
