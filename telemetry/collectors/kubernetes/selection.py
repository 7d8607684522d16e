"""Which objects of a cluster a scope means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telemetry.observations import Scope, Workload

# The alphabet of the suffixes that controllers append to names: no vowels, nothing mistakable.
SUFFIX = r"[bcdfghjklmnpqrstvwxz2456789]"
CHILDREN = {
    "Deployment": rf"(-{SUFFIX}{{5,10}}(-{SUFFIX}{{5}})?)?",
    "ReplicaSet": rf"(-{SUFFIX}{{5}})?",
    "StatefulSet": r"(-\d{1,6})?",
    "DaemonSet": rf"(-{SUFFIX}{{5}})?",
    "Job": rf"(-{SUFFIX}{{5}})?",
    "CronJob": rf"(-\d{{6,12}}(-{SUFFIX}{{5}})?)?",
}
# What stands beside a workload under its name: autoscaler, budget, service, claims of its pods.
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Selection:
    """A scope as a Kubernetes query carries it: plain values that survive a task queue."""

    namespaces: tuple[str, ...] = ()
    workloads: tuple[Workload, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_scope(cls, scope: Scope) -> Selection:
        names = [*scope.namespaces, *(workload.namespace for workload in scope.workloads)]
        return cls(
            namespaces=tuple(sorted({name for name in names if name})),
            workloads=scope.workloads,
            labels=tuple(sorted(scope.labels.items())),
        )

    @classmethod
    def of_params(cls, params: Mapping[str, Any]) -> Selection:
        return cls(
            namespaces=tuple(params.get("namespaces", ())),
            workloads=tuple(Workload(**fields) for fields in params.get("workloads", ())),
            labels=tuple(sorted(dict(params.get("labels", {})).items())),
        )

    def params(self) -> dict[str, Any]:
        workloads = [
            {"kind": one.kind, "namespace": one.namespace, "name": one.name, "group": one.group}
            for one in self.workloads
        ]
        return {"namespaces": list(self.namespaces), "workloads": workloads, "labels": dict(self.labels)}

    @property
    def places(self) -> tuple[str, ...]:
        """The namespaces to list; one empty name stands for the whole cluster."""
        return self.namespaces or ("",)

    @property
    def label_selector(self) -> str:
        """For pods; labels that Kubernetes would not accept select nothing and are left out."""
        pairs = [(key, value) for key, value in self.labels if LABEL.fullmatch(key) and LABEL.fullmatch(value)]
        return ",".join(f"{key}={value}" for key, value in pairs)

    def matches_labels(self, obj: Mapping[str, Any]) -> bool:
        """What the label selector says to the API, of an object that is already here."""
        given = obj["metadata"].get("labels") or {}
        return all(
            given.get(key) == value for key, value in self.labels if LABEL.fullmatch(key) and LABEL.fullmatch(value)
        )

    def covers_namespace(self, namespace: str) -> bool:
        return not self.namespaces or namespace in self.namespaces

    def covers(self, namespace: str, name: str) -> bool:
        """Whether an object of this name belongs to a workload of the scope, or the scope names none."""
        return not self.workloads or any(belongs(one, namespace, name) for one in self.workloads)

    def covers_pod(self, pod: Mapping[str, Any]) -> bool:
        """Like `covers`, by the pod's owner where it has one."""
        if not self.workloads:
            return True
        metadata = pod["metadata"]
        kind, name = owner_of(pod)
        namespace = metadata.get("namespace", "")
        return any(
            (one.kind, one.namespace, one.name) == (kind, namespace, name) or belongs(one, namespace, metadata["name"])
            for one in self.workloads
        )


def belongs(workload: Workload, namespace: str, name: str) -> bool:
    """By name, as Events give nothing else: the workload, its ReplicaSets, Jobs, pods and claims."""
    if namespace != workload.namespace:
        return False
    own = re.escape(workload.name)
    if re.fullmatch(own + CHILDREN.get(workload.kind, ""), name):
        return True
    return workload.kind == "StatefulSet" and bool(re.fullmatch(rf"[a-z0-9.-]{{1,200}}-{own}-\d{{1,6}}", name))


def owner_of(obj: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and name of the workload that people would name for a pod; ("", "") without an owner."""
    metadata = obj["metadata"]
    owners = [owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")]
    if not owners:
        return "", ""
    kind, name = str(owners[0].get("kind", "")), str(owners[0].get("name", ""))
    template = str((metadata.get("labels") or {}).get("pod-template-hash", ""))
    if kind == "ReplicaSet" and template and name.endswith(f"-{template}"):
        return "Deployment", name.removesuffix(f"-{template}")
    return kind, name


def subject_of(obj: Mapping[str, Any], *, kind: str, group: str = "", **more: str) -> dict[str, str]:
    """An object as an observation's subject; empty parts are left out."""
    metadata = obj["metadata"]
    fields = {
        "group": group,
        "kind": kind,
        "namespace": metadata.get("namespace"),
        "name": metadata.get("name"),
        "uid": metadata.get("uid"),
        **more,
    }
    return {key: str(value) for key, value in fields.items() if value}
