"""Targets as they are typed or taken from an incident, checked."""

from __future__ import annotations

from typing import Any

from accounts.problems import InvalidInput
from incidents.models import Incident
from knowledge.checks.workloads import KINDS
from telemetry.fields import NAME
from telemetry.models import Cluster

FIELDS = ("cluster", "namespace", "workload_kind", "workload_name", "service")


def clean_target(
    *,
    cluster: Cluster | None = None,
    namespace: str = "",
    workload_kind: str = "",
    workload_name: str = "",
    service: str = "",
) -> dict[str, Any]:
    """The fields of a `Targeted`; raises InvalidInput naming the one that is wrong."""
    namespace, name, service = namespace.strip(), workload_name.strip(), " ".join(service.split())
    if namespace and (len(namespace) > 63 or not NAME.match(namespace)):
        raise InvalidInput("namespace", "expected the name of a namespace, such as shop")
    if name and (len(name) > 253 or not NAME.match(name)):
        raise InvalidInput("workload_name", "expected the name of a workload, such as checkout")
    if len(service) > 200:
        raise InvalidInput("service", "expected at most 200 characters")
    if workload_kind and workload_kind not in KINDS:
        raise InvalidInput("workload_kind", f"is {workload_kind[:40]!r}; expected one of {', '.join(KINDS)}")
    if name and not namespace:
        raise InvalidInput("namespace", "name the namespace of the workload")
    if name and not workload_kind:
        raise InvalidInput("workload_kind", f"expected one of {', '.join(KINDS)}")
    kind = workload_kind if name else ""
    return {
        "cluster": cluster,
        "namespace": namespace,
        "workload_kind": kind,
        "workload_name": name,
        "service": service,
    }


def target_of_incident(incident: Incident) -> dict[str, Any]:
    """What of an incident's scope is unmistakable: one cluster, one workload or namespace, one service."""
    clusters = list(incident.clusters.all()[:2])
    workloads = [one for one in incident.workloads if one.get("kind") in KINDS]
    one = workloads[0] if len(workloads) == 1 else {}
    namespaces = list(incident.namespaces)
    services = list(incident.services)
    return {
        "cluster": clusters[0] if len(clusters) == 1 else None,
        "namespace": one.get("namespace") or (namespaces[0] if len(namespaces) == 1 else ""),
        "workload_kind": one.get("kind", ""),
        "workload_name": one.get("name", ""),
        "service": services[0] if len(services) == 1 else "",
    }
