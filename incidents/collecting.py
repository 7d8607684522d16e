"""Asks one source one question and freezes what it said. Called by tasks; calls no action."""

from __future__ import annotations

from datetime import datetime, timedelta

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import close_old_connections, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from incidents.leasing import renewed
from incidents.models import Collection, CollectionRun, Evidence, Incident, TimelineEntry
from incidents.models.evidence import RunState
from incidents.models.incident import OPEN_STATUSES
from incidents.timeline import Line, lines_for
from telemetry.models import Source
from telemetry.observations import Observation, Outcome, Query, Status
from telemetry.registry import collector_for

LEASE = timedelta(seconds=15)
RENEW_EVERY = 5.0
ATTEMPTS = 3
# Between a frozen thing's key and the number of the row that its next state follows.
AFTER = "@after:"
ENTRY_FIELDS = [
    "evidence",
    "occurred_at",
    "until",
    "count",
    "source",
    "level",
    "title",
    "subject",
    "text",
    "detail",
    "updated_at",
]
EVIDENCE_FIELDS = [
    "run",
    "first_at",
    "last_at",
    "count",
    "level",
    "subject",
    "title",
    "summary",
    "payload",
    "sha256",
    "links",
    "query",
    "redactions",
    "flags",
    "observed_at",
]


def claim(run_id: int, now: datetime) -> CollectionRun | None:
    """Take a run that nobody works on; None when it is done or another worker has it."""
    taken = (
        CollectionRun.objects.claimable(now)
        .filter(pk=run_id, attempts__lt=ATTEMPTS)
        .update(
            state=RunState.RUNNING,
            attempts=F("attempts") + 1,
            started_at=now,
            lease_until=now + LEASE,
        )
    )
    if not taken:
        return None
    return CollectionRun.objects.select_related("collection", "incident", "source__cluster").get(pk=run_id)


def work(run: CollectionRun) -> Outcome:
    """Ask, store batch by batch, and write the outcome down. Never raises for the backend's faults."""
    stored = 0

    def sink(batch: list[Observation]) -> None:
        nonlocal stored
        stored += store(run, batch, timezone.now())

    running = CollectionRun.objects.filter(pk=run.pk, state=RunState.RUNNING)
    with renewed(running, lease=LEASE, every=RENEW_EVERY):
        try:
            outcome = _ask(run, sink)
        except SoftTimeLimitExceeded:
            outcome = Outcome(Status.TIMEOUT, reason="No answer within the time limit.", retryable=True)
        except Exception as problem:
            # Shown on the page as this source's outcome; the type alone, since the text may quote the backend.
            reason = f"The collector failed ({type(problem).__name__})."
            outcome = Outcome(Status.ERROR, reason=reason, remedy="This is a fault in Debrief; see the worker's log.")
            _log_failure(run)
    finish(run, outcome, timezone.now())
    return outcome


def _log_failure(run: CollectionRun) -> None:
    import logging

    logging.getLogger(__name__).exception("run %s of %s failed", run.pk, run.source_kind)


def _ask(run: CollectionRun, sink: object) -> Outcome:
    if run.source is None or not run.source.enabled:
        return Outcome(Status.NOT_CONFIGURED, reason="The source was removed or switched off after it was asked for.")
    kind = collector_for(run.source.kind)
    collector = kind(run.source.connection())
    query = Query(name=run.query_name, title=run.query_title, text=run.query_text, params=run.query_params)
    return collector.collect(query, run.collection.window(), run.source.budget_of(kind.facts.budget), sink)  # type: ignore[arg-type]


@transaction.atomic
def store(run: CollectionRun, batch: list[Observation], now: datetime) -> int:
    """New observations become evidence with the next numbers; known ones are brought up to date unless frozen.

    Returns how many rows were added or changed. The incident's row is the lock that keeps numbers unique.
    """
    incident = Incident.objects.select_for_update().get(pk=run.incident_id)
    if incident.evidence_frozen_at is not None:
        return 0
    _forget_removed_source(run)
    by_key = {_key(run, observation): observation for observation in batch}
    known = _known(incident, list(by_key))
    fresh: list[Evidence] = []
    changed: list[Evidence] = []
    for key, observation in by_key.items():
        digest = observation.digest()
        row = known.get(key)
        if row is not None and row.sha256 == digest and (row.frozen_at or row.links == list(observation.links)):
            continue
        if row is not None and row.frozen_at is not None:
            key, row = f"{key}{AFTER}{row.number}", None
        if row is None:
            incident.evidence_count += 1
            row = Evidence(incident=incident, number=incident.evidence_count, dedup_key=key)
            fresh.append(row)
        else:
            changed.append(row)
        _fill(row, run, observation, digest, now)
    Evidence.objects.bulk_create(fresh, batch_size=500)
    Evidence.objects.bulk_update(changed, EVIDENCE_FIELDS, batch_size=500)
    if fresh:
        Incident.objects.filter(pk=incident.pk).update(evidence_count=incident.evidence_count)
    _write_lines([*fresh, *changed], by_key, now)
    return len(fresh) + len(changed)


def _forget_removed_source(run: CollectionRun) -> None:
    """One that an admin removed while it was asked: what it said stays, under its name."""
    if run.source_id is not None and not Source.objects.filter(pk=run.source_id).exists():
        run.source = None


def _known(incident: Incident, keys: list[str]) -> dict[str, Evidence]:
    """The newest row of each thing: after a reopening a frozen row has a follower, found by its key and AFTER."""
    rows = Evidence.objects.filter(incident=incident)
    found = {row.dedup_key: row for row in rows.filter(dedup_key__in=keys)}
    if any(row.frozen_at for row in found.values()):
        for follower in rows.filter(dedup_key__contains=AFTER).order_by("number"):
            if (base := _base(follower.dedup_key)) in found:
                found[base] = follower
    return found


def _base(dedup_key: str) -> str:
    return dedup_key.partition(AFTER)[0]


def _key(run: CollectionRun, observation: Observation) -> str:
    return f"{run.source_id}:{observation.dedup_key}"[:280]


def _fill(row: Evidence, run: CollectionRun, observation: Observation, digest: str, now: datetime) -> None:
    row.run, row.source, row.source_name = run, run.source, run.source_name
    row.type, row.level = observation.type.value, observation.level.value
    for name in ("first_at", "last_at", "count", "summary", "query"):
        setattr(row, name, getattr(observation, name))
    for name in ("subject", "payload", "redactions", "flags"):
        setattr(row, name, dict(getattr(observation, name)))
    row.title, row.links, row.sha256, row.observed_at = (
        observation.title[:300],
        list(observation.links),
        digest,
        now,
    )


def _write_lines(rows: list[Evidence], by_key: dict[str, Observation], now: datetime) -> None:
    entries = [_entry(row, line, now) for row in rows for line in lines_for(by_key[_base(row.dedup_key)])]
    unique = {entry.dedup_key: entry for entry in entries}
    TimelineEntry.objects.bulk_create(
        unique.values(),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["incident", "dedup_key"],
        update_fields=ENTRY_FIELDS,
    )


def _entry(row: Evidence, line: Line, now: datetime) -> TimelineEntry:
    return TimelineEntry(
        incident_id=row.incident_id,
        evidence=row,
        dedup_key=f"{_base(row.dedup_key)}|{line.key}"[-320:],
        occurred_at=line.occurred_at,
        until=line.until,
        count=line.count,
        source=line.source,
        level=line.level.value,
        title=line.title,
        subject=line.subject[:260],
        text=line.text[:10_000],
        detail=dict(line.detail),
        updated_at=now,
    )


@transaction.atomic
def finish(run: CollectionRun, outcome: Outcome, now: datetime) -> None:
    """Write the outcome; the last run of a collection closes it, and after a resolution freezes the evidence."""
    Incident.objects.select_for_update().get(pk=run.incident_id)
    run.set_outcome(outcome, now)
    _forget_removed_source(run)
    run.save()
    close_if_done(run.collection_id, now)


def close_if_done(collection_id: int, now: datetime) -> bool:
    """True when this call closed the collection."""
    unfinished = CollectionRun.objects.filter(collection=OuterRef("pk")).exclude(state=RunState.DONE)
    waiting = Collection.objects.filter(pk=collection_id, finished_at=None).exclude(Exists(unfinished))
    if not waiting.update(finished_at=now):
        return False
    collection = Collection.objects.get(pk=collection_id)
    ended = Incident.objects.filter(pk=collection.incident_id).exclude(status__in=OPEN_STATUSES)
    if collection.trigger == Collection.Trigger.RESOLVED and ended.exists():
        Evidence.objects.filter(incident=collection.incident_id, frozen_at=None).update(frozen_at=now)
        Incident.objects.filter(pk=collection.incident_id).update(evidence_frozen_at=now)
    return True


def give_up(now: datetime) -> list[int]:
    """Runs whose worker died ATTEMPTS times get an outcome, so that no page waits for ever. Returns collection ids."""
    close_old_connections()
    lost = CollectionRun.objects.claimable(now).filter(attempts__gte=ATTEMPTS).select_related("collection")
    closed = []
    for run in lost:
        reason = f"The worker ended {run.attempts} times before this source had answered."
        outcome = Outcome(
            Status.TIMEOUT,
            reason=reason,
            remedy="Collect again; if it stays, lower the source's budget.",
            retryable=True,
        )
        finish(run, outcome, now)
        closed.append(run.collection_id)
    return closed
