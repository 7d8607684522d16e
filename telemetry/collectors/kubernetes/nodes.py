"""Node conditions that changed within the window, with the zone, the taints and the pods there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telemetry.collectors.kubernetes.api import NODES, PODS, Item
from telemetry.collectors.kubernetes.archive import State
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import subject_of
from telemetry.collectors.times import iso, parse_time
from telemetry.observations import EvidenceType, Level, Observation
from telemetry.signals import signal_of_condition

ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
PODS_NAMED = 100

Changed = tuple[datetime, Mapping[str, Any]]


def collect_nodes(gathering: Gathering) -> None:
    """Keep one observation for each condition of a node that changed in the window.

    Conditions that went Unknown together with Ready are one change: the node fell silent.
    """
    found = [
        (state.uid, state.item, _changes(gathering, state.item)) for state in gathering.states(NODES, places=("",))
    ]
    silent = {
        (uid, at)
        for uid, _, changes in found
        for at, one in changes
        if one.get("type") == "Ready" and one.get("status") == "Unknown"
    }
    pods = Pods(gathering)
    for uid, node, changes in found:
        is_bad = any(_is_bad(condition) for _, condition in changes)
        for at, condition in changes:
            follows_ready = condition.get("status") == "Unknown" and condition.get("type") != "Ready"
            if follows_ready and (uid, at) in silent:
                continue
            there = pods.on(node, at) if is_bad else []
            gathering.keep_newest(_observe(gathering, node, at, condition, there))


@dataclass
class Pods:
    """Which pods were on a node: when it changed, if that is recorded, else now."""

    gathering: Gathering
    recorded: list[State] | None = None
    listed: dict[str, list[str]] = field(default_factory=dict)

    def on(self, node: Item, at: datetime) -> list[str]:
        name = str(node["metadata"].get("name", ""))
        if self.gathering.is_covered(PODS):
            if self.recorded is None:
                self.recorded = self.gathering.states(PODS)
            return _named(state.item for state in self.recorded if _node_of(state.item) == name and state.holds_at(at))
        if name not in self.listed:
            places, selector = self.gathering.selection.places, f"spec.nodeName={name}"
            items = self.gathering.items
            self.listed[name] = _named(pod for place in places for pod in items(PODS, place, fieldSelector=selector))
        return self.listed[name]


def _node_of(pod: Item) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _named(pods: Iterable[Item]) -> list[str]:
    return sorted({f"{pod['metadata'].get('namespace')}/{pod['metadata'].get('name')}" for pod in pods})


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


def _observe(
    gathering: Gathering, node: Item, at: datetime, condition: Mapping[str, Any], pods: list[str]
) -> Observation:
    message = gathering.redactor.text(str(condition.get("message") or ""))
    payload = _payload(node, at, condition, message.text, pods)
    name, zone, bad = payload["node"], payload["zone"], _is_bad(condition)
    told = {"type_": payload["condition"], "status": payload["status"], "reason": payload["reason"]}
    if signal := signal_of_condition(kind="Node", name=name, **told):
        payload["signal"] = signal
    title = _title(name, payload["condition"], payload["status"], bad=bad)
    alarm = Level.ERROR if payload["condition"] == "Ready" else Level.WARNING
    words = (message.text, f"{len(pods)} pods there" if payload["pods"] else "")
    return Observation(
        type=EvidenceType.STATE_CHANGE,
        dedup_key=f"node:{node['metadata'].get('uid') or name}:{payload['condition']}:{iso(at)}",
        title=f"{title} ({zone})" if zone else title,
        first_at=at,
        last_at=at,
        level=alarm if bad else Level.NORMAL,
        subject=subject_of(node, kind="Node", node=name),
        summary=" · ".join(part for part in words if part),
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
