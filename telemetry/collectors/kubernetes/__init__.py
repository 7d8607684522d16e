"""What a Kubernetes cluster says of a window: Events, rollouts, restarts, nodes and logs."""

from __future__ import annotations

from collections.abc import Callable

from telemetry.collectors.kubernetes.api import KubernetesApi
from telemetry.collectors.kubernetes.archive import Archive
from telemetry.collectors.kubernetes.asking import gathered
from telemetry.collectors.kubernetes.connection import InvalidKubeconfig, open_http, validate_kubeconfig
from telemetry.collectors.kubernetes.events import collect_events
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.logs import collect_logs
from telemetry.collectors.kubernetes.nodes import collect_nodes
from telemetry.collectors.kubernetes.preflight import PREFLIGHT_BUDGET, check_cluster
from telemetry.collectors.kubernetes.restarts import collect_restarts
from telemetry.collectors.kubernetes.rollouts import collect_rollouts
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.collectors.kubernetes.state import collect_state
from telemetry.collectors.times import iso
from telemetry.http import SourceError
from telemetry.observations import Budget, Check, Connection, Facts, Outcome, Query, Scope, Sink, Status, Window

__all__ = ["InvalidKubeconfig", "KubernetesCollector", "validate_kubeconfig"]

NOUNS: dict[str, tuple[str, str, Callable[[Gathering], None]]] = {
    "events": ("Events", "list events in {places}, and those of nodes; Normal ones{narrowed}", collect_events),
    "rollouts": (
        "Rollouts",
        "list deployments, replicasets, statefulsets, daemonsets, controllerrevisions in {places}",
        collect_rollouts,
    ),
    "restarts": ("Restarts and waiting pods", "list pods in {places}{narrowed}", collect_restarts),
    "nodes": ("Node conditions", "list nodes; pods in {places} on those not ready", collect_nodes),
    "logs": (
        "Logs of containers in trouble",
        "list pods in {places}{narrowed}; get pods/log, this life and the one before",
        collect_logs,
    ),
    "state": (
        "State when it began",
        "archived states of workloads, autoscalers, budgets, claims and pods in {places}{narrowed}",
        collect_state,
    ),
}


class KubernetesCollector:
    """One cluster. `connection.options`: `namespaces` that preflight checks instead of the cluster,
    `redact` with custom patterns by name. What `archive` holds of the window is read there; the live
    API is asked for what it does not hold."""

    kind = "kubernetes"
    label = "Kubernetes"
    facts = Facts(
        collects="Events; rollouts as differences between revisions; restarts with exit codes; pods that never "
        "started; node conditions; current and previous logs of containers in trouble",
        limits="5,000 objects and 16 MiB a query; 5,000 lines or 1 MiB of a container's log",
        tested="recordings of a real 1.20 control plane, served over HTTP by a stand-in",
        of_cluster=True,
        options={
            "namespaces": "checked by the preflight in place of the whole cluster",
            "redact": "patterns of your own, by name",
        },
    )

    def __init__(self, connection: Connection, archive: Archive | None = None) -> None:
        self.connection = connection
        self.archive = archive

    def preflight(self) -> list[Check]:
        namespaces = tuple(str(name) for name in self.connection.options.get("namespaces", ()))
        try:
            with open_http(self.connection, PREFLIGHT_BUDGET) as http:
                return check_cluster(KubernetesApi(http), namespaces)
        except SourceError as error:
            return [Check("reachable", ok=False, detail=error.reason, remedy=error.remedy)]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        selection = Selection.of_scope(scope)
        places = ", ".join(selection.namespaces) or "all namespaces"
        names = ", ".join(f"{one.kind} {one.namespace}/{one.name}" for one in selection.workloads)
        narrowed = f" of {names}" if names else ""
        params = selection.params() | {"at": iso(scope.started_at) if scope.started_at else ""}
        return [
            Query(name=name, title=title, text=text.format(places=places, narrowed=narrowed), params=params)
            for name, (title, text, _) in NOUNS.items()
        ]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        if query.name not in NOUNS:
            return Outcome(Status.INVALID_QUERY, reason=f"query: expected one of {', '.join(NOUNS)}")
        gather = NOUNS[query.name][2]
        return gathered(self.connection, query, window, budget, sink, gather, archive=self.archive)
