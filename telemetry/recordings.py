"""How the recording goes, for pages, the API and /metrics: what is covered, what is missing, what has gone quiet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.templatetags import words
from telemetry.models import Cluster, CoverageGap, Heartbeat, Recording
from telemetry.models.archive import RecordingState
from telemetry.recorder.resources import BY_NAME, EVENTS, HEARTBEAT

# The recorder says every five seconds that it lives, and hears a bookmark about every minute.
PROCESS_SILENT_AFTER = timedelta(seconds=30)
SILENT_AFTER = timedelta(seconds=120)
GAPS_SHOWN = 5_000


@dataclass(frozen=True, slots=True)
class Quiet:
    """A recording, or the whole recorder where `cluster` is None, that hears nothing: what, since when, what to do."""

    title: str
    text: str
    cluster: Cluster | None = None


def gaps_between(clusters: Iterable[int], start: datetime, end: datetime) -> dict[tuple[int, str], list[CoverageGap]]:
    """Gaps that touch [start, end) by (cluster, resource), each list in order: one query, the newest 5,000 of all."""
    rows = CoverageGap.objects.filter(cluster_id__in=list(clusters), ended_at__gt=start, started_at__lt=end)
    found: dict[tuple[int, str], list[CoverageGap]] = {}
    for row in reversed(rows.order_by("-ended_at", "-id")[:GAPS_SHOWN]):
        found.setdefault((row.cluster_id, row.resource), []).append(row)
    return found


def heartbeat_age(now: datetime) -> timedelta | None:
    """None: the recorder has never been heard of."""
    beat = Heartbeat.objects.filter(name=HEARTBEAT).first()
    return now - beat.at if beat else None


def is_quiet(recording: Recording, now: datetime) -> bool:
    """Nothing was heard for two minutes. Denied ones say so themselves, and a stopped one was told to."""
    if recording.state in {RecordingState.DENIED, RecordingState.STOPPED}:
        return False
    known = BY_NAME.get(recording.resource)
    if recording.state == RecordingState.NOT_INSTALLED and (known is None or known.is_optional):
        return False
    last = recording.heard_at or recording.since or recording.cluster.created_at
    return now - last > SILENT_AFTER


def is_broken(recording: Recording, now: datetime) -> bool:
    """Something that a person should mend: silent, or denied what every cluster has."""
    known = BY_NAME.get(recording.resource)
    denied = recording.state == RecordingState.DENIED and not (known and known.is_optional)
    return denied or is_quiet(recording, now)


def quiet(now: datetime) -> list[Quiet]:
    """What a person should look at, first the process, then each cluster; nothing while no cluster is to be recorded."""
    clusters = list(Cluster.objects.to_record().prefetch_related("recordings"))
    if not clusters:
        return []
    age = heartbeat_age(now)
    if age is None:
        return [Quiet("The recorder has not been heard of.", "Start manage.py recorder; until then Events are lost.")]
    if age > PROCESS_SILENT_AFTER:
        text = f"Last sign {words.span(age.total_seconds())} ago. Look at its log and start manage.py recorder again; until then Events are lost."
        return [Quiet("The recorder is silent.", text)]
    return [found for cluster in clusters if (found := _quiet_cluster(cluster, now)) is not None]


def _quiet_cluster(cluster: Cluster, now: datetime) -> Quiet | None:
    rows = list(cluster.recordings.all())
    denied = [row.resource for row in rows if row.state == RecordingState.DENIED and is_broken(row, now)]
    silent = [row for row in rows if is_quiet(row, now)]
    if EVENTS in denied:
        text = "The account may not list and watch Events, so an incident there would have none after one hour."
        return Quiet(f"{cluster.name} is not recorded.", text, cluster)
    if silent:
        names = ", ".join(sorted((row.resource for row in silent), key=lambda name: (name != EVENTS, name))[:5])
        last = max((row.heard_at for row in silent if row.heard_at), default=None)
        since = f"nothing for {words.span((now - last).total_seconds())}" if last else "nothing yet"
        reason = next((f" {row.reason}" for row in silent if row.reason), "")
        return Quiet(f"{cluster.name} is not heard.", f"{since.capitalize()} of {names}.{reason}", cluster)
    if not rows and now - cluster.created_at > SILENT_AFTER:
        text = "The recorder lives but has not begun with it; look at its log."
        return Quiet(f"{cluster.name} is not recorded yet.", text, cluster)
    if denied:
        text = f"The account may not list and watch {', '.join(denied)}; their state is not kept."
        return Quiet(f"{cluster.name} is recorded in part.", text, cluster)
    return None
