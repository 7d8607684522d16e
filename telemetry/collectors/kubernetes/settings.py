"""What of an object's state people compare: by readable path, as short text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.kubernetes.revisions import Setting

CONDITION = "condition "
WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
# (path for people, where it stands in the object)
FIELDS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "HorizontalPodAutoscaler": (
        ("least replicas", ("spec", "minReplicas")),
        ("most replicas", ("spec", "maxReplicas")),
        ("current replicas", ("status", "currentReplicas")),
        ("desired replicas", ("status", "desiredReplicas")),
    ),
    "PodDisruptionBudget": (
        ("min available", ("spec", "minAvailable")),
        ("max unavailable", ("spec", "maxUnavailable")),
        ("disruptions allowed", ("status", "disruptionsAllowed")),
        ("healthy", ("status", "currentHealthy")),
    ),
    "PersistentVolumeClaim": (
        ("phase", ("status", "phase")),
        ("storage class", ("spec", "storageClassName")),
        ("volume", ("spec", "volumeName")),
        ("capacity", ("status", "capacity", "storage")),
    ),
    "Job": (
        ("active", ("status", "active")),
        ("succeeded", ("status", "succeeded")),
        ("failed", ("status", "failed")),
    ),
}


def settings_of(item: Item, kind: str) -> dict[str, Setting]:
    """All but the pod template, which `revisions.differences` compares."""
    found = dict(_replicas(item, kind)) if kind in WORKLOADS else {}
    for path, steps in FIELDS.get(kind, ()):
        value: Any = item
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None and value != "":
            found[path] = Setting(value, str(value))
    return found | conditions_of(item)


def conditions_of(item: Item) -> dict[str, Setting]:
    """By `condition TYPE`. Another reason for the same status is no change."""
    found = {}
    for condition in (item.get("status") or {}).get("conditions") or []:
        status, reason = str(condition.get("status") or ""), str(condition.get("reason") or "")
        found[f"{CONDITION}{condition.get('type')}"] = Setting(status, f"{status} ({reason})" if reason else status)
    return found


def is_told(before: Setting | None, after: Setting | None, path: str) -> bool:
    """Whether a difference is worth a line: a condition that appears and is True is how things should be."""
    if before is not None and after is not None:
        return bool(before.compared != after.compared)
    appeared = before is None and after is not None and path.startswith(CONDITION)
    return not (appeared and after is not None and after.compared == "True")


def replicas_of(item: Item, kind: str) -> tuple[int, int]:
    """Desired and ready."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if kind == "DaemonSet":
        return _number(status.get("desiredNumberScheduled")), _number(status.get("numberReady"))
    # A controller that was told nothing keeps one.
    desired = spec.get("replicas")
    return 1 if desired is None else _number(desired), _number(status.get("readyReplicas"))


def images_of(item: Item) -> list[str]:
    spec = (((item.get("spec") or {}).get("template") or {}).get("spec")) or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return [str(container.get("image") or "") for container in containers]


def template_of(item: Item) -> Mapping[str, Any]:
    return (item.get("spec") or {}).get("template") or {}


def _replicas(item: Item, kind: str) -> Iterator[tuple[str, Setting]]:
    desired, ready = replicas_of(item, kind)
    yield "replicas", Setting(desired, str(desired))
    yield "ready", Setting((ready, desired), f"{ready} of {desired}")


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
