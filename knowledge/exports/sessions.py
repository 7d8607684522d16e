"""The document of a brown-bag session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from accounts.models import User
from knowledge.exports.chapters import (
    absolute,
    lesson_chapter,
    line,
    markdown_blocks,
    own_chapter,
    postmortem_chapter,
    said_at,
)
from knowledge.exports.document import Chapter, Document, Fact
from knowledge.models import BrownBagItem, BrownBagSession


def session_document(
    session: BrownBagSession, items: Sequence[BrownBagItem], *, person: User, left_out: int = 0
) -> Document:
    """`items` are those that `person` may see, `left_out` how many they may not."""
    chapters = tuple(_chapter(item, place, person) for place, item in enumerate(items))
    return Document(
        kind="Brown-bag session",
        title=line(session.title),
        at=content_time(session, items),
        subtitle=line(session.audience) and f"For {line(session.audience)}",
        facts=_facts(session, items),
        introduction=markdown_blocks(session.introduction, "intro-"),
        chapters=chapters,
        left_out=left_out,
        restricted=any(item.postmortem.incident.is_restricted for item in items if item.postmortem),
        address=absolute(session.get_absolute_url()),
    )


def content_time(session: BrownBagSession, items: Sequence[BrownBagItem]) -> datetime:
    """When what goes in was last changed: the date that files carry, so that the same content gives the same file."""
    times = [session.updated_at]
    times += [item.postmortem.updated_at for item in items if item.postmortem]
    times += [item.lesson.updated_at for item in items if item.lesson]
    return max(times).replace(microsecond=0)


def _chapter(item: BrownBagItem, place: int, person: User) -> Chapter:
    if item.postmortem is not None:
        return postmortem_chapter(item.postmortem, person, prefix=f"c{place}-", item=item)
    if item.lesson is not None:
        return lesson_chapter(item.lesson, prefix=f"c{place}-", item=item)
    return own_chapter(item)


def _facts(session: BrownBagSession, items: Sequence[BrownBagItem]) -> tuple[Fact, ...]:
    zone = timezone.get_current_timezone_name()
    told = [
        Fact("When", f"{said_at(session.held_at)} {zone}" if session.held_at else ""),
        Fact("Where", line(session.place)),
        Fact("Host", line(session.host.display_name) if session.host else ""),
        Fact("Length", f"{sum(item.minutes for item in items)} of {session.minutes} min"),
    ]
    return tuple(fact for fact in told if fact.value)
