"""Lessons: written down, corrected, tied to the post-mortems they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Counter, Incident, PostMortem
from knowledge.models import Lesson
from knowledge.models.lesson import SIGNAL_KINDS

FIELDS = ("statement", "context", "tags", "services", "signals")
MOST_SIGNALS = 20


@transaction.atomic
def create_lesson(
    *,
    statement: str,
    by: User,
    context: str = "",
    tags: Sequence[str] = (),
    services: Sequence[str] = (),
    signals: Sequence[Mapping[str, str]] = (),
    postmortems: Sequence[PostMortem] = (),
) -> Lesson:
    """L-n. One sentence; the rest goes into the context."""
    require_respond(by)
    lesson = Lesson(
        number=0,
        statement=_statement(statement),
        context=context,
        tags=list(tags),
        services=list(services),
        signals=clean_signals(signals),
        created_by=by,
    )
    lesson.clean_fields(exclude=["number", "created_by"])
    lesson.number = Counter.take("L")
    lesson.save()
    lesson.postmortems.set(postmortems)
    return lesson


@transaction.atomic
def change_lesson(
    *, lesson: Lesson, by: User, postmortems: Sequence[PostMortem] | None = None, **fields: Any
) -> Lesson:
    """Any of FIELDS; `postmortems` replace those that `by` may see."""
    require_respond(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    if "statement" in fields:
        fields["statement"] = _statement(fields["statement"])
    if "signals" in fields:
        fields["signals"] = clean_signals(fields["signals"])
    for name, value in fields.items():
        setattr(lesson, name, value)
    lesson.clean_fields(exclude=["number", "created_by"])
    lesson.save()
    if postmortems is not None:
        unseen = lesson.postmortems.exclude(incident__in=Incident.objects.visible_to(by))
        lesson.postmortems.set([*postmortems, *unseen])
    return lesson


@transaction.atomic
def delete_lesson(*, lesson: Lesson, by: User, now: datetime, via: str = "page") -> None:
    require_respond(by)
    audit.record(at=now, actor=by, verb="lesson.deleted", target=str(lesson), via=via)
    lesson.delete()


def _statement(text: str) -> str:
    cleaned = " ".join(text.split())
    if not cleaned:
        raise InvalidInput("statement", "is empty; say in one sentence what was learned")
    if len(cleaned) > 300:
        raise InvalidInput("statement", f"has {len(cleaned):,} characters; expected one sentence of at most 300")
    return cleaned


def clean_signals(signals: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """`[{"kind", "value"}]` without repetition; kinds are those of SIGNAL_KINDS."""
    cleaned: list[dict[str, str]] = []
    for place, signal in enumerate(signals):
        kind, value = str(signal.get("kind", "")), " ".join(str(signal.get("value", "")).split())
        if kind not in SIGNAL_KINDS:
            raise InvalidInput(f"signals.{place}.kind", f"is {kind!r}; expected one of {', '.join(SIGNAL_KINDS)}")
        if not value or len(value) > 253:
            raise InvalidInput(f"signals.{place}.value", "expected a name of at most 253 characters, such as BackOff")
        if (one := {"kind": kind, "value": value}) not in cleaned:
            cleaned.append(one)
    if len(cleaned) > MOST_SIGNALS:
        raise InvalidInput("signals", f"has {len(cleaned)} entries; expected at most {MOST_SIGNALS}")
    return cleaned
