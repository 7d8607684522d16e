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
from knowledge.models import Lesson, LessonVerdict
from knowledge.models.lesson import SIGNAL_KINDS

FIELDS = ("statement", "context", "tags", "services", "signals", "quote", "quoted_from")
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
    quote: str = "",
    quoted_from: PostMortem | None = None,
) -> Lesson:
    """L-n. One sentence; the rest goes into the context. `quote` is the passage of `quoted_from` it was drawn from."""
    require_respond(by)
    lesson = Lesson(
        number=0,
        statement=_statement(statement),
        context=context,
        tags=list(tags),
        services=list(services),
        signals=clean_signals(signals),
        quote=quote.strip(),
        quoted_from=quoted_from,
        created_by=by,
    )
    lesson.clean_fields(exclude=["number", "created_by"])
    lesson.number = Counter.take("L")
    lesson.save()
    lesson.postmortems.set({*postmortems, *([quoted_from] if quoted_from else [])})
    return lesson


@transaction.atomic
def decide_lesson(
    *, lesson: Lesson, state: str, by: User, now: datetime, reason: str = "", via: str = "page"
) -> Lesson:
    """Confirmed, disputed or retired (both with a reason), or written as at first; each verdict stays on record."""
    require_respond(by)
    if state not in Lesson.State.values:
        raise InvalidInput("state", f"is {state!r}; expected one of {', '.join(Lesson.State.values)}")
    reason = reason.strip()
    if state in {Lesson.State.DISPUTED, Lesson.State.RETIRED} and not reason:
        raise InvalidInput("reason", "say why; whoever reads the lesson next will ask")
    if len(reason) > 2_000:
        raise InvalidInput("reason", f"has {len(reason):,} characters; expected at most 2,000")
    lesson = Lesson.objects.select_for_update().get(pk=lesson.pk)
    if lesson.state == state and not reason:
        return lesson
    lesson.state = state
    lesson.save()
    LessonVerdict.objects.create(lesson=lesson, state=state, reason=reason, by=by, at=now)
    audit.record(at=now, actor=by, verb=f"lesson.{state}", target=str(lesson), via=via, detail={"reason": reason})
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
