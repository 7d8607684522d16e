"""The state at the incident, not the state now: each workload as it was at the start, and what changed in the window.

Only the archive knows; the live API shows how things are by the time that somebody asks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from telemetry.collectors.kubernetes.api import (
    AUTOSCALERS,
    BUDGETS,
    CLAIMS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    PODS,
    STATEFUL_SETS,
    Item,
)
from telemetry.collectors.kubernetes.archive import State
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.revisions import differences
from telemetry.collectors.kubernetes.selection import owner_of, subject_of
from telemetry.collectors.kubernetes.settings import (
    CONDITION,
    WORKLOADS,
    conditions_of,
    images_of,
    is_told,
    replicas_of,
    settings_of,
    template_of,
)
from telemetry.collectors.times import iso, parse_time
from telemetry.http import SourceError
from telemetry.observations import EvidenceType, Level, Observation, Status, Window

COMPARED = (
    (DEPLOYMENTS, "Deployment"),
    (STATEFUL_SETS, "StatefulSet"),
    (DAEMON_SETS, "DaemonSet"),
    (JOBS, "Job"),
    (AUTOSCALERS, "HorizontalPodAutoscaler"),
    (BUDGETS, "PodDisruptionBudget"),
    (CLAIMS, "PersistentVolumeClaim"),
)
MOMENT = timedelta(milliseconds=1)
ROWS = 60
OBJECT = "object"
PODS_NAMED = 50
REMEDY = (
    "Let the recorder watch this cluster (see Sources) and keep it running; "
    "it keeps states from then on, and no other source remembers them."
)

Row = dict[str, str | None]
Placed = Mapping[tuple[str, str, str], list[Item]]


def collect_state(gathering: Gathering) -> None:
    """One summary for each workload of the scope, one difference for each object that changed."""
    if gathering.archive is None or gathering.coverage_of(DEPLOYMENTS).is_empty:
        words = "The recorder was not watching then, so the state at the incident is not known."
        gathering.failures.append(SourceError(Status.NOT_CONFIGURED, words, remedy=REMEDY))
        return
    window = gathering.window
    at = min(max(gathering.at or window.start, window.start), gathering.needed_to)
    before, after = _placed(gathering, at), _placed(gathering, gathering.needed_to - MOMENT)
    for resource, kind in COMPARED:
        by_object: dict[str, list[State]] = defaultdict(list)
        for state in gathering.archived(resource):
            if _in_scope(gathering, state.item):
                by_object[state.uid].append(state)
        for states in by_object.values():
            shown = next((state for state in states if state.holds_at(at)), None)
            place = _place(states[-1].item, kind)
            if kind in WORKLOADS and shown is not None:
                gathering.keep(_summary(gathering, kind, shown, at, before.get(place, [])))
            moved = _nodes(before.get(place, [])), _nodes(after.get(place, []))
            _keep_changes(gathering, kind, states, moved)


def _in_scope(gathering: Gathering, item: Item) -> bool:
    """By name, as budgets and claims say nothing else; an autoscaler by what it scales."""
    namespace = str(item["metadata"].get("namespace") or "")
    target = (item.get("spec") or {}).get("scaleTargetRef") or {}
    names = [str(name) for name in (item["metadata"].get("name"), target.get("name")) if name]
    return any(gathering.selection.covers(namespace, name) for name in names)


def _placed(gathering: Gathering, at: datetime) -> Placed:
    """The pods at a moment by their workload's (kind, namespace, name)."""
    found: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for state in gathering.archived(PODS, window=Window(at, at + MOMENT)):
        kind, name = owner_of(state.item)
        found[kind, str(state.item["metadata"].get("namespace") or ""), name].append(state.item)
    return found


def _place(item: Item, kind: str) -> tuple[str, str, str]:
    return kind, str(item["metadata"].get("namespace") or ""), str(item["metadata"].get("name") or "")


def _nodes(pods: list[Item]) -> str:
    names = Counter(str((pod.get("spec") or {}).get("nodeName") or "not scheduled") for pod in pods)
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in sorted(names.items()))


def _summary(gathering: Gathering, kind: str, state: State, at: datetime, pods: list[Item]) -> Observation:
    item, name = state.item, str(state.item["metadata"].get("name") or "")
    desired, ready = replicas_of(item, kind)
    images = images_of(item)
    payload = {
        "change": "state",
        "at": iso(at),
        "workload": {"kind": kind, "namespace": item["metadata"].get("namespace", ""), "name": name},
        "desired": desired,
        "ready": ready,
        "images": images,
        "generation": item["metadata"].get("generation"),
        "conditions": [f"{path.removeprefix(CONDITION)} {told.shown}" for path, told in conditions_of(item).items()],
        "nodes": _nodes(pods),
        "pods": [_pod(pod) for pod in pods[:PODS_NAMED]],
        "pods_total": len(pods),
        "since": iso(state.changed_at) if state.changed_at else "",
    }
    short = ", ".join(image.rpartition("/")[2] for image in images)
    return Observation(
        type=EvidenceType.STATE_CHANGE,
        dedup_key=f"state:{state.uid}",
        title=f"{name} when it began: {ready} of {desired} ready",
        first_at=at,
        last_at=at,
        level=Level.NORMAL,
        subject=subject_of(item, kind=kind, group="apps"),
        summary=f"{short}; on {payload['nodes']}" if pods else short,
        payload=payload,
        query=gathering.request,
    )


def _pod(pod: Item) -> dict[str, str]:
    status = pod.get("status") or {}
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or [])
    return {
        "name": str(pod["metadata"].get("name") or ""),
        "node": str((pod.get("spec") or {}).get("nodeName") or ""),
        "phase": str(status.get("phase") or ""),
        "ready": "ready" if ready else "not ready",
    }


def _keep_changes(gathering: Gathering, kind: str, states: list[State], moved: tuple[str, str]) -> None:
    """Step by step, so that a change that was taken back is seen too."""
    rows: list[Row] = []
    hits: Counter[str] = Counter()
    times: list[datetime] = []
    for earlier, later in pairwise(states):
        told, redacted = _difference(gathering, kind, earlier.item, later.item)
        if told and later.changed_at is not None:
            rows += [{**row, "at": iso(later.changed_at)} for row in told]
            times.append(later.changed_at)
            hits.update(redacted)
    for at, row in _beginning_and_end(gathering, states):
        rows.append({**row, "at": iso(at)})
        times.append(at)
    times = [at for at in times if gathering.window.contains(at)]
    if not times:
        return
    rows.sort(key=lambda row: str(row["at"]))
    if moved[0] != moved[1]:
        rows.append({"path": "nodes", "before": moved[0] or None, "after": moved[1] or None})
    gathering.keep(_observe_changes(gathering, kind, states[-1], rows, times, hits))


def _difference(gathering: Gathering, kind: str, before: Item, after: Item) -> tuple[list[Row], Mapping[str, int]]:
    rows, hits = (
        differences(template_of(before), template_of(after), gathering.redactor) if kind in WORKLOADS else ([], {})
    )
    old, new = settings_of(before, kind), settings_of(after, kind)
    for path in [*new, *(path for path in old if path not in new)]:
        was, now = old.get(path), new.get(path)
        if is_told(was, now, path):
            rows.append({"path": path, "before": was.shown if was else None, "after": now.shown if now else None})
    return rows, hits


def _beginning_and_end(gathering: Gathering, states: list[State]) -> list[tuple[datetime, Row]]:
    found: list[tuple[datetime, Row]] = []
    created, last = parse_time(states[0].item["metadata"].get("creationTimestamp")), states[-1]
    if created is not None and gathering.window.contains(created):
        found.append((created, {"path": OBJECT, "before": None, "after": "created"}))
    if last.is_gone and last.until_at is not None and gathering.window.contains(last.until_at):
        found.append((last.until_at, {"path": OBJECT, "before": "there", "after": "deleted"}))
    return found


def _observe_changes(
    gathering: Gathering, kind: str, last: State, rows: list[Row], times: list[datetime], hits: Mapping[str, int]
) -> Observation:
    name = str(last.item["metadata"].get("name") or "")
    payload: dict[str, Any] = {
        "change": "state",
        "kind": kind,
        "namespace": last.item["metadata"].get("namespace", ""),
        "name": name,
        "diff": rows[:ROWS],
        "changes": len(times),
    }
    told = [f"{row['path']} {row['before'] or 'none'} → {row['after'] or 'none'}" for row in rows]
    return Observation(
        type=EvidenceType.STATE_CHANGE,
        dedup_key=f"state-change:{last.uid}",
        title=f"{kind} {name} {_in_short(rows)}",
        first_at=min(times),
        last_at=max(times),
        level=Level.NORMAL,
        subject=subject_of(last.item, kind=kind),
        summary="; ".join(told)[:1_000],
        payload=payload,
        query=gathering.request,
        redactions=dict(hits),
        flags={"truncated": True} if len(rows) > ROWS else {},
    )


def _in_short(rows: list[Row]) -> str:
    """`changed: image, ready and 3 more`, `was created`, `was deleted, changed: ready`."""
    paths = list(dict.fromkeys(str(row["path"]) for row in rows if row["path"] != OBJECT))
    # What somebody set before what followed from it.
    paths.sort(key=lambda path: path.startswith(CONDITION))
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    ends = [f"was {row['after']}" for row in rows if row["path"] == OBJECT]
    return ", ".join([*ends, *([f"changed: {', '.join(paths[:3])}{more}"] if paths else [])])
