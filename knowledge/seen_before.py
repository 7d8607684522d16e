"""What the page of an incident says of those before it: why they are alike, what mended them, what came of them.

A fixed number of queries for all matches together, and nothing of what the reader may not see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import User
from incidents.durations import spoken
from incidents.models import Evidence, FollowUp, Incident, TimelineEntry
from incidents.models.timeline import EntrySource
from knowledge.matching import ATTEMPTS
from knowledge.models import ChecklistRun, Lesson, LessonShowing, Match
from knowledge.weighing import is_likely
from telemetry.observations import EvidenceType

SHOWN = 5
REASONS = 4
NOTES_READ = 400
SETTLED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done before it was over; `evidence` is the number of an E-n, 0 where a person's note tells it."""

    text: str
    evidence: int = 0


@dataclass(slots=True)
class Seen:
    """One earlier incident; `reasons` as in Match."""

    match: Match
    earlier: Incident
    is_likely: bool
    reasons: list[dict[str, object]]
    took: str = ""
    mended: list[Mended] = field(default_factory=list)
    followups: list[FollowUp] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    checklists: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SeenBefore:
    seen: list[Seen]
    refused: list[Seen]
    lessons: list[LessonShowing]
    waiting: bool
    failed: bool


def seen_before(incident: Incident, person: User) -> SeenBefore:
    rows = Match.objects.filter(incident=incident).visible_to(person).select_related("earlier__severity", "decided_by")
    rows = rows.prefetch_related("earlier__milestones").order_by("-is_same", "-score", "-earlier__number")
    found = [_seen(row) for row in rows]
    shown = [one for one in found if one.match.verdict != Match.Verdict.NOT_THIS][:SHOWN]
    _add_what_came(shown, person)
    lessons = LessonShowing.objects.filter(incident=incident, lesson__in=Lesson.objects.visible_to(person))
    request = getattr(incident, "match_request", None)
    return SeenBefore(
        seen=shown,
        refused=[one for one in found if one.match.verdict == Match.Verdict.NOT_THIS],
        lessons=list(lessons.exclude(lesson__state=Lesson.State.RETIRED).select_related("lesson", "by")),
        waiting=request is not None and request.done_at is None and request.attempts < ATTEMPTS,
        failed=request is not None and request.attempts >= ATTEMPTS,
    )


def _seen(row: Match) -> Seen:
    likely = row.verdict != Match.Verdict.NOT_THIS and is_likely(row.score, row.reasons)
    times = row.earlier.milestone_times()
    end, start = times.get("mitigated") or times.get("resolved"), row.earlier.band()[0]
    took = spoken((end - start).total_seconds()) if end and end > start else ""
    return Seen(row, row.earlier, likely, row.reasons[:REASONS], took)


def _add_what_came(shown: Sequence[Seen], person: User) -> None:
    by_pk = {one.earlier.pk: one for one in shown}
    for followup in FollowUp.objects.filter(incident__in=by_pk).unfinished().select_related("owner"):
        by_pk[followup.incident_id].followups.append(followup)
    lessons = Lesson.objects.visible_to(person).valid().filter(postmortems__incident__in=by_pk)
    for lesson in lessons.prefetch_related("postmortems"):
        for postmortem in lesson.postmortems.all():
            if postmortem.incident_id in by_pk:
                by_pk[postmortem.incident_id].lessons.append(lesson)
    runs = ChecklistRun.objects.filter(incident__in=by_pk).order_by("checklist__name")
    for pk, name in runs.values_list("incident_id", "checklist__name").distinct():
        by_pk[pk].checklists.append(name)
    _add_what_mended(by_pk)


def _add_what_mended(by_pk: dict[int, Seen]) -> None:
    changes: dict[int, list[tuple[datetime, Mended]]] = defaultdict(list)
    rollouts = Evidence.objects.filter(
        incident__in=by_pk, type=EvidenceType.STATE_CHANGE, payload__change="rollout"
    ).order_by("first_at")
    for pk, at, title, number in rollouts.values_list("incident_id", "first_at", "title", "number")[:NOTES_READ]:
        changes[pk].append((at, Mended(title, number)))
    notes: dict[int, list[tuple[datetime, bool, str]]] = defaultdict(list)
    told = TimelineEntry.objects.filter(
        incident__in=by_pk, source__in=[EntrySource.NOTE, EntrySource.CHAT], hidden=False
    ).exclude(detail__has_key="change")
    for pk, at, pinned, text in told.order_by("-pinned", "occurred_at").values_list(
        "incident_id", "occurred_at", "pinned", "text"
    )[:NOTES_READ]:
        notes[pk].append((at, pinned, text))
    for pk, one in by_pk.items():
        one.mended = _mended(one.earlier, changes[pk], notes[pk])


def _mended(
    earlier: Incident, changes: Sequence[tuple[datetime, Mended]], notes: Sequence[tuple[datetime, bool, str]]
) -> list[Mended]:
    """The last change before it was over, and what people marked, or said last, before that."""
    times = earlier.milestone_times()
    end = times.get("mitigated") or times.get("resolved")
    if end is None:
        return []
    began = earlier.band()[0]
    found = [change for at, change in changes if began < at <= end][-1:]
    before = sorted((at, pinned, text) for at, pinned, text in notes if began <= at <= end + SETTLED)
    said = [text for _, pinned, text in before if pinned][-1:] or [text for _, _, text in before][-1:]
    return [*found, *(Mended(" ".join(text.split())[:240]) for text in said)]
