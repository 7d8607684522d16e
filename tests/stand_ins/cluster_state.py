"""The objects of a cluster that change, and the memory of how they did: what etcd holds."""

from __future__ import annotations

import copy
import json
import threading
import uuid
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tests.stand_ins.api_server import RECORDINGS, watch_line

Key = tuple[str, str]

# What the recorded cluster (1.20) serves; `serve` adds to it.
SERVED: dict[Key, str] = {
    ("/api/v1", "events"): "Event",
    ("/api/v1", "nodes"): "Node",
    ("/api/v1", "pods"): "Pod",
    ("/api/v1", "persistentvolumeclaims"): "PersistentVolumeClaim",
    ("/apis/apps/v1", "deployments"): "Deployment",
    ("/apis/apps/v1", "replicasets"): "ReplicaSet",
    ("/apis/apps/v1", "statefulsets"): "StatefulSet",
    ("/apis/apps/v1", "daemonsets"): "DaemonSet",
    ("/apis/apps/v1", "controllerrevisions"): "ControllerRevision",
    ("/apis/batch/v1", "jobs"): "Job",
    ("/apis/autoscaling/v1", "horizontalpodautoscalers"): "HorizontalPodAutoscaler",
    ("/apis/policy/v1beta1", "poddisruptionbudgets"): "PodDisruptionBudget",
}


@dataclass(frozen=True)
class Change:
    """`type` is ADDED, MODIFIED or DELETED; `object` complete, as it was after the change; `at` is when it came."""

    version: int
    type: str
    object: dict[str, Any]
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def uid(self) -> str:
        return str(self.object["metadata"]["uid"])

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and name: the order in which a server lists."""
        return str(self.object["metadata"].get("namespace", "")), str(self.object["metadata"]["name"])

    @cached_property
    def line(self) -> bytes:
        return watch_line(self.type, self.object)


@dataclass
class Held:
    """One collection: its living objects by uid, and every change that ever was."""

    prefix: str
    plural: str
    kind: str
    living: dict[str, Change] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)

    @property
    def api_version(self) -> str:
        return self.prefix.removeprefix("/apis/").removeprefix("/api/")

    def place_after(self, version: int) -> int:
        """Where in the log the changes after `version` begin."""
        return bisect_right(self.log, version, key=lambda change: change.version)

    def as_of(self, version: int) -> list[Change]:
        """The objects that lived at `version`, in the order of lists."""
        living = self.living
        if self.log and self.log[-1].version > version:
            living = {}
            for change in self.log[: self.place_after(version)]:
                living[change.uid] = change
            living = {uid: change for uid, change in living.items() if change.type != "DELETED"}
        return sorted(living.values(), key=lambda change: change.place)


class ClusterState:
    """Thread-safe. Versions are numbers in here and opaque text outside: `written` and `read`.

    `opaque` makes them such text as no number is read from.
    """

    def __init__(self, *, opaque: bool = False) -> None:
        self.opaque = opaque
        self.version = 1
        self.forgotten = 0
        self.epoch = 0
        self.changed = threading.Condition()
        self.held = {key: Held(*key, kind) for key, kind in SERVED.items()}

    def written(self, version: int) -> str:
        return f"x7f-{version:06d}" if self.opaque else str(version)

    def read(self, text: str) -> int | None:
        """None for what this server never wrote."""
        digits = text.removeprefix("x7f-") if self.opaque else text
        return int(digits) if digits.isdigit() and self.written(int(digits)) == text else None

    def of(self, which: str | Key) -> Held:
        """By key, by plural (`events`), or by group and plural (`apps/deployments`)."""
        if isinstance(which, tuple):
            return self.held[which]
        group, _, plural = which.rpartition("/")
        start = f"/apis/{group}/" if group else ""
        found = [one for one in self.held.values() if one.plural == plural and one.prefix.startswith(start)]
        if not found:
            raise LookupError(f"nothing is served as {which}")
        return found[0]

    def put(self, which: str | Key, obj: dict[str, Any]) -> Change:
        """Create or, where the uid is known, update; the given object stays as it is."""
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        with self.changed:
            held = self.of(which)
            default = uuid.uuid5(uuid.NAMESPACE_URL, f"{metadata.get('namespace')}/{metadata.get('name')}")
            uid = metadata.setdefault("uid", str(default))
            return self._write(held, "MODIFIED" if uid in held.living else "ADDED", obj)

    def delete(self, which: str | Key, uid: str) -> Change:
        with self.changed:
            held = self.of(which)
            return self._write(held, "DELETED", copy.deepcopy(held.living[uid].object))

    def _write(self, held: Held, kind: str, obj: dict[str, Any]) -> Change:
        self.version += 1
        obj["metadata"]["resourceVersion"] = self.written(self.version)
        change = Change(self.version, kind, {"kind": held.kind, "apiVersion": held.api_version, **obj})
        held.log.append(change)
        held.living.pop(change.uid, None)
        if kind != "DELETED":
            held.living[change.uid] = change
        self.changed.notify_all()
        return change

    def compact(self) -> None:
        """Forget how things came to be as they are now."""
        with self.changed:
            self.forgotten = self.version

    def drop_watches(self) -> None:
        with self.changed:
            self.epoch += 1
            self.changed.notify_all()

    def replace(self) -> None:
        """Another, empty cluster, whose versions begin anew."""
        with self.changed:
            self.held = {key: Held(*key, held.kind) for key, held in self.held.items()}
            self.version, self.forgotten = 1, 0
            self.changed.notify_all()

    def truth(self, which: str | Key) -> dict[str, dict[str, Any]]:
        """The last state of every object that ever was, by uid."""
        with self.changed:
            return {change.uid: change.object for change in self.of(which).log}

    def changes(self, which: str | Key) -> list[Change]:
        with self.changed:
            return list(self.of(which).log)

    def steps(self, recording: str) -> list[Callable[[], object]]:
        """A recorded watch (`core-v1-events`, `pods`, …), one call for each line that changes something."""
        found: list[Callable[[], object]] = []
        for line in (RECORDINGS / f"{recording}-watch.ndjson").read_text().splitlines():
            told = json.loads(line)
            obj = told["object"]
            if told["type"] in {"ADDED", "MODIFIED", "DELETED"}:
                found.append(self._step(told["type"], obj))
        return found

    def _step(self, kind: str, obj: dict[str, Any]) -> Callable[[], object]:
        keys = [
            key for key, held in self.held.items() if (held.api_version, held.kind) == (obj["apiVersion"], obj["kind"])
        ]
        if not keys:
            raise LookupError(f"nothing is served of {obj['apiVersion']} {obj['kind']}")
        if kind == "DELETED":
            return lambda: self.delete(keys[0], obj["metadata"]["uid"])
        return lambda: self.put(keys[0], obj)
