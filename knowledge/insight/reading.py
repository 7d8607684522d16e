"""Reads what the page of insight shows, in a number of queries that does not grow with the incidents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from accounts.models import User
from incidents.durations import PAIRS, between
from incidents.models import AlertDeed, FollowUp, Incident, IncidentProposal, Milestone
from incidents.models.incident import DetectedBy
from knowledge.insight.numbers import Numbers, numbers
from knowledge.insight.period import Period, incidents_of
from knowledge.models import Lesson, LessonShowing, Trait

MOST = 20_000
GROUPS = 12
SIGNALS = 12
NAMED = 6
AGES = ((7, "up to a week"), (30, "up to a month"), (90, "up to three months"), (36_500, "older"))
TELLING = (Trait.Kind.SIGNAL, Trait.Kind.ALERT, Trait.Kind.NODE, Trait.Kind.LOG)


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as insight sees it; `took` has seconds for each of TTD, TTA, TTM, TTR."""

    pk: int
    number: int
    severity: str
    services: list[str]
    at: datetime
    detected_by: str
    took: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Recurring:
    """A signal of several incidents; `numbers` are those of the newest."""

    kind: str
    label: str
    count: int
    numbers: list[int]
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FollowUps:
    """`by_month`: (opened, done) in order of the period's months; `ages` are of those that are open now."""

    opened: int
    done: int
    done_in_time: int
    not_doing: int
    overdue: int
    oldest_overdue_days: int
    ages: list[tuple[str, int]]
    by_month: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LessonBack:
    lesson: Lesson
    shown: int
    helped: int
    ignored: int


def rows_of(period: Period, person: User, *, before: bool = False) -> list[Row]:
    found = incidents_of(period, person, before=before).order_by("-declared_at")
    names = ("pk", "number", "severity__name", "services", "declared_at", "detected_by")
    raw = list(found.values(*names)[:MOST])
    keys = [one["pk"] for one in raw]
    times: dict[int, dict[str, datetime]] = defaultdict(dict)
    for pk, kind, at in Milestone.objects.filter(incident__in=keys).values_list("incident_id", "kind", "at"):
        times[pk][kind] = at
    by_alert = _told_by_alerts(keys)
    return [
        Row(
            pk=one["pk"],
            number=one["number"],
            severity=one["severity__name"],
            services=one["services"],
            at=one["declared_at"],
            detected_by=one["detected_by"] or (DetectedBy.ALERT.value if one["pk"] in by_alert else ""),
            took=between(times[one["pk"]]),
        )
        for one in raw
    ]


def _told_by_alerts(keys: Sequence[int]) -> set[int]:
    """Incidents that an alert or a signal opened, whatever nobody wrote down."""
    opened = AlertDeed.objects.filter(incident__in=keys, outcome=AlertDeed.Outcome.OPENED)
    proposed = IncidentProposal.objects.filter(incident__in=keys, state=IncidentProposal.State.DECLARED)
    return {*opened.values_list("incident_id", flat=True), *proposed.values_list("incident_id", flat=True)}


def durations(rows: Iterable[Row]) -> dict[str, Numbers]:
    known = list(rows)
    return {name: numbers(row.took[name] for row in known) for name in PAIRS}


def by_severity(rows: Sequence[Row]) -> list[tuple[str, dict[str, Numbers]]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.severity].append(row)
    return [(name, durations(groups[name])) for name in sorted(groups)]


def by_service(rows: Sequence[Row]) -> list[tuple[str, int, dict[str, Numbers]]]:
    """(service, incidents, durations), those with the most incidents first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for service in row.services:
            groups[service].append(row)
    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))[:GROUPS]
    return [(name, len(groups[name]), durations(groups[name])) for name in largest]


def by_month(rows: Sequence[Row], period: Period) -> list[tuple[datetime, int, dict[str, Numbers]]]:
    groups: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.at.year, row.at.month].append(row)
    months = [(month, groups[month.year, month.month]) for month in period.months]
    return [(month, len(found), durations(found)) for month, found in months]


def detection(rows: Sequence[Row]) -> list[tuple[str, str, int]]:
    """(value, label, incidents), in the order of the choices; what nobody said comes last."""
    counted = Counter(row.detected_by for row in rows)
    known = [(value, label, counted[value]) for value, label in DetectedBy.choices if value]
    return [*known, ("", DetectedBy.UNSAID.label, counted[""])]


def recurring(rows: Sequence[Row]) -> list[Recurring]:
    """Signals, alerts, nodes and log patterns of at least two incidents, the most frequent first."""
    by_pk = {row.pk: row for row in rows}
    traits = Trait.objects.filter(incident__in=list(by_pk), kind__in=TELLING)
    often = traits.order_by().values("kind", "value").annotate(n=Count("pk")).filter(n__gte=2)
    chosen: list[Any] = list(often.order_by("-n", "kind", "value")[:SIGNALS])
    wanted = Q(pk__in=[])
    for one in chosen:
        wanted |= Q(kind=one["kind"], value=one["value"])
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    labels: dict[tuple[str, str], str] = {}
    for pk, kind, value, label in traits.filter(wanted).values_list("incident_id", "kind", "value", "label"):
        found[kind, value].append(by_pk[pk])
        labels[kind, value] = label
    return [_recurring(one, found[one["kind"], one["value"]], labels[one["kind"], one["value"]]) for one in chosen]


def _recurring(one: dict[str, Any], rows: list[Row], label: str) -> Recurring:
    newest = sorted(rows, key=lambda row: row.at, reverse=True)
    kind = Trait.Kind(one["kind"]).label
    return Recurring(kind, label, len(rows), [row.number for row in newest[:NAMED]], newest[0].at)


def followups(period: Period, person: User, now: datetime) -> FollowUps:
    """Of incidents that the reader may see, whatever their time: a follow-up outlives its incident."""
    rows = FollowUp.objects.filter(incident__in=Incident.objects.visible_to(person))
    if period.service:
        rows = rows.filter(incident__services__contains=[period.service])
    if period.severity:
        rows = rows.filter(incident__severity__name=period.severity)
    names = ("created_at", "ended_at", "due_at", "status")
    told = list(rows.values_list(*names).order_by("-created_at")[:MOST])
    opened = [created for created, *_ in told if created >= period.since]
    done = [(ended, due) for _, ended, due, status in told if status == "done" and ended and ended >= period.since]
    open_ = [(created, due) for created, _, due, status in told if status in {"open", "in_progress"}]
    late = [now - due for _, due in open_ if due < now]
    return FollowUps(
        opened=len(opened),
        done=len(done),
        done_in_time=sum(ended <= due for ended, due in done),
        not_doing=sum(status == "not_doing" and bool(ended and ended >= period.since) for _, ended, _, status in told),
        overdue=len(late),
        oldest_overdue_days=max((one.days for one in late), default=0),
        ages=_ages([now - created for created, _ in open_]),
        by_month=[
            (_in_month(opened, month), _in_month([ended for ended, _ in done], month)) for month in period.months
        ],
    )


def _ages(found: Sequence[timedelta]) -> list[tuple[str, int]]:
    counted, left = [], sorted(found)
    for days, label in AGES:
        inside = [age for age in left if age <= timedelta(days=days)]
        left = left[len(inside) :]
        counted.append((label, len(inside)))
    return counted


def _in_month(times: Iterable[datetime], month: datetime) -> int:
    return sum((at.year, at.month) == (month.year, month.month) for at in times)


def lessons_back(period: Period, person: User) -> list[LessonBack]:
    """Lessons that came back in incidents of the time, the most often first."""
    showings = LessonShowing.objects.filter(
        lesson__in=Lesson.objects.visible_to(person).values("pk"),
        incident__in=incidents_of(period, person),
    )
    counted = (
        showings.order_by()
        .values("lesson")
        .annotate(
            shown=Count("pk"),
            helped=Count("pk", filter=Q(answer="helped")),
            ignored=Count("pk", filter=Q(answer="ignored")),
        )
    )
    found = list(counted.order_by("-shown", "-lesson")[:GROUPS])
    lessons = Lesson.objects.in_bulk([one["lesson"] for one in found])
    return [LessonBack(lessons[one["lesson"]], one["shown"], one["helped"], one["ignored"]) for one in found]
