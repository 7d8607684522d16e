"""An object as it was: what is kept of it, whether it differs from before, which containers ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from telemetry.collectors.kubernetes.restarts import Container, containers_of
from telemetry.collectors.kubernetes.selection import owner_of
from telemetry.collectors.times import credible, parse_time
from telemetry.recorder.essence import digest_of
from telemetry.recorder.resources import Recorded
from telemetry.redaction import Redactor
from telemetry.signals import signals_of_object

# A server whose clock runs ahead must not put a state into the future.
LARGEST_LEAD = timedelta(minutes=5)
MESSAGE_LIMIT = 4_000
# What a status tells of its own changes, down to a container's: containerStatuses, one, state, running.
STATUS_TIMES = frozenset({"lastTransitionTime", "startedAt", "finishedAt", "startTime", "completionTime"})
STATUS_DEPTH = 6
# Kept out altogether: long lists of a node that no incident asks for.
UNKEPT_STATUS = {"Node": {"images", "volumesInUse", "volumesAttached"}}
_ENCODER = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Ending:
    """One end of a container's life, as `ContainerEnding` has it."""

    namespace: str
    pod: str
    pod_uid: str
    container: str
    container_id: str
    init: bool
    restarts: int
    exit_code: int | None
    reason: str
    message: str
    started_at: datetime | None
    finished_at: datetime
    node: str
    workload_kind: str
    workload_name: str
    is_previous: bool
    redactions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class State:
    """One state of one object, trimmed and redacted, as `ObjectSnapshot` has it."""

    uid: str
    group: str
    kind: str
    namespace: str
    name: str
    resource_version: str
    generation: int
    owner_kind: str
    owner_name: str
    owner_uid: str
    changed_at: datetime
    body: str
    digest: str
    redactions: Mapping[str, int]
    signals: tuple[str, ...] = ()
    is_gone: bool = False
    endings: tuple[Ending, ...] = field(default=())


def state_of(
    obj: Mapping[str, Any], recorded: Recorded, *, now: datetime, redactor: Redactor, is_gone: bool = False
) -> State | None:
    """None for an object without uid and name. `now` is when it arrived."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("uid") or not metadata.get("name"):
        return None
    changed_at = deleted_at(metadata, now) if is_gone else written_at(obj, now)
    digested = redactor.digested(obj, recorded.name)
    trimmed = redactor.trim_object({**digested, "kind": recorded.kind}, kind=recorded.kind)
    body = _kept(trimmed.value, recorded.kind)
    owner: Mapping[str, Any] = next((one for one in metadata.get("ownerReferences") or [] if one.get("controller")), {})
    generation = metadata.get("generation")
    return State(
        uid=str(metadata["uid"])[:128],
        group=recorded.group,
        kind=recorded.kind,
        namespace=str(metadata.get("namespace") or "")[:253],
        name=str(metadata["name"])[:300],
        resource_version=str(metadata.get("resourceVersion") or "")[:200],
        generation=generation if isinstance(generation, int) and 0 <= generation < 2**62 else 0,
        owner_kind=str(owner.get("kind") or "")[:120],
        owner_name=str(owner.get("name") or "")[:300],
        owner_uid=str(owner.get("uid") or "")[:128],
        changed_at=changed_at,
        body=_ENCODER.encode(body).decode(),
        digest=digest_of(body, recorded.kind),
        redactions=trimmed.hits,
        signals=tuple(signals_of_object(recorded.kind, body)),
        is_gone=is_gone,
        endings=tuple(_endings(body, redactor)) if recorded.kind == "Pod" else (),
    )


def written_at(obj: Mapping[str, Any], now: datetime) -> datetime:
    """The last write that the object's managedFields or, if later, its status tell; its arrival where the former tell none.

    A server of 1.20 leaves the time of managedFields as it is when a manager writes other values into the fields
    that it had, as a kubelet does with each restart of a container.
    """
    metadata = obj["metadata"]
    fields = metadata.get("managedFields")
    told = [credible(parse_time(one.get("time"))) for one in fields or [] if isinstance(one, Mapping)]
    created = parse_time(metadata.get("creationTimestamp"))
    last = max((at for at in (*told, created if told else None) if at is not None), default=None)
    if last is None or last > now + LARGEST_LEAD:
        return now
    return max([last, *(at for at in _status_times(obj.get("status")) if at <= now)])


def _status_times(value: Any, depth: int = 0) -> Iterator[datetime]:
    if depth > STATUS_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in STATUS_TIMES:
                yield from _status_times(item, depth + 1)
            elif (at := parse_time(item)) is not None:
                yield at
    elif isinstance(value, list):
        for item in value:
            yield from _status_times(item, depth + 1)


def deleted_at(metadata: Mapping[str, Any], now: datetime) -> datetime:
    """When the grace period ended, or the arrival of the deletion if that came before."""
    planned = credible(parse_time(metadata.get("deletionTimestamp")))
    return min(planned, now) if planned is not None else now


def _kept(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    kept = dict(body)
    unkept = UNKEPT_STATUS.get(kind)
    if unkept and isinstance(kept.get("status"), Mapping):
        kept["status"] = {key: value for key, value in kept["status"].items() if key not in unkept}
    return kept


def _endings(pod: dict[str, Any], redactor: Redactor) -> list[Ending]:
    found = []
    for container in containers_of(pod):
        last = (container.status.get("lastState") or {}).get("terminated")
        now = (container.status.get("state") or {}).get("terminated")
        if isinstance(last, Mapping):
            found.append(_ending(container, last, redactor, is_previous=True))
        if isinstance(now, Mapping) and now.get("exitCode") != 0:
            found.append(_ending(container, now, redactor, is_previous=False))
    return [ending for ending in found if ending is not None]


def _ending(container: Container, end: Mapping[str, Any], redactor: Redactor, *, is_previous: bool) -> Ending | None:
    finished = credible(parse_time(end.get("finishedAt")))
    if finished is None:
        return None
    metadata, code = container.pod["metadata"], end.get("exitCode")
    kind, name = owner_of(container.pod)
    message = redactor.text(str(end.get("message") or "")[:MESSAGE_LIMIT])
    return Ending(
        namespace=str(metadata.get("namespace") or "")[:253],
        pod=str(metadata["name"])[:300],
        pod_uid=str(metadata["uid"])[:128],
        container=container.name[:120],
        container_id=str(end.get("containerID") or "")[:200],
        init=container.init,
        restarts=min(max(container.restarts, 0), 2**31 - 1),
        exit_code=code if isinstance(code, int) and abs(code) < 2**31 else None,
        reason=str(end.get("reason") or "")[:200],
        message=message.text,
        started_at=parse_time(end.get("startedAt")),
        finished_at=finished,
        node=str((container.pod.get("spec") or {}).get("nodeName") or "")[:253],
        workload_kind=kind[:120],
        workload_name=name[:300],
        is_previous=is_previous,
        redactions=message.hits,
    )
