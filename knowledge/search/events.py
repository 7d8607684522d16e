"""Archived Events that hold the words: everybody who is signed in may read the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import connection

from knowledge.search.parsing import Asked
from knowledge.search.snippets import Part, snippet
from telemetry.browsing import WORDS
from telemetry.models import Cluster

COUNTED = 5_000
COLUMNS = "cluster_id, reason, type, about_kind, about_namespace, about_name, left(message, 2000), count, last_at"


@dataclass(frozen=True, slots=True)
class EventHit:
    """One archived Event; `parts` is its message as `[(text, is marked)]`."""

    cluster: str
    reason: str
    type: str
    kind: str
    namespace: str
    name: str
    parts: list[Part]
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """The newest few of the first COUNTED; `query` is for the page of Events."""

    hits: list[EventHit]
    total: int
    query: str

    @property
    def is_more(self) -> bool:
        return self.total >= COUNTED


NO_EVENTS = FoundEvents([], 0, "")


def concerns_events(asked: Asked) -> bool:
    """Not where a filter asks for what Events do not have."""
    others = {"service", "severity", "status"} & set(asked.filters)
    kinds = asked.only("kind")
    return not others and (not kinds or "event" in kinds)


def search_events(asked: Asked, *, size: int = 5) -> FoundEvents:
    if not asked.words and not asked.only("reason"):
        return NO_EVENTS
    where, params = _where(asked)
    with connection.cursor() as cursor:
        # Kept apart from the order: by time, the planner would read millions of rows to find a rare word.
        cursor.execute(
            f"WITH found AS MATERIALIZED (SELECT {COLUMNS} FROM telemetry_clusterevent WHERE {where} LIMIT %s)"  # noqa: S608 - the words are parameters
            " SELECT count(*) OVER (), * FROM found ORDER BY last_at DESC LIMIT %s",
            [*params, COUNTED, size],
        )
        found = cursor.fetchall()
    names = dict(Cluster.objects.values_list("pk", "name"))
    words = [word.strip('"').lower() for word in asked.words.split() if not word.startswith("-")]
    hits = [
        EventHit(
            cluster=names.get(cluster, "a removed cluster"),
            reason=reason,
            type=type_,
            kind=kind,
            namespace=namespace,
            name=name,
            parts=snippet(message, words),
            count=count,
            last_at=last_at,
        )
        for _, cluster, reason, type_, kind, namespace, name, message, count, last_at in found
    ]
    return FoundEvents(hits, found[0][0] if found else 0, _address(asked))


def _where(asked: Asked) -> tuple[str, list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    if asked.words:
        parts.append(f"{WORDS} @@ websearch_to_tsquery('simple', %s)")
        params.append(asked.words)
    for name, column in (("reason", "reason"), ("namespace", "namespace")):
        if values := asked.only(name):
            parts.append(f"{column} = ANY(%s)")
            params.append(values)
    for at, sign in ((asked.before, "<"), (asked.after, ">=")):
        if at is not None:
            parts.append(f"last_at {sign} %s")
            params.append(at)
    return " AND ".join(parts), params


def _address(asked: Asked) -> str:
    told = {"q": asked.words}
    for name in ("reason", "namespace"):
        if len(asked.only(name)) == 1:
            told[name] = asked.only(name)[0]
    return urlencode({name: value for name, value in told.items() if value})
