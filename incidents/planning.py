"""Which questions a round of collecting asks: rows for every planned query of every source in scope."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import transaction

from incidents.collecting import close_if_done
from incidents.models import Collection, CollectionRun, Incident
from incidents.models.evidence import RunState
from telemetry.models import Source
from telemetry.observations import Query, Scope, Window
from telemetry.query_templates import enabled_templates
from telemetry.registry import UnknownKind, collector_for


@transaction.atomic
def plan_collection(*, incident: Incident, trigger: str, now: datetime) -> tuple[Collection, list[int]]:
    """The collection and the ids of its queued runs; asking is for the caller to begin."""
    window, scope = incident.window(now), incident.scope()
    collection = Collection.objects.create(
        incident=incident, trigger=trigger, window_from=window.start, window_to=window.end, started_at=now
    )
    clusters = list(incident.clusters.values_list("pk", flat=True))
    templates = enabled_templates()
    runs = [
        _run(collection, source, query, window, now)
        for source in Source.objects.asked_for(clusters)
        for query in _plan(source, templates.of(source), scope, window)
    ]
    CollectionRun.objects.bulk_create(runs)
    if not runs:
        close_if_done(collection.pk, now)
    return collection, [run.pk for run in runs]


def _plan(source: Source, queries: list[dict[str, Any]], scope: Scope, window: Window) -> list[Query]:
    """A source that cannot even be planned for still gets its run, which then says why."""
    try:
        return collector_for(source.kind)(source.connection(queries)).plan(scope, window)
    except UnknownKind as problem:
        return [Query(name="unknown", title=source.name, text=str(problem))]
    except Exception as problem:
        # Bad credentials or options: the run fails the same way and shows the collector's own outcome.
        return [Query(name="plan", title=source.name, text=f"could not be planned ({type(problem).__name__})")]


def _run(collection: Collection, source: Source, query: Query, window: Window, now: datetime) -> CollectionRun:
    asked = [
        collection.pk,
        source.pk,
        query.name,
        query.text,
        dict(query.params),
        window.start,
        window.end,
    ]
    return CollectionRun(
        collection=collection,
        incident_id=collection.incident_id,
        source=source,
        source_name=source.name,
        source_kind=source.kind,
        query_name=query.name[:80],
        query_title=query.title[:200],
        query_text=query.text,
        query_params=dict(query.params),
        idempotency_key=hashlib.sha256(json.dumps(asked, default=str, sort_keys=True).encode()).hexdigest(),
        state=RunState.QUEUED,
        queued_at=now,
    )
