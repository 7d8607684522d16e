"""Whether a service grows with its load, and whether its autoscaler works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knowledge.checks import lists
from knowledge.checks.base import FAIL, PASS, UNKNOWN, Check, Finding, Listing, Param, Readings, parsed
from knowledge.checks.workloads import SCALABLE, Line, Workload, find, mapping, objects, over
from telemetry.collectors.kubernetes.api import Item

GROUP = "Scaling"
ANNOTATION = "autoscaling.alpha.kubernetes.io/"
ON_QUEUES = ("External", "Object", "Pods")
NOT_QUEUES = frozenset({"cpu", "memory", "cron"})
NEEDS = ("apps/deployments", "autoscaling/horizontalpodautoscalers", "keda.sh/scaledobjects")


def autoscaler(readings: Readings, params: Mapping[str, Any]) -> Finding:
    scalers, scaled = readings.listing(lists.AUTOSCALERS), readings.listing(lists.SCALED_OBJECTS)

    def judge(workload: Workload) -> Line:
        if (blind := _unread(scalers)) is not None:
            return blind
        mine = [one for one in scalers.items if _scales(one, workload, "scaleTargetRef")]
        if not mine:
            return _without(workload, scaled, params["reason"])
        return _works(mine[0])

    return over(readings, find(readings, ("Deployment",)), judge, columns=("Autoscaler",), also=(scalers, scaled))


def _without(workload: Workload, scaled: Listing, reason: str) -> Line:
    if reason:
        return Line(PASS, f"no autoscaler, for the reason given: {reason}", ("none",))
    if any(_scales(one, workload, "scaleTargetRef") for one in scaled.items):
        words = "a ScaledObject of KEDA names it, and its autoscaler is not there"
        return Line(FAIL, words, ("ScaledObject",), "Look at the conditions of the ScaledObject.")
    if (blind := _unread(scaled)) is not None:
        return blind
    remedy = "Add a HorizontalPodAutoscaler, or say in the parameter reason why its replicas are fixed."
    return Line(FAIL, "no autoscaler, and no reason given", ("none",), remedy)


def _works(item: Item) -> Line:
    spec = mapping(item.get("spec"))
    least, most = spec.get("minReplicas") or 1, spec.get("maxReplicas") or 0
    cells = (f"{item['metadata'].get('name')}: {least} to {most}",)
    if most <= least:
        return Line(FAIL, f"from {least} to {most} replicas it cannot scale", cells, "Raise maxReplicas.")
    told = {str(one.get("type")): one for one in _conditions(item)}
    for name in ("AbleToScale", "ScalingActive"):
        condition = told.get(name)
        if condition is not None and condition.get("status") != "True":
            said = f"{name} is {condition.get('status')} ({condition.get('reason')}): {condition.get('message')}"
            return Line(FAIL, said, cells, _remedy(str(condition.get("reason"))))
    if not {"AbleToScale", "ScalingActive"} <= set(told):
        words = "its autoscaler does not say whether it can scale"
        return Line(UNKNOWN, words, cells, "Wait until its controller has looked, then check again.")
    limited = told.get("ScalingLimited", {}).get("status") == "True"
    at = " (now at its limit)" if limited else ""
    return Line(PASS, f"scales from {least} to {most}{at}", cells)


def _remedy(reason: str) -> str:
    if reason in {"FailedGetResourceMetric", "FailedGetPodsMetric", "FailedGetObjectMetric", "FailedGetExternalMetric"}:
        return "Install the metrics server or the adapter that serves this metric, and give every container a request."
    return "Look at the Events of the autoscaler."


def _conditions(item: Item) -> list[Mapping[str, Any]]:
    """v2 has them in the status, v1 as JSON in an annotation."""
    told = objects(mapping(item.get("status")).get("conditions"))
    return told or list(parsed(mapping(item["metadata"].get("annotations")).get(f"{ANNOTATION}conditions")))


def _metrics(item: Item) -> list[Mapping[str, Any]]:
    told = objects(mapping(item.get("spec")).get("metrics"))
    return told or list(parsed(mapping(item["metadata"].get("annotations")).get(f"{ANNOTATION}metrics")))


def _scales(item: Item, workload: Workload, key: str) -> bool:
    target = mapping(mapping(item.get("spec")).get(key))
    kind = target.get("kind") or "Deployment"
    here = item["metadata"].get("namespace") == workload.namespace
    return here and (kind, target.get("name")) == (workload.kind, workload.name)


def _unread(listing: Listing) -> Line | None:
    if listing.is_read:
        return None
    return Line(UNKNOWN, f"could not be read: {listing.reason}", ("",), listing.remedy)


def queue(readings: Readings, params: Mapping[str, Any]) -> Finding:
    scalers, scaled = readings.listing(lists.AUTOSCALERS), readings.listing(lists.SCALED_OBJECTS)

    def judge(workload: Workload) -> Line:
        for item in scaled.items:
            if _scales(item, workload, "scaleTargetRef"):
                kinds = [str(one.get("type")) for one in objects(mapping(item.get("spec")).get("triggers"))]
                if any(kind not in NOT_QUEUES for kind in kinds):
                    return Line(PASS, f"KEDA scales it on {', '.join(kinds)}", ("ScaledObject",))
        mine = [one for one in scalers.items if _scales(one, workload, "scaleTargetRef")]
        kinds = [str(metric.get("type")) for item in mine for metric in _metrics(item)]
        if any(kind in ON_QUEUES for kind in kinds):
            return Line(PASS, f"scales on {', '.join(kinds)} metrics", (", ".join(kinds),))
        for listing in (scalers, scaled):
            if (blind := _unread(listing)) is not None:
                return blind
        remedy = "Scale on the length of the queue: an external metric, or a ScaledObject of KEDA."
        if not mine:
            return Line(FAIL, "nothing scales it", ("none",), remedy)
        said = "it scales on CPU or memory alone, which stay low while a queue grows"
        return Line(FAIL, said, (", ".join(kinds) or "CPU",), remedy)

    return over(readings, find(readings, SCALABLE), judge, columns=("Metrics",), also=(scalers, scaled))


CHECKS = (
    Check(
        "autoscaler",
        "An autoscaler that works, or a reason for none",
        GROUP,
        "workload",
        NEEDS,
        autoscaler,
        "Reads the autoscaler's own conditions, such as FailedGetResourceMetric.",
        (Param("reason", "Why there is none", "text", "", help="such as: two fixed replicas, elected leader"),),
    ),
    Check(
        "queue_scaling",
        "A queue worker scales on the length of its queue",
        GROUP,
        "workload",
        (*NEEDS, "apps/statefulsets"),
        queue,
        "An external, object or pods metric, or a ScaledObject of KEDA; CPU stays low while a queue grows.",
    ),
)
