"""Node conditions that changed within the window, with the zone, the taints and the pods there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from telemetry.collectors.kubernetes.api import NODES, PODS, Item
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import subject_of
from telemetry.collectors.times import iso, parse_time
from telemetry.observations import EvidenceType, Level, Observation

ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
PODS_NAMED = 100

Changed = tuple[datetime, Mapping[str, Any]]


def collect_nodes(gathering: Gathering) -> None:
    """Keep one observation for each condition of a node that changed in the window.

    Conditions that went Unknown together with Ready are one change: the node fell silent.
    """
    for node in gathering.items(NODES):
        changes = _changes(gathering, node)
        pods = _pods_on(gathering, node) if any(_is_bad(condition) for _, condition in changes) else []
        silent_at = {at for at, one in changes if one.get("type") == "Ready" and one.get("status") == "Unknown"}
        for at, condition in changes:
            follows_ready = condition.get("status") == "Unknown" and condition.get("type") != "Ready"
            if follows_ready and at in silent_at:
                continue
            gathering.keep(_observe(gathering, node, at, condition, pods))


def _changes(gathering: Gathering, node: Item) -> list[Changed]:
    """Ready whichever way it turned; another condition when it is not at rest (False)."""
    found = []
    for condition in (node.get("status") or {}).get("conditions") or []:
        at = parse_time(condition.get("lastTransitionTime"))
        at_rest = condition.get("type") != "Ready" and condition.get("status") == "False"
        if at and gathering.window.contains(at) and not at_rest:
            found.append((at, condition))
    return found


def _is_bad(condition: Mapping[str, Any]) -> bool:
    return (condition.get("type") == "Ready") != (condition.get("status") == "True")


def _pods_on(gathering: Gathering, node: Item) -> list[str]:
    selector = f"spec.nodeName={node['metadata'].get('name', '')}"
    pods = gathering.everywhere(PODS, fieldSelector=selector)
    return sorted(f"{pod['metadata'].get('namespace')}/{pod['metadata'].get('name')}" for pod in pods)


def _observe(
    gathering: Gathering, node: Item, at: datetime, condition: Mapping[str, Any], pods: list[str]
) -> Observation:
    message = gathering.redactor.text(str(condition.get("message") or ""))
    payload = _payload(node, at, condition, message.text, pods)
    name, zone, bad = payload["node"], payload["zone"], _is_bad(condition)
    title = _title(name, payload["condition"], payload["status"], bad=bad)
    alarm = Level.ERROR if payload["condition"] == "Ready" else Level.WARNING
    told = (message.text, f"{len(pods)} pods there" if payload["pods"] else "")
    return Observation(
        type=EvidenceType.STATE_CHANGE,
        dedup_key=f"node:{node['metadata'].get('uid') or name}:{payload['condition']}:{iso(at)}",
        title=f"{title} ({zone})" if zone else title,
        first_at=at,
        last_at=at,
        level=alarm if bad else Level.NORMAL,
        subject=subject_of(node, kind="Node", node=name),
        summary=" · ".join(part for part in told if part),
        payload=payload,
        query=gathering.request,
        redactions=message.hits,
    )


def _payload(node: Item, at: datetime, condition: Mapping[str, Any], message: str, pods: list[str]) -> dict[str, Any]:
    labels = node["metadata"].get("labels") or {}
    taints = (node.get("spec") or {}).get("taints") or []
    there = pods if _is_bad(condition) else []
    return {
        "change": "node_condition",
        "node": str(node["metadata"].get("name")),
        "zone": next((str(labels[label]) for label in ZONE_LABELS if label in labels), ""),
        "condition": str(condition.get("type")),
        "status": str(condition.get("status")),
        "reason": str(condition.get("reason") or ""),
        "message": message,
        "at": iso(at),
        "taints": [{key: str(taint.get(key) or "") for key in ("key", "value", "effect")} for taint in taints],
        "pods": there[:PODS_NAMED],
        "pods_total": len(there),
    }


def _title(name: str, condition: str, status: str, *, bad: bool) -> str:
    if condition == "Ready":
        return f"Node {name} not ready" if bad else f"Node {name} ready"
    return f"Node {name}: {condition} is {status}" if bad else f"Node {name}: {condition} ended"
