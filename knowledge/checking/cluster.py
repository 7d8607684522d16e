"""The lists of one cluster for one run: each asked once, live, or else out of the recorder's archive."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from knowledge.checks.base import Listing
from knowledge.checks.lists import WHOLE_CLUSTER
from telemetry.archive import ClusterArchive
from telemetry.collectors.kubernetes.api import Item, KubernetesApi, Resource
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.collectors.kubernetes.gathering import FINAL
from telemetry.http import Http, SourceError
from telemetry.models import Cluster, Source
from telemetry.observations import Budget, Status, Window
from telemetry.recorder.resources import BY_NAME, Recorded
from telemetry.registry import collector_for

# An older recording tells too little of now.
ARCHIVE_REACH = timedelta(hours=1)
MOMENT = timedelta(seconds=1)


class ClusterLists:
    """Use as a context manager. `ends` is the moment of `time.monotonic` at which asking has to be over."""

    def __init__(self, cluster: Cluster | None, namespace: str, now: datetime, ends: float) -> None:
        self.cluster, self.namespace, self.now, self.ends = cluster, namespace, now, ends
        self._source = self._kubernetes_source()
        self._http: Http | None = None
        self._items_allowed = Budget().items
        self._dead: SourceError | None = None
        self._known: dict[str, Listing] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._http is not None:
            self._http.__exit__()

    def _kubernetes_source(self) -> Source | None:
        if self.cluster is None:
            return None
        rows = Source.objects.filter(kind="kubernetes", enabled=True, cluster=self.cluster)
        return rows.select_related("cluster").first()

    def listing(self, wanted: Recorded) -> Listing:
        if wanted.name not in self._known:
            self._known[wanted.name] = self._read(wanted)
        return self._known[wanted.name]

    def _read(self, wanted: Recorded) -> Listing:
        if self.cluster is None:
            count = Cluster.objects.count()
            reason = f"this run names no cluster, and {count} are connected" if count else "no cluster is connected"
            return Listing(
                reason=reason, remedy="Start a run that names its cluster." if count else "Connect a cluster."
            )
        place = "" if wanted.name in WHOLE_CLUSTER else self.namespace
        told = Listing(source=self.cluster.name, request=f"GET {wanted.resources[0].path(place)}", observed_at=self.now)
        try:
            items, resource = self._live(wanted, place)
        except SourceError as error:
            absent = error.status is Status.NOT_INSTALLED and wanted.is_optional
            if not absent and (recorded := self._recorded(wanted, place, error)) is not None:
                return recorded
            return replace(told, reason=error.reason, remedy=error.remedy, is_served=not absent)
        return replace(told, items=tuple(items), api=resource.api, request=f"GET {resource.path(place)}")

    def _live(self, wanted: Recorded, place: str) -> tuple[list[Item], Resource]:
        """The newest version that the server has."""
        for resource in wanted.resources[:-1]:
            try:
                return self._items(resource, place), resource
            except SourceError as error:
                if error.status is not Status.NOT_INSTALLED:
                    raise
        return self._items(wanted.resources[-1], place), wanted.resources[-1]

    def _items(self, resource: Resource, place: str) -> list[Item]:
        if self._dead is not None:
            raise self._dead
        found: list[Item] = []
        try:
            for page in KubernetesApi(self._client()).pages(resource, place):
                if page is None:
                    found.clear()
                    continue
                found += page
                if len(found) > self._items_allowed:
                    reason = f"{resource.plural}: more than the budget of {self._items_allowed:,} items"
                    raise SourceError(Status.TRUNCATED, reason, remedy="Narrow the run, or raise the source's budget.")
        except SourceError as error:
            if error.status in FINAL and error.limit != "items":
                self._dead = error
            raise
        return found

    def _client(self) -> Http:
        if self._http is None:
            if self._source is None:
                reason = "the Kubernetes source of this cluster is switched off or was removed"
                raise SourceError(Status.NOT_CONFIGURED, reason, remedy="Switch it on under Sources.")
            budget = self._source.budget_of(collector_for("kubernetes").facts.budget)
            self._items_allowed = budget.items
            left = max(0.1, self.ends - time.monotonic())
            budget = replace(budget, deadline_seconds=min(budget.deadline_seconds, left))
            self._http = open_http(self._source.connection(), budget)
            self._http.__enter__()
        return self._http

    def _recorded(self, wanted: Recorded, place: str, error: SourceError) -> Listing | None:
        """What the recorder saw last, if that is not long ago and nothing may be missing at that moment."""
        if self.cluster is None or wanted.name not in BY_NAME:
            return None
        archive, resource = ClusterArchive(self.cluster.pk), wanted.resources[0]
        coverage = archive.coverage(resource, Window(self.now - ARCHIVE_REACH, self.now))
        end = coverage.end
        if end is None or not coverage.covers(end - MOMENT, end):
            return None
        window = Window(end - MOMENT, end)
        states = archive.states(resource, window, [place], limit=self._items_allowed)
        if len(states) > self._items_allowed:
            return None
        standing = [one for one in states if one.until_at is None or one.until_at > end - MOMENT]
        source = f"{self.cluster.name}, as recorded at {end:%H:%M} UTC ({error.reason})"
        request = f"the recorder's archive of {wanted.name}"
        items = tuple(state.item for state in standing)
        return Listing(items=items, api=resource.api, source=source, request=request, observed_at=end)
