"""What happens around a session: answers, who was there, feedback, follow-ups raised, its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import PermissionProblem, can_view, require_respond
from accounts.problems import InvalidInput
from incidents.actions.followup import create_followup
from incidents.models import FollowUp, Incident
from knowledge.models import Attendance, BrownBagSession, Feedback

FEEDBACK_LIMIT = 2_000


@transaction.atomic
def answer_invitation(*, session: BrownBagSession, answer: str, by: User, now: datetime) -> Attendance:
    """One's own answer; whoever reads may come."""
    _require_view(by)
    if answer not in Attendance.Answer.values:
        raise InvalidInput("answer", f"is {answer!r}; expected one of {', '.join(Attendance.Answer.values)}")
    row, _ = Attendance.objects.update_or_create(
        session=session, user=by, defaults={"answer": answer, "changed_at": now}
    )
    return row


@transaction.atomic
def mark_attendance(*, session: BrownBagSession, present: Iterable[User], by: User, now: datetime) -> int:
    """`present` were there, everybody else was not; how many were."""
    require_respond(by)
    there = {user.pk: user for user in present}
    Attendance.objects.filter(session=session, was_there=True).exclude(user__in=there).update(
        was_there=False, changed_at=now
    )
    for user in there.values():
        Attendance.objects.update_or_create(
            session=session,
            user=user,
            defaults={"was_there": True, "changed_at": now},
            create_defaults={"was_there": True, "changed_at": now},
        )
    return len(there)


@transaction.atomic
def give_feedback(*, session: BrownBagSession, useful: str, by: User, now: datetime, text: str = "") -> Feedback:
    """One for each person, theirs to change."""
    _require_view(by)
    if useful not in Feedback.Useful.values:
        raise InvalidInput("useful", f"is {useful!r}; expected one of {', '.join(Feedback.Useful.values)}")
    if len(text) > FEEDBACK_LIMIT:
        raise InvalidInput("text", f"has {len(text):,} characters; expected at most {FEEDBACK_LIMIT:,}")
    row, _ = Feedback.objects.update_or_create(
        session=session, user=by, defaults={"useful": useful, "text": text.strip(), "changed_at": now}
    )
    return row


@transaction.atomic
def raise_followup(*, session: BrownBagSession, incident: Incident, by: User, now: datetime, **fields: Any) -> FollowUp:
    """A follow-up of one of the session's incidents, remembered as raised in it."""
    require_respond(by)
    if not session.items.filter(postmortem__incident=incident).exists():
        raise InvalidInput("incident", f"{incident.key} is not on the agenda of this session")
    followup = create_followup(incident=incident, by=by, now=now, **fields)
    session.followups.add(followup)
    return followup


@transaction.atomic
def end_session(*, session: BrownBagSession, by: User, now: datetime, notes: str = "") -> BrownBagSession:
    """It stays a page with what was said; ended again, only the notes are new."""
    require_respond(by)
    session.notes = notes.strip()
    session.clean_fields(exclude=["host", "created_by"])
    session.ended_at = session.ended_at or now
    session.save()
    audit.record(at=now, actor=by, verb="brownbag.ended", target=session.title)
    return session


def _require_view(by: User) -> None:
    if not can_view(by):
        raise PermissionProblem("viewer")
