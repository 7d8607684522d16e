"""What the incident page reads: a fixed number of queries, however much there is."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from incidents.durations import PAIRS, between, spoken
from incidents.models import CollectionRun, Evidence, Incident, IncidentMerge, TimelineEntry
from incidents.models.evidence import EvidenceQuerySet, RunState
from incidents.models.incident import MilestoneKind
from incidents.models.timeline import EntrySource
from telemetry.coverage import Coverage, Gap, joined
from telemetry.observations import EvidenceType, Level

LINES = 40
ITEMS = 4
GLANCE_LIMIT = 3_000
NAMED = 4
FIRST_NAMED = {"events", "pods", "nodes"}


@dataclass(frozen=True, slots=True)
class Step:
    kind: str
    label: str
    at: datetime | None
    gap: str
    tone: str


@dataclass(frozen=True, slots=True)
class Track:
    """The milestones in order, and the four durations with their full names."""

    steps: list[Step]
    stats: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The latest run of each question, what needs a person first."""

    unfinished: list[CollectionRun]
    failed: list[CollectionRun]
    in_part: list[CollectionRun]
    good: list[CollectionRun]
    asked: int

    @property
    def failures(self) -> list[list[CollectionRun]]:
        """Questions to one source that failed for one reason stand together."""
        groups: dict[tuple[str, str, str], list[CollectionRun]] = defaultdict(list)
        for run in self.failed:
            groups[run.source_name, run.status, run.reason].append(run)
        return list(groups.values())

    @property
    def done(self) -> int:
        return self.asked - len(self.unfinished)

    @property
    def empty(self) -> int:
        return sum(run.status == "empty" for run in self.good)

    @property
    def complete(self) -> int:
        return len(self.good) - self.empty


@dataclass(frozen=True, slots=True)
class RecordGap:
    """A time in which the recorder of `source` may have missed something of `what`; `reason` in words."""

    start: datetime
    end: datetime
    source: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class TimelinePage:
    lines: list[TimelineEntry]
    gaps: list[RecordGap]
    next: str
    total: int
    shown_of: int
    hidden: int
    sources: list[tuple[str, str, int, bool]]
    pinned_only: bool
    with_hidden: bool
    query: str


@dataclass(frozen=True, slots=True)
class EvidencePanel:
    items: list[Evidence]
    total: int
    types: list[tuple[str, str, int, bool]]
    next: str
    query: str


def milestone_track(incident: Incident) -> Track:
    times = incident.milestone_times()
    known = sorted((at, MilestoneKind(kind)) for kind, at in times.items())
    steps = []
    for place, (at, kind) in enumerate(known):
        following = known[place + 1][0] if place + 1 < len(known) else None
        gap = spoken((following - at).total_seconds()) if following else ""
        good = kind in {MilestoneKind.MITIGATED, MilestoneKind.RESOLVED, MilestoneKind.CLOSED}
        tone = "is-ok" if good else "is-bad" if kind == MilestoneKind.IMPACT_STARTED else "is-hot"
        steps.append(Step(kind.value, kind.label, at, gap, tone))
    steps += [Step(kind.value, kind.label, None, "", "is-todo") for kind in MilestoneKind if kind.value not in times]
    took = between(times)
    stats = [
        (name, full, spoken(took[name] or 0) if took[name] is not None else "") for name, (_, _, full) in PAIRS.items()
    ]
    return Track(steps, stats)


def latest_runs(incident: Incident) -> QuerySet[CollectionRun]:
    """The newest run of each question to each source."""
    rows = CollectionRun.objects.filter(incident=incident)
    return rows.order_by("source_name", "query_name", "-id").distinct("source_name", "query_name")


def outcomes(incident: Incident) -> Outcomes:
    runs = list(latest_runs(incident))
    done = [run for run in runs if run.state == RunState.DONE]
    return Outcomes(
        unfinished=[run for run in runs if run.state != RunState.DONE],
        failed=[run for run in done if run.is_failed],
        in_part=[run for run in done if run.is_in_part],
        good=[run for run in done if run.is_good],
        asked=len(runs),
    )


def record_gaps(incident: Incident) -> list[RecordGap]:
    """By time, as the newest run of each question told them: one query."""
    by_source: dict[str, list[Gap]] = defaultdict(list)
    for source, coverage in latest_runs(incident).values_list("source_name", "coverage"):
        by_source[source] += Coverage.of_json(coverage).gaps
    found = [
        RecordGap(gap.start, gap.end, source, _few(gap.resources), gap.reason)
        for source, gaps in by_source.items()
        for gap in joined(gaps)
    ]
    return sorted(found, key=lambda gap: (gap.start, gap.source))


def _few(names: tuple[str, ...]) -> str:
    """What people miss first comes first; a recorder that was away misses all of them."""
    ordered = sorted(names, key=lambda name: (name not in FIRST_NAMED, name))
    left = len(ordered) - NAMED
    return ", ".join(ordered[:NAMED]) + (f" and {left} more" if left > 0 else "")


def timeline_page(incident: Incident, wanted: QueryDict, *, size: int = LINES) -> TimelinePage:
    """`?source=event&source=log&pinned=1&hidden=1&find=text&after=TIME,ID`; filters stay in the address."""
    rows = incident.timeline.all()
    counted = rows.values("source").annotate(n=Count("pk"), hidden_n=Count("pk", filter=Q(hidden=True)))
    tally = {row["source"]: (row["n"], row["hidden_n"]) for row in counted}
    chosen = [name for name in wanted.getlist("source") if name in EntrySource.values]
    pinned_only, with_hidden = wanted.get("pinned") == "1", wanted.get("hidden") == "1"
    find = wanted.get("find", "").strip()[:100]
    shown = rows if with_hidden else rows.filter(hidden=False)
    if chosen:
        shown = shown.filter(Q(source__in=chosen) | Q(source=EntrySource.MILESTONE))
    if pinned_only:
        shown = shown.filter(Q(pinned=True) | Q(source=EntrySource.MILESTONE))
    if find:
        shown = shown.filter(Q(title__icontains=find) | Q(text__icontains=find) | Q(subject__icontains=find))
    if (after := _cursor(wanted.get("after", ""))) is not None:
        at, pk = after
        shown = shown.filter(Q(occurred_at__gt=at) | Q(occurred_at=at, pk__gt=pk))
    lines = list(shown.for_page().in_order()[: size + 1])
    more, lines = len(lines) > size, lines[:size]
    query = wanted.copy()
    query.pop("after", None)
    address = query.urlencode()
    if more:
        query["after"] = f"{lines[-1].occurred_at.astimezone(UTC).isoformat()},{lines[-1].pk}"
    total = sum(n for n, _ in tally.values())
    hidden = sum(n for _, n in tally.values())
    sources = [
        (name, label, tally[name][0], name in chosen)
        for name, label in EntrySource.choices
        if name in tally and name != "milestone"
    ]
    narrowed = find or pinned_only or (chosen and EntrySource.EVENT not in chosen)
    between = (after[0] if after else None, lines[-1].occurred_at if more else None)
    return TimelinePage(
        lines=lines,
        gaps=[] if narrowed else _within(record_gaps(incident), *between),
        next=query.urlencode() if more else "",
        total=total,
        shown_of=total if with_hidden else total - hidden,
        hidden=hidden,
        sources=sources,
        pinned_only=pinned_only,
        with_hidden=with_hidden,
        query=address,
    )


def _within(gaps: list[RecordGap], after: datetime | None, until: datetime | None) -> list[RecordGap]:
    """Those that begin on this page: each stands on one page."""
    return [gap for gap in gaps if (after is None or gap.start > after) and (until is None or gap.start <= until)]


def _cursor(text: str) -> tuple[datetime, int] | None:
    at, _, pk = text.rpartition(",")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, int(pk)) if moment.tzinfo else None
    except ValueError:
        return None


def evidence_panel(
    incident: Incident,
    wanted: QueryDict,
    *,
    size: int = ITEMS,
    tallied: bool = False,
    among: EvidenceQuerySet | None = None,
) -> EvidencePanel:
    """`?type=metric&seek=text&from=N`: charts, changes, traces and logs first, single Events last.

    `tallied` counts each type; the total is known without, since evidence is never taken away. `among` narrows all of
    it, such as to what is pinned.
    """
    rows = Evidence.objects.filter(incident=incident) if among is None else among
    counted = rows.order_by().values("type").annotate(n=Count("pk")) if tallied else []
    tally = Tally({row["type"]: row["n"] for row in counted})
    chosen = wanted.get("type", "")
    chosen = chosen if chosen in {item.value for item in EvidenceType} else ""
    seek = wanted.get("seek", "").strip()[:100]
    shown = rows.filter(type=chosen) if chosen else rows
    if seek:
        found = Q(title__icontains=seek) | Q(summary__icontains=seek)
        number = seek.upper().removeprefix("E-")
        if number.isascii() and number.isdigit() and len(number) < 9:
            found |= Q(number=int(number))
        shown = shown.filter(found)
    start = wanted.get("from", "")
    offset = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    items = list(shown.shown_first()[offset : offset + size + 1])
    query = wanted.copy()
    query.pop("from", None)
    address = query.urlencode()
    query["from"] = str(offset + size)
    labels = {item.value: item.value.replace("_", " ").capitalize() for item in EvidenceType}
    return EvidencePanel(
        items=items[:size],
        total=incident.evidence_count,
        types=[(kind, labels[kind], tally[kind], kind == chosen) for kind in labels if tally[kind]],
        next=query.urlencode() if len(items) > size else "",
        query=address,
    )


def merged(incident: Incident, person: User) -> QuerySet[IncidentMerge]:
    """The duplicates that this incident took in, as far as `person` may see them."""
    rows = incident.merged.filter(undone_at=None, incident__in=Incident.objects.visible_to(person))
    return rows.select_related("incident", "merged_by")


def loud_lines(incident: Incident) -> list[dict[str, Any]]:
    """The loud lines for the lane chart, one query, at most GLANCE_LIMIT rows."""
    rows = incident.timeline.filter(hidden=False).exclude(level=Level.NORMAL.value)
    names = ("occurred_at", "until", "count", "source", "level", "title", "subject")
    return list(rows.in_order().values(*names)[:GLANCE_LIMIT])


def events_query(incident: Incident, now: datetime) -> str:
    """The page of archived Events with the incident's time and, where there is one only, its place."""
    window, clusters = incident.window(now), list(incident.clusters.all())
    query = {"since": window.start.isoformat(), "until": window.end.isoformat()}
    if len(clusters) == 1:
        query["cluster"] = clusters[0].name
    if len(incident.namespaces) == 1:
        query["namespace"] = incident.namespaces[0]
    return urlencode(query)
