"""What the judges of one run may ask: the cluster, the sources of metrics, logs and traces, and what Debrief knows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self

from billiard.exceptions import SoftTimeLimitExceeded
from django.db.models import Q

from incidents.models.incident import Visibility
from knowledge.checking.cluster import ClusterLists
from knowledge.checks.base import Answer, Arrival, Listing, Place, Seen
from knowledge.models import Drill, RecoveryObjective
from knowledge.models.target import Targeted
from telemetry.collectors.alerts import NAMESPACES, SERVICES, PushedAlerts
from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.collectors.prometheus.instant import alerting_rules, instant
from telemetry.collectors.prometheus.queries import filled_in
from telemetry.http import SourceError
from telemetry.models import Alert, Cluster, Source
from telemetry.observations import Budget, Connection, EvidenceType, Observation, Query, Scope, Window, Workload
from telemetry.recorder.resources import Recorded
from telemetry.redaction import InvalidPattern
from telemetry.registry import COLLECTORS

# For everything that one run asks, in seconds; a source may be given less by its own budget.
RUN_SECONDS = 80.0
SOURCE_SECONDS = 20.0
ALERTS_REACH = timedelta(days=90)
# So short that every trace counts: collectors of traces look for failing and slow ones.
ANY_LENGTH_MS = 1
GOOD = {"complete", "empty", "partial", "truncated"}


class LiveReadings:
    """`Readings` of one target. Use as a context manager; each question is asked once."""

    def __init__(self, target: Targeted, now: datetime, *, seconds: float = RUN_SECONDS) -> None:
        self.now, self.ends = now, time.monotonic() + seconds
        self.cluster = target.cluster or _only_cluster()
        self.place = Place(
            cluster=self.cluster.name if self.cluster else "",
            namespace=target.namespace,
            workload_kind=target.workload_kind,
            workload_name=target.workload_name,
            service=target.service,
        )
        self.rpo_seconds = _rpo_of(target)
        self._lists = ClusterLists(self.cluster, target.namespace, now, self.ends)
        self._answers: dict[str, list[Answer]] = {}
        self._arrivals: dict[tuple[EvidenceType, int], list[Arrival]] = {}
        clusters = [self.cluster.pk] if self.cluster else []
        self._sources = [source for source in Source.objects.asked_for(clusters) if source.kind in COLLECTORS]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lists.__exit__()

    def listing(self, wanted: Recorded) -> Listing:
        return self._lists.listing(wanted)

    @property
    def scope(self) -> Scope:
        place = self.place
        named = bool(place.workload_name and place.namespace)
        kind = place.workload_kind or "Deployment"
        return Scope(
            namespaces=(place.namespace,) if place.namespace else (),
            workloads=(Workload(kind, place.namespace, place.workload_name),) if named else (),
            services=(place.service,) if place.service else (),
        )

    def instant(self, expr: str) -> list[Answer]:
        asked = filled_in(expr, self.scope).replace("{range}", "5m")

        def ask(connection: Connection, kind: type[PrometheusCollector], budget: Budget) -> list[Any]:
            return instant(connection, kind.dialect, asked, at=self.now, budget=budget)

        return self._prometheus(f"POST /api/v1/query query={asked}", ask)

    def alert_rules(self) -> list[Answer]:
        def ask(connection: Connection, kind: type[PrometheusCollector], budget: Budget) -> list[Any]:
            return alerting_rules(connection, kind.dialect, budget=budget)

        return self._prometheus("GET /api/v1/rules?type=alert", ask)

    def _prometheus(self, request: str, ask: Callable[..., list[Any]]) -> list[Answer]:
        if request not in self._answers:
            asked = [(source, COLLECTORS[source.kind]) for source in self._sources]
            self._answers[request] = [
                self._answer(source, kind, request, ask)
                for source, kind in asked
                if issubclass(kind, PrometheusCollector)
            ]
        return self._answers[request]

    def _answer(
        self, source: Source, kind: type[PrometheusCollector], request: str, ask: Callable[..., list[Any]]
    ) -> Answer:
        try:
            rows = ask(source.connection(), kind, self._budget(source))
        except SourceError as error:
            return Answer(source.name, reason=error.reason, remedy=error.remedy, request=request)
        except InvalidPattern as error:
            return Answer(source.name, reason=str(error), remedy="Correct the pattern in this source.", request=request)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return Answer(
                source.name, reason=f"the answer has an unexpected shape ({type(error).__name__})", request=request
            )
        return Answer(source.name, tuple(rows), request=request)

    def _budget(self, source: Source) -> Budget:
        own = source.budget_of(COLLECTORS[source.kind].facts.budget)
        left = max(0.1, self.ends - time.monotonic())
        return replace(own, deadline_seconds=min(own.deadline_seconds, SOURCE_SECONDS, left))

    def arrivals(self, signal: EvidenceType, minutes: int) -> list[Arrival]:
        key = signal, minutes
        if key not in self._arrivals:
            chosen = [source for source in self._sources if signal in COLLECTORS[source.kind].facts.gives]
            self._arrivals[key] = [self._arrival(source, signal, minutes) for source in chosen]
        return self._arrivals[key]

    def _arrival(self, source: Source, signal: EvidenceType, minutes: int) -> Arrival:
        """Until the first question that finds something; what a collector cannot be asked is told in its words."""
        window, connection = Window(self.now - timedelta(minutes=minutes), self.now), source.connection()
        connection = replace(connection, options={**connection.options, "slow_ms": ANY_LENGTH_MS})
        reasons: list[tuple[str, str]] = []
        requests: list[str] = []
        try:
            collector = COLLECTORS[source.kind](connection)
            for query in _concerning(collector.plan(self.scope, window), signal):
                found, outcome = self._collected(collector, query, window, source, signal)
                requests.append(outcome.request or query.text)
                if found:
                    return Arrival(source.name, found, minutes, request=requests[-1])
                if outcome.status.value not in GOOD:
                    reasons.append((outcome.reason, outcome.remedy))
        except SoftTimeLimitExceeded:
            raise
        except Exception as problem:
            # As for an incident's collection: a source that cannot be planned for must not end the run.
            reasons.append((f"it could not be asked ({type(problem).__name__})", "See the worker's log."))
        reason, remedy = reasons[0] if reasons else ("", "")
        return Arrival(source.name, 0, minutes, reason=reason, remedy=remedy, request="\n".join(requests))

    def _collected(
        self, collector: Any, query: Query, window: Window, source: Source, signal: EvidenceType
    ) -> tuple[int, Any]:
        found = 0

        def sink(batch: list[Observation]) -> None:
            nonlocal found
            found += sum(one.count for one in batch if one.type is signal)

        outcome = collector.collect(query, window, self._budget(source), sink)
        # Not every trace that was read is worth keeping; that it was read is what counts here.
        return found or (outcome.fetched if signal is EvidenceType.TRACE else 0), outcome

    def alerts_seen(self) -> tuple[list[str], list[Seen]]:
        senders = [source for source in self._sources if issubclass(COLLECTORS[source.kind], PushedAlerts)]
        names, place = self.place.names, self.place
        labels = SERVICES if names else NAMESPACES
        wanted = names or ((place.namespace,) if place.namespace else ())
        match = Q(pk__in=[])
        for label in labels:
            for name in wanted:
                match |= Q(**{f"labels__{label}": name})
        rows = Alert.objects.filter(match, source__in=senders, starts_at__gte=self.now - ALERTS_REACH)
        if names and place.namespace:
            # An alert that names another namespace is another service's.
            rows = rows.filter(Q(labels__namespace=place.namespace) | Q(labels__namespace=None))
        found = rows.select_related("source").order_by("-starts_at")[:20]
        return [one.name for one in senders], [Seen(one.title, one.starts_at, one.source.name) for one in found]

    def drills(self) -> list[Seen]:
        rows = Drill.objects.exclude(restored_to_at=None).exclude(incident__visibility=Visibility.RESTRICTED)
        rows = rows.filter(incident__isnull=False, incident__declared_at__lte=self.now).select_related("incident")
        place, match = self.place, Q(pk__in=[])
        for name in place.names:
            match |= Q(incident__services__contains=[name]) | Q(objective__service=name)
        if place.namespace:
            # What was brought back of a whole namespace was brought back of each workload in it.
            match |= Q(incident__namespaces__contains=[place.namespace], incident__services=[])
        if not place.names and place.namespace:
            match |= Q(incident__namespaces__contains=[place.namespace]) | Q(objective__namespace=place.namespace)
        rows = rows.filter(match).order_by("-incident__declared_at")[:10]
        return [Seen(one.title, one.incident.declared_at, "Debrief") for one in rows if one.incident]


def _concerning(queries: list[Query], signal: EvidenceType) -> list[Query]:
    """Of a source that keeps several signals the question for this one, which is named after it."""
    return [one for one in queries if one.name == f"{signal.value}s"] or queries


def _only_cluster() -> Cluster | None:
    found = list(Cluster.objects.all()[:2])
    return found[0] if len(found) == 1 else None


def _rpo_of(target: Targeted) -> int | None:
    """Of the objective that fits best: of the service before the namespace, of this cluster before any."""
    service = target.service or target.workload_name
    rows = RecoveryObjective.objects.exclude(rpo_seconds=None)
    rows = rows.filter(Q(cluster=None) | Q(cluster=target.cluster_id)) if target.cluster_id else rows
    fitting = [
        one
        for one in rows.filter(service__in=["", service], namespace__in=["", target.namespace])
        if one.service or one.namespace
    ]
    best = max(fitting, key=lambda one: (bool(one.service), bool(one.namespace), bool(one.cluster_id)), default=None)
    return best.rpo_seconds if best else None
