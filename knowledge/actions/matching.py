"""What people say of an incident that was seen before."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.incident import set_recurrence
from incidents.models import Incident
from knowledge.models import LessonShowing, Match

Verdict = Match.Verdict


@transaction.atomic
def decide_match(*, match: Match, verdict: str, by: User, now: datetime, via: str = "page") -> Match:
    """`same_cause` makes the incident a recurrence of the earlier one, `not_this` is remembered, "" takes it back."""
    require_respond(by)
    if verdict not in Verdict.values:
        expected = ", ".join(value or "nothing" for value in Verdict.values)
        raise InvalidInput("verdict", f"is {verdict!r}; expected one of {expected}")
    # In the order of the matcher: the incident, then its pairs.
    Incident.objects.select_for_update(no_key=True).get(pk=match.incident_id)
    match = Match.objects.select_for_update(of=("self",)).select_related("incident", "earlier").get(pk=match.pk)
    if not Incident.objects.visible_to(by).filter(pk=match.earlier_id).exists():
        raise InvalidInput("earlier", "expected an incident that you may see")
    if match.verdict == verdict:
        return match
    was_same = match.verdict == Verdict.SAME_CAUSE
    match.verdict = verdict
    match.decided_by, match.decided_at = (by, now) if verdict else (None, None)
    match.save()
    if verdict == Verdict.SAME_CAUSE:
        others = Match.objects.filter(incident=match.incident, verdict=Verdict.SAME_CAUSE).exclude(pk=match.pk)
        others.update(verdict=Verdict.NONE, decided_by=None, decided_at=None, updated_at=now)
        set_recurrence(incident=match.incident, of=match.earlier, by=by, now=now, via=via)
    elif was_same and match.incident.recurrence_of_id == match.earlier_id:
        set_recurrence(incident=match.incident, of=None, by=by, now=now, via=via)
    return match


@transaction.atomic
def answer_lesson(*, showing: LessonShowing, answer: str, by: User, now: datetime) -> LessonShowing:
    """Whether a lesson that came back helped; "" takes the answer back."""
    require_respond(by)
    if answer not in LessonShowing.Answer.values:
        raise InvalidInput("answer", f"is {answer!r}; expected helped, ignored or nothing")
    showing = LessonShowing.objects.select_for_update(of=("self",)).get(pk=showing.pk)
    showing.answer = answer
    showing.by, showing.at = (by, now) if answer else (None, None)
    showing.save()
    return showing
