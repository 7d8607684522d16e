"""Rollouts of the window: which revision came when, and what it changed.

A Deployment's revisions are its ReplicaSets; those of StatefulSets and DaemonSets are
ControllerRevisions. Rolling back gives an old object a new number without a new creation time, so
for such a revision the time comes from elsewhere, and `time_source` says from where.
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from telemetry.collectors.kubernetes.api import (
    CONTROLLER_REVISIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    EVENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Item,
    Resource,
)
from telemetry.collectors.kubernetes.archive import State
from telemetry.collectors.kubernetes.events import archived_events, listed_events, occurrence_of
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.revisions import differences
from telemetry.collectors.kubernetes.selection import subject_of
from telemetry.collectors.times import iso, parse_time
from telemetry.observations import EvidenceType, Level, Observation

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
CAUSE = "kubernetes.io/change-cause"
SCALING = "ScalingReplicaSet"

# (uid, number) and when the object of this uid got this number.
Numbered = dict[tuple[str, int], datetime]


@dataclass(frozen=True, slots=True)
class Revision:
    """One numbered state of a workload; `at` is None where nothing tells its time."""

    number: int
    name: str
    uid: str
    template: Mapping[str, Any]
    at: datetime | None
    time_source: str
    rollback: bool = False
    cause: str = ""
    replicas: int | None = None


def collect_rollouts(gathering: Gathering) -> None:
    """Keep every revision that came within the window, each with its difference to the one before."""
    states = _comparable(gathering, REPLICA_SETS)
    replica_sets, numbered = _by_owner(_last(states)), _numbered(states)
    scalings = _scalings(gathering) if any(map(_was_used_again, _flat(replica_sets))) else {}
    for deployment in gathering.newest(DEPLOYMENTS):
        owned = replica_sets.get(_uid(deployment), [])
        revisions = _timed(deployment, [one for owner in owned for one in _revisions_of(owner)], scalings, numbered)
        _keep_revisions(gathering, deployment, "Deployment", revisions)
    states = _comparable(gathering, CONTROLLER_REVISIONS)
    controller_revisions, numbered = _by_owner(_last(states)), _numbered(states)
    for resource, kind in ((STATEFUL_SETS, "StatefulSet"), (DAEMON_SETS, "DaemonSet")):
        for workload in gathering.newest(resource):
            revisions = _controlled(controller_revisions.get(_uid(workload), []), numbered)
            _keep_revisions(gathering, workload, kind, revisions)


def _comparable(gathering: Gathering, resource: Resource) -> list[State]:
    """Archived states have digests for values, so the live ones get them too."""
    redactor = gathering.redactor
    return [
        state if state.changed_at else replace(state, item=dict(redactor.digested(state.item, resource.name)))
        for state in gathering.states(resource)
    ]


def _last(states: list[State]) -> list[Item]:
    return [state.item for state in {one.uid: one for one in states}.values()]


def _numbered(states: list[State]) -> Numbered:
    """When an object that was already there got another number: a roll-back to it, as it was recorded."""
    found: Numbered = {}
    before: dict[str, int] = {}
    for state in states:
        number = _number_of(state.item)
        if state.changed_at is not None and state.uid in before and before[state.uid] < number:
            found.setdefault((state.uid, number), state.changed_at)
        before[state.uid] = number
    return found


def _number_of(item: Item) -> int:
    """A ControllerRevision's own number, a ReplicaSet's by its annotation."""
    if isinstance(item.get("revision"), int):
        return int(item["revision"])
    return max(_numbers((item["metadata"].get("annotations") or {}).get(REVISION)), default=0)


def _revisions_of(replica_set: Item) -> list[Revision]:
    """The current number of a ReplicaSet, and the earlier ones it had before it was used again."""
    annotations = replica_set["metadata"].get("annotations") or {}
    numbers = sorted({*_numbers(annotations.get(HISTORY)), *_numbers(annotations.get(REVISION))})
    created = parse_time(replica_set["metadata"].get("creationTimestamp"))
    spec = replica_set.get("spec") or {}
    desired = _numbers(annotations.get(DESIRED))
    return [
        Revision(
            number=number,
            name=str(replica_set["metadata"].get("name", "")),
            uid=_uid(replica_set),
            template=spec.get("template") or {},
            at=None if place else created,
            time_source="" if place else "replicaset_created",
            rollback=place > 0,
            cause=str(annotations.get(CAUSE) or "") if number == numbers[-1] else "",
            replicas=desired[0] if desired and number == numbers[-1] else None,
        )
        for place, number in enumerate(numbers)
    ]


def _timed(
    deployment: Item, revisions: list[Revision], scalings: Mapping[str, list[datetime]], numbered: Numbered
) -> list[Revision]:
    """Revisions in order; those of re-used ReplicaSets get the best time that is known."""
    ordered: list[Revision] = []
    for revision in sorted(revisions, key=lambda one: one.number):
        after = max((one.at for one in ordered if one.at), default=None)
        if revision.at is None:
            later = [one.at for one in revisions if one.number > revision.number and one.at]
            candidates = [
                (at, "scaling_event") for at in scalings.get(revision.name, []) if after is None or at > after
            ]
            candidates = [(at, how) for at, how in candidates if not later or at <= min(later)]
            if (recorded := numbered.get((revision.uid, revision.number))) is not None:
                candidates.append((recorded, "recorded_change"))
            if not later and (progress := _progressing(deployment, revision.name)):
                candidates.append((progress, "progressing_condition"))
            if candidates:
                at, how = min(candidates)
                revision = replace(revision, at=at, time_source=how)
        ordered.append(revision)
    return ordered


def _progressing(deployment: Item, replica_set: str) -> datetime | None:
    """When the Deployment last said that this ReplicaSet makes progress."""
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Progressing" and f'"{replica_set}"' in str(condition.get("message")):
            return parse_time(condition.get("lastUpdateTime"))
    return None


def _scalings(gathering: Gathering) -> dict[str, list[datetime]]:
    """When the deployment controller scaled a ReplicaSet up, by the ReplicaSet's name."""
    found: dict[str, list[datetime]] = defaultdict(list)
    events = [state.item for state in archived_events(gathering, places=gathering.selection.places, reason=SCALING)]
    if not gathering.is_covered(EVENTS):
        events += listed_events(gathering, fieldSelector=f"reason={SCALING}")
    for event in events:
        times = occurrence_of(event)
        words = str(event.get("message") or "").split()
        if times and len(words) > 4 and words[:4] == ["Scaled", "up", "replica", "set"]:
            found[words[4]] += [times.first, times.last]
    return found


def _controlled(revisions: list[Item], numbered: Numbered) -> list[Revision]:
    """ControllerRevisions in order; one older than a predecessor was used again, when only a recording knows."""
    found: list[Revision] = []
    newest: datetime | None = None
    for item in sorted(revisions, key=lambda one: one.get("revision") or 0):
        created = parse_time(item["metadata"].get("creationTimestamp"))
        used_again = bool(newest and created and created < newest)
        newest = max((at for at in (newest, created) if at), default=None)
        number = item.get("revision") or 0
        recorded = numbered.get((_uid(item), number))
        found.append(
            Revision(
                number=number,
                name=str(item["metadata"].get("name", "")),
                uid=_uid(item),
                template=((item.get("data") or {}).get("spec") or {}).get("template") or {},
                at=recorded if used_again else created,
                time_source=("recorded_change" if recorded else "") if used_again else "controllerrevision_created",
                rollback=used_again,
            )
        )
    return found


def _keep_revisions(gathering: Gathering, workload: Item, kind: str, revisions: list[Revision]) -> None:
    place = f"{workload['metadata'].get('namespace')}/{workload['metadata'].get('name')}"
    previous: Revision | None = None
    for revision in revisions:
        if revision.at is None:
            gathering.warnings.append(
                f"Revision {revision.number} of {kind} {place} used {revision.name} again; nothing tells when."
            )
        elif gathering.window.contains(revision.at):
            gathering.keep(_observe(gathering, workload, kind, previous, revision, revision.at))
        previous = revision


def _observe(
    gathering: Gathering, workload: Item, kind: str, previous: Revision | None, revision: Revision, at: datetime
) -> Observation:
    metadata = workload["metadata"]
    diff, hits = differences(previous.template, revision.template, gathering.redactor) if previous else ([], {})
    if previous and None not in (previous.replicas, revision.replicas) and previous.replicas != revision.replicas:
        diff.append({"path": "replicas", "before": str(previous.replicas), "after": str(revision.replicas)})
    cause = gathering.redactor.text(revision.cause[:500])
    replicas = revision.replicas if revision.replicas is not None else (workload.get("spec") or {}).get("replicas")
    payload = {
        "change": "rollout",
        "workload": {"kind": kind, "namespace": metadata.get("namespace", ""), "name": metadata.get("name", "")},
        "from_revision": previous.number if previous else None,
        "to_revision": revision.number,
        "diff": diff,
        "rollback": revision.rollback,
        "replicas": replicas,
        "cause": cause.text,
        "at": iso(at),
        "time_source": revision.time_source,
    }
    told = [f"{line['path']} {line['before'] or 'none'} → {line['after'] or 'none'}" for line in diff]
    return Observation(
        type=EvidenceType.STATE_CHANGE,
        dedup_key=f"rollout:{_uid(workload)}:{revision.number}",
        title=_title(payload),
        first_at=at,
        last_at=at,
        level=Level.WARNING if revision.rollback else Level.INFO,
        subject=subject_of(workload, kind=kind, group="apps"),
        summary="; ".join(part for part in (cause.text, *told) if part)[:1_000],
        payload=payload,
        query=gathering.request,
        redactions=dict(Counter(hits) + Counter(cause.hits)),
    )


def _title(payload: Mapping[str, Any]) -> str:
    name, number = payload["workload"]["name"], payload["to_revision"]
    if payload["from_revision"] is None:
        replicas = payload["replicas"]
        return f"{name} revision {number} rolled out, {replicas} {'replica' if replicas == 1 else 'replicas'}"
    return f"{name} revision {payload['from_revision']} → {number}" + (" (roll-back)" if payload["rollback"] else "")


def _by_owner(items: list[Item]) -> dict[str, list[Item]]:
    owned: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        for owner in item["metadata"].get("ownerReferences") or []:
            if owner.get("controller"):
                owned[str(owner.get("uid"))].append(item)
    return owned


def _flat(owned: Mapping[str, list[Item]]) -> list[Item]:
    return [item for items in owned.values() for item in items]


def _was_used_again(replica_set: Item) -> bool:
    return bool((replica_set["metadata"].get("annotations") or {}).get(HISTORY))


def _uid(item: Item) -> str:
    return str(item["metadata"].get("uid") or f"{item['metadata'].get('namespace')}/{item['metadata'].get('name')}")


def _numbers(text: Any) -> list[int]:
    """`"1,3"` as [1, 3]; anything that is no number is left out."""
    words = str(text or "").split(",")
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 10]
