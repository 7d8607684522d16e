"""Backends that live in a cluster and are read through its API, with the cluster's own kubeconfig."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from telemetry.collectors.kubernetes.api import Item, KubernetesApi, Resource, explained
from telemetry.collectors.kubernetes.archive import Archive
from telemetry.collectors.kubernetes.asking import gathered
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.collectors.recovery import NOT_KNOWN, Plan, RecoveryPoint, is_known, strip
from telemetry.collectors.times import credible, iso, parse_time
from telemetry.http import Refusal, SourceError
from telemetry.observations import Budget, Check, Connection, Facts, Outcome, Query, Scope, Sink, Status, Window

PREFLIGHT_BUDGET = Budget(deadline_seconds=20, requests=20, bytes=4 * 1024 * 1024)
REDACT = {"redact": "patterns of your own, by name"}


class ThroughCluster(ABC):
    """One question to one cluster; who derives from this says which lists it `needs` and what they mean."""

    kind = ""
    label = ""
    title = ""
    asks = ""
    needs: tuple[Resource, ...] = ()
    facts = Facts(collects="", limits="", tested="", of_cluster=True)

    def __init__(self, connection: Connection, archive: Archive | None = None) -> None:
        self.connection = connection
        self.archive = archive

    @abstractmethod
    def gather(self, gathering: Gathering) -> None:
        """Read the lists and keep what they tell; failures go on the gathering's account."""

    def preflight(self) -> list[Check]:
        """Whether each list is served and allowed, in the server's own words."""
        try:
            with open_http(self.connection, PREFLIGHT_BUDGET) as http:
                api = KubernetesApi(http)
                return [_check(api, resource) for resource in self.needs]
        except SourceError as error:
            return [Check("reachable", ok=False, detail=error.reason, remedy=error.remedy)]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        selection = Selection.of_scope(scope)
        places = ", ".join(selection.namespaces) or "all namespaces"
        params = selection.params() | {"at": iso(scope.started_at) if scope.started_at else ""}
        return [Query("objects", self.title, self.asks.format(places=places), params)]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        return gathered(self.connection, query, window, budget, sink, self.gather, archive=self.archive)


def _check(api: KubernetesApi, resource: Resource) -> Check:
    """A list of one item tells more than an access review: whether the cluster serves it at all."""
    name = f"list {resource.name}"
    try:
        api.get(resource.path(), {"limit": "1"})
    except Refusal as refusal:
        error = explained(refusal, resource, "")
        return Check(name, ok=False, detail=error.reason, remedy=error.remedy)
    except SourceError as error:
        return Check(name, ok=False, detail=error.reason, remedy=error.remedy)
    return Check(name, ok=True, detail="Served and allowed.")


def read(gathering: Gathering, resource: Resource, places: Sequence[str] = ("",)) -> tuple[list[Item], bool]:
    """The objects of a list, and whether it was answered to its end: only then what is not in it is not there."""
    before = gathering.answered
    found = [item for place in places for item in gathering.items(resource, place)]
    return found, gathering.answered == before + len(places)


def keep_strip(gathering: Gathering, plan: Plan, points: Sequence[RecoveryPoint], hits: Mapping[str, int]) -> None:
    """One strip; where nothing can be said of the time before the incident, the outcome says so too."""
    at, window = began(gathering), gathering.window
    inside = [point for point in points if point.at < window.end]
    gathering.keep(strip(plan, points, window=window, at=at, query=gathering.request, redactions=dict(hits)))
    if not is_known(plan, inside, at):
        remedy = "Let the recorder or the tool keep the objects of its backups for longer."
        gathering.cuts.append(SourceError(Status.PARTIAL, f"{plan.tool} {plan.name}: {NOT_KNOWN}", remedy=remedy))


def began(gathering: Gathering) -> datetime:
    """When the impact began, as far as anybody knows."""
    return gathering.at or gathering.window.start


def part(obj: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The mapping at this path, or an empty one."""
    found: Any = obj
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def text(obj: Mapping[str, Any], name: str, longest: int = 300) -> str:
    value = obj.get(name)
    return value[:longest] if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def told(obj: Mapping[str, Any], name: str) -> datetime | None:
    return credible(parse_time(obj.get(name)))


def whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
