"""What the pages of Events show: the question in the address, the chart, the coverage of the chosen time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from accounts.problems import InvalidInput
from telemetry.browsing import TEXTS, Bar, Wanted, counts_over_time, earliest, wanted_from
from telemetry.coverage import Coverage
from telemetry.drawing import counts_chart, coverage_words
from telemetry.models import Cluster, Recording
from telemetry.recorder.resources import EVENTS
from telemetry.recordings import gaps_between

WINDOWS = {
    "1h": ("Last hour", timedelta(hours=1)),
    "6h": ("Last 6 hours", timedelta(hours=6)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
}
USUAL = "24h"
STEPS = [timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)]
ROUND = datetime(2000, 1, 1, tzinfo=UTC)
MOST_BARS = 60
CLUSTERS_TOLD = 6


@dataclass(frozen=True, slots=True)
class Question:
    """What an address asks for. `window` is one of WINDOWS, `all` or `custom`; `texts` is what was typed."""

    wanted: Wanted
    window: str
    texts: dict[str, str]
    errors: dict[str, str]

    @property
    def narrowed(self) -> bool:
        return any(self.texts[name] for name in TEXTS)


def question_of(given: Mapping[str, str], *, now: datetime, zone: tzinfo) -> Question:
    """A preset wins over the times; without either it is the last 24 hours."""
    texts = {name: given.get(name, "").strip() for name in (*TEXTS, "since", "until")}
    window = given.get("window", "")
    if window not in {*WINDOWS, "all"}:
        window = "custom" if texts["since"] or texts["until"] else USUAL
    if window != "custom":
        given = {name: texts[name] for name in TEXTS}
    try:
        wanted = wanted_from(given, zone=zone)
    except InvalidInput as problem:
        return Question(Wanted(), window, texts, problem.errors)
    if window in WINDOWS:
        wanted = replace(wanted, since=now - WINDOWS[window][1])
    return Question(wanted, window, texts, {})


@dataclass(frozen=True, slots=True)
class Chart:
    """`picture` is SVG, `words` tell the same, `bars` are (from, until, counts) of those that hold something."""

    picture: str
    words: str
    bars: list[tuple[datetime, datetime, Bar]]


def chart_of(wanted: Wanted, *, now: datetime, zone: tzinfo) -> Chart:
    """Raises InvalidInput and TooMuch."""
    end = wanted.until or now
    start, step = _steps(min(wanted.since or earliest(wanted) or end, end - timedelta(seconds=1)), end)
    bars = counts_over_time(wanted, start=start, end=end, step=step)
    words = _in_words(bars, zone)
    filled = [(bar.at, min(bar.at + step, end), bar) for bar in bars if bar.warnings or bar.others]
    return Chart(counts_chart(bars, end=end, zone=zone, words=words), words, filled)


def _steps(start: datetime, end: datetime) -> tuple[datetime, timedelta]:
    """At most about 60 steps, which begin at round times."""
    step = next((one for one in STEPS if (end - start) / one <= MOST_BARS), None)
    if step is None:
        step = timedelta(days=-(-(end - start) // timedelta(days=MOST_BARS)))
    return ROUND + ((start - ROUND) // step) * step, step


def _in_words(bars: Sequence[Bar], zone: tzinfo) -> str:
    total, warnings = sum(bar.warnings + bar.others for bar in bars), sum(bar.warnings for bar in bars)
    if not total:
        return "No Event in this time."
    peak = max(bars, key=lambda bar: bar.warnings + bar.others)
    most = peak.warnings + peak.others
    return (
        f"{total:,} Event{'' if total == 1 else 's'} by when they were last seen, {warnings:,} of them warnings; "
        f"most from {peak.at.astimezone(zone):%a %-d %b %H:%M}: {most:,}, {peak.warnings:,} of them warnings."
    )


def coverage_told(
    wanted: Wanted, clusters: Sequence[Cluster], *, now: datetime, zone: tzinfo
) -> list[tuple[Cluster, str]]:
    """What of the chosen time is recorded, in words, for the first of the chosen clusters."""
    chosen = [cluster for cluster in clusters if wanted.cluster in {"", cluster.name}][:CLUSTERS_TOLD]
    ids = [cluster.pk for cluster in chosen]
    recordings = {row.cluster_id: row for row in Recording.objects.filter(cluster__in=ids, resource=EVENTS)}
    end = min(wanted.until or now, now)
    start = wanted.since or min((row.since for row in recordings.values() if row.since), default=end)
    gaps = gaps_between(ids, start, end)
    known = {pk: row.coverage(gaps.get((pk, EVENTS), []), start, end) for pk, row in recordings.items()}
    return [(one, coverage_words(known.get(one.pk, Coverage()), zone)) for one in chosen]
