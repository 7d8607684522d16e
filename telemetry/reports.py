"""The recording of every cluster as the page of Sources shows it: broken first, what is fine folded and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.utils.safestring import SafeString, mark_safe

from accounts.templatetags import words
from telemetry.coverage import Gap
from telemetry.drawing import coverage_bar
from telemetry.models import Cluster, CoverageGap, Recording
from telemetry.models.archive import RecordingState
from telemetry.recorder.resources import RECORDED
from telemetry.recordings import gaps_between, is_broken, is_quiet

WITHIN = timedelta(hours=24)
ORDER = {recorded.name: place for place, recorded in enumerate(RECORDED)}
# state: (class, icon, words)
STATES = {
    RecordingState.STARTING: ("out-n", "loader-2", "Starting"),
    RecordingState.LISTING: ("out-n", "loader-2", "Reading what is there"),
    RecordingState.WATCHING: ("out-ok", "circle-check", "Recording"),
    RecordingState.WAITING: ("out-warn", "hourglass-high", "Waiting to ask again"),
    RecordingState.DENIED: ("out-bad", "lock", "Denied"),
    RecordingState.NOT_INSTALLED: ("out-n", "circle-dashed", "Not served by this cluster"),
    RecordingState.STOPPED: ("out-n", "player-pause", "Stopped"),
}
SILENT = ("out-bad", "plug-x", "Silent")


@dataclass(frozen=True, slots=True)
class Line:
    """One resource: its row, its state in words with a shape, what of 24 hours is covered."""

    row: Recording
    tone: str
    icon: str
    state: str
    is_broken: bool
    coverage: SafeString
    gaps: tuple[Gap, ...]

    @property
    def stored_words(self) -> tuple[str, str]:
        return f"{self.row.stored:,}", f"of {self.row.received:,}"

    @property
    def rate_words(self) -> str:
        rate = self.row.per_minute
        return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"

    @property
    def gap_words(self) -> str:
        """`2 gaps, 12 min 23 s; the last: why`."""
        if not self.gaps:
            return ""
        seconds = sum((gap.end - gap.start).total_seconds() for gap in self.gaps)
        last = self.gaps[-1].reason
        named = "1 gap" if len(self.gaps) == 1 else f"{len(self.gaps)} gaps"
        return f"{named}, {words.span(seconds)}; {'' if len(self.gaps) == 1 else 'the last: '}{last}"


@dataclass(frozen=True, slots=True)
class Report:
    """One cluster. `first` is what a person should see: Events, and what is broken; `others` is fine."""

    cluster: Cluster
    leader: str
    first: list[Line]
    others: list[Line]


def reports(clusters: Sequence[Cluster], *, now: datetime, zone: tzinfo) -> list[Report]:
    """Two queries, however many clusters."""
    ids = [cluster.pk for cluster in clusters]
    gaps = gaps_between(ids, now - WITHIN, now)
    lines: dict[int, list[Line]] = {}
    rows = Recording.objects.select_related("cluster").filter(cluster__in=ids)
    for row in sorted(rows, key=lambda row: (ORDER.get(row.resource, len(ORDER)), row.resource)):
        known = gaps.get((row.cluster_id, row.resource), [])
        lines.setdefault(row.cluster_id, []).append(_line(row, known, now, zone))
    return [_report(cluster, lines.get(cluster.pk, [])) for cluster in clusters]


def _report(cluster: Cluster, lines: list[Line]) -> Report:
    leader = next((line.row.leader for line in lines if line.row.leader), "")
    first = [line for place, line in enumerate(lines) if place == 0 or line.is_broken]
    return Report(cluster, leader, first, [line for line in lines if line not in first])


def _line(row: Recording, gaps: list[CoverageGap], now: datetime, zone: tzinfo) -> Line:
    tone, icon, state = SILENT if is_quiet(row, now) else STATES[RecordingState(row.state)]
    coverage = row.coverage(gaps, now - WITHIN, now)
    picture = coverage_bar(coverage, start=now - WITHIN, end=now, zone=zone)
    safe = mark_safe(picture)  # noqa: S308 - drawn and escaped by telemetry.drawing
    return Line(row, tone, icon, state, is_broken(row, now), safe, coverage.gaps)
