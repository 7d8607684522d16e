"""Where an alert says that something is wrong, and which open incident is about that place. Reads its rows only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incidents.models import AlertRule, Incident
from telemetry.models import Alert, Cluster

NAMES = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:/-]*[A-Za-z0-9])?")
WORKLOADS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "cronjob": "CronJob"}


@dataclass(frozen=True, slots=True)
class Place:
    """`cluster` is the one that Debrief knows by `cluster_name`; empty texts mean that the alert does not say."""

    cluster: Cluster | None
    cluster_name: str
    namespace: str
    service: str
    workload: tuple[str, str] | None

    @property
    def is_nowhere(self) -> bool:
        return not (self.namespace or self.service or self.workload)


def place_of(alert: Alert, rule: AlertRule, clusters: Iterable[Cluster]) -> Place:
    """By the labels that the rule names; labels are hostile, so what is no name is none."""
    wanted = _name(alert, rule.cluster_label, 80)
    namespace = _name(alert, rule.namespace_label, 63)
    service = _name(alert, rule.service_label, 200)
    kinds = ((kind, _name(alert, label, 253)) for label, kind in WORKLOADS.items())
    workload = next(((kind, name) for kind, name in kinds if name and namespace), None)
    cluster = next((one for one in clusters if one.name == wanted), None) if wanted else None
    return Place(cluster, wanted, namespace, service, workload)


def _name(alert: Alert, label: str, longest: int) -> str:
    value = alert.label(label) if label else ""
    return value if len(value) <= longest and NAMES.fullmatch(value) else ""


def holding(place: Place, incidents: Sequence[Incident]) -> Incident | None:
    """The newest open incident whose scope holds the place. One that names no place holds nothing."""
    return next((one for one in incidents if _holds(one, place)), None)


def _holds(incident: Incident, place: Place) -> bool:
    clusters = {one.pk for one in incident.clusters.all()}
    is_elsewhere = place.cluster_name and (place.cluster is None or place.cluster.pk not in clusters)
    if place.is_nowhere or (clusters and is_elsewhere):
        return False
    if place.service and place.service in incident.services:
        return True
    workloads = [(one.kind, one.namespace, one.name) for one in incident.scope_workloads()]
    if place.workload is not None:
        kind, name = place.workload
        if (kind, place.namespace, name) in workloads:
            return True
        # Another workload of the same namespace is another matter, unless the whole namespace is in trouble.
        return not workloads and place.namespace in incident.namespaces
    inside = {namespace for _, namespace, _ in workloads}
    return bool(place.namespace) and (place.namespace in incident.namespaces or place.namespace in inside)
