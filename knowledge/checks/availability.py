"""Whether a service outlives the loss of a pod, a node, a zone, and a drain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from knowledge.checks import lists
from knowledge.checks.base import FAIL, PASS, UNKNOWN, Check, Finding, Param, Readings, plural
from knowledge.checks.workloads import SCALABLE, Line, Workload, find, mapping, over, selects
from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.kubernetes.selection import owner_of

GROUP = "Availability"
ZONES = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


def replicas(readings: Readings, params: Mapping[str, Any]) -> Finding:
    least = params["least"]

    def judge(workload: Workload) -> Line:
        desired, ready = workload.replicas
        cells = (str(desired), str(ready))
        if desired < least:
            said = f"{plural(desired, 'replica')} wanted, {least} expected"
            return Line(FAIL, said, cells, f"Raise spec.replicas (or the autoscaler's minReplicas) to {least} or more.")
        if ready < desired:
            said = f"{ready} of {plural(desired, 'replica')} ready"
            return Line(FAIL, said, cells, "Look at the Events of the pods that are not ready.")
        return Line(PASS, f"{ready} of {plural(desired, 'replica')} ready", cells)

    return over(readings, find(readings, SCALABLE), judge, columns=("Wanted", "Ready"))


def spread(readings: Readings, params: Mapping[str, Any]) -> Finding:
    found = find(readings, SCALABLE)
    pods, nodes = readings.listing(lists.PODS), readings.listing(lists.NODES)
    zones = {str(node["metadata"].get("name")): _zone(node) for node in nodes.items}

    def judge(workload: Workload) -> Line:
        mine = [pod for pod in pods.items if _owned(pod, workload) and _lives(pod)]
        on = [str(name) for pod in mine if (name := mapping(pod.get("spec")).get("nodeName"))]
        known = {zones[name] for name in on if zones.get(name)}
        cells = (str(len(mine)), _counted(on), _counted([zones.get(name) or "not told" for name in on]))
        if not pods.is_read:
            return Line(UNKNOWN, f"its pods could not be read: {pods.reason}", cells, pods.remedy)
        if len(set(on)) < params["nodes"]:
            said = f"{plural(len(mine), 'pod')} on {plural(len(set(on)), 'node')}, {params['nodes']} expected"
            return Line(
                FAIL, said, cells, "Add topologySpreadConstraints or podAntiAffinity over kubernetes.io/hostname."
            )
        if params["zones"] < 2:
            return Line(PASS, f"on {plural(len(set(on)), 'node')}", cells)
        if not nodes.is_read:
            return Line(UNKNOWN, f"the zones of its nodes could not be read: {nodes.reason}", cells, nodes.remedy)
        if not all(zones.get(name) for name in on):
            remedy = "Label nodes with topology.kubernetes.io/zone, or ask for 1 zone where the cluster has only one."
            return Line(UNKNOWN, "a node of its pods carries no label of its zone", cells, remedy)
        if len(known) < params["zones"]:
            said = f"in {plural(len(known), 'zone')}, {params['zones']} expected"
            return Line(FAIL, said, cells, "Add topologySpreadConstraints over topology.kubernetes.io/zone.")
        return Line(PASS, f"on {plural(len(set(on)), 'node')} in {plural(len(known), 'zone')}", cells)

    return over(readings, found, judge, columns=("Pods", "Nodes", "Zones"), also=(pods, nodes))


def _owned(pod: Item, workload: Workload) -> bool:
    place = str(pod["metadata"].get("namespace") or "")
    return place == workload.namespace and owner_of(pod) == (workload.kind, workload.name)


def _lives(pod: Item) -> bool:
    ended = mapping(pod.get("status")).get("phase") in {"Succeeded", "Failed"}
    return not ended and not pod["metadata"].get("deletionTimestamp")


def _zone(node: Item) -> str:
    labels = mapping(node["metadata"].get("labels"))
    return str(next((labels[name] for name in ZONES if labels.get(name)), ""))


def _counted(names: list[str]) -> str:
    counts = sorted(Counter(names).items())
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts) or "none"


def budget(readings: Readings, params: Mapping[str, Any]) -> Finding:
    budgets = readings.listing(lists.BUDGETS)
    # An empty selector took no pod before policy/v1, and takes all of them since.
    empty = not budgets.api.endswith("beta1")

    def judge(workload: Workload) -> Line:
        if not budgets.is_read:
            return Line(UNKNOWN, f"budgets could not be read: {budgets.reason}", ("", ""), budgets.remedy)
        mine = [
            one
            for one in budgets.items
            if one["metadata"].get("namespace") == workload.namespace
            and selects(mapping(one.get("spec")).get("selector"), workload.labels, empty=empty)
        ]
        if not mine:
            remedy = "Add a PodDisruptionBudget with maxUnavailable: 1 that selects its pods."
            return Line(FAIL, "no PodDisruptionBudget selects its pods", ("none", ""), remedy)
        if len(mine) > 1:
            said = f"{len(mine)} budgets select its pods, and eviction refuses that"
            names = ", ".join(str(one["metadata"].get("name")) for one in mine)
            return Line(FAIL, said, (names, ""), "Leave one PodDisruptionBudget for each pod.")
        return _drained(mine[0], workload)

    return over(readings, find(readings, SCALABLE), judge, columns=("Budget", "Allows"), also=(budgets,))


def _drained(item: Item, workload: Workload) -> Line:
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    least, most, allowed = spec.get("minAvailable"), spec.get("maxUnavailable"), status.get("disruptionsAllowed")
    told = f"maxUnavailable {most}" if most is not None else f"minAvailable {least}"
    cells = (f"{item['metadata'].get('name')}: {told}", "not told" if allowed is None else str(allowed))
    desired = workload.replicas[0]
    remedy = "Use maxUnavailable: 1, or run more replicas than minAvailable."
    if most in {0, "0%"} or least == "100%" or (isinstance(least, int) and least >= desired):
        return Line(
            FAIL, f"{told} of {plural(desired, 'replica')} never lets a pod go, so a drain hangs", cells, remedy
        )
    if allowed is None or int(status.get("observedGeneration") or 0) < int(item["metadata"].get("generation") or 0):
        return Line(UNKNOWN, "its controller has not yet said how many pods may go", cells, "Check again in a minute.")
    if allowed < 1:
        healthy, wanted = status.get("currentHealthy"), status.get("desiredHealthy")
        said = f"no pod may go now: {healthy} healthy, {wanted} needed ({told})"
        return Line(FAIL, said, cells, "Bring its pods back to ready first; then a drain goes on.")
    return Line(PASS, f"{told}, {plural(allowed, 'pod')} may go now", cells)


CHECKS = (
    Check(
        "replicas",
        "At least two replicas, all ready",
        GROUP,
        "workload",
        ("apps/deployments", "apps/statefulsets"),
        replicas,
        "Reads spec.replicas and status.readyReplicas.",
        (Param("least", "Least replicas", default=2, least=1, most=1_000),),
    ),
    Check(
        "spread",
        "Pods spread over nodes and zones",
        GROUP,
        "workload",
        ("apps/deployments", "apps/statefulsets", "pods", "nodes"),
        spread,
        "Reads where its pods run now, and the zones of those nodes.",
        (
            Param("nodes", "Least nodes", default=2, least=1, most=1_000),
            Param("zones", "Least zones", default=2, least=1, most=100, help="1 where the cluster has one zone"),
        ),
    ),
    Check(
        "disruption_budget",
        "A PodDisruptionBudget that lets a pod go",
        GROUP,
        "workload",
        ("apps/deployments", "apps/statefulsets", "policy/poddisruptionbudgets"),
        budget,
        "A budget that allows nothing holds up every drain of a node.",
    ),
)
