"""Signals: what in a cluster's Events and objects is known to mean trouble. One table of rules.

Each rule says what it matches, why that matters, and where to read on. Order decides: the first
rule that matches names the signal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DOCS = "https://kubernetes.io/docs/"


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is stored and stays; `label` is for people, `matches` tells them what the patterns do.

    An Event matches by `reasons` and, where given, by kind and name of its object and by its `message`; an ended
    or waiting container by `container_reasons`; an object's condition by (kind, type, status, reason), where
    an empty reason stands for any.
    """

    name: str
    label: str
    matches: str
    why: str
    link: str
    reasons: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    names: re.Pattern[str] | None = None
    message: re.Pattern[str] | None = None
    container_reasons: frozenset[str] = frozenset()
    conditions: tuple[tuple[str, str, str, str], ...] = field(default=())

    def matches_event(self, *, reason: str, kind: str, name: str, message: str) -> bool:
        if reason not in self.reasons or (self.kinds and kind not in self.kinds):
            return False
        if self.names is not None and not self.names.search(name.lower()):
            return False
        return self.message is None or bool(self.message.search(message))

    def matches_condition(self, *, kind: str, name: str, type_: str, status: str, reason: str) -> bool:
        if self.names is not None and not self.names.search(name.lower()):
            return False
        return any((kind, type_, status) == wanted[:3] and wanted[3] in {"", reason} for wanted in self.conditions)


RULES = (
    Rule(
        name="oom-killed",
        label="Out of memory",
        matches="Containers that ended with OOMKilled; a node's Events SystemOOM and OOMKilling.",
        why="A container needed more memory than its limit, or the node had none left; it loses its work and starts again.",
        link=DOCS + "tasks/configure-pod-container/assign-memory-resource/",
        reasons=frozenset({"OOMKilling", "OOMKilled", "SystemOOM"}),
        container_reasons=frozenset({"OOMKilled"}),
    ),
    Rule(
        name="crash-loop",
        label="Crash loop",
        matches="Containers in CrashLoopBackOff; a pod's Event BackOff about restarting a failed container.",
        why="A container ends again and again soon after its start, so Kubernetes waits longer each time before the next.",
        link=DOCS + "tasks/debug/debug-application/debug-pods/",
        reasons=frozenset({"BackOff", "CrashLoopBackOff"}),
        kinds=frozenset({"Pod"}),
        message=re.compile(r"(?i)back-?off restarting"),
        container_reasons=frozenset({"CrashLoopBackOff"}),
    ),
    Rule(
        name="failed-scheduling",
        label="Unschedulable",
        matches="A pod's Event FailedScheduling; pods that are Unschedulable.",
        why="No node takes the pod: too little room, a taint, a volume in another zone. It serves nobody while it waits.",
        link=DOCS + "concepts/scheduling-eviction/kube-scheduler/",
        reasons=frozenset({"FailedScheduling"}),
        kinds=frozenset({"Pod"}),
        # The scheduler says so too of a pod that is on its way out anyhow.
        message=re.compile(r"^(?!skip schedule deleting pod)"),
        conditions=(("Pod", "PodScheduled", "False", "Unschedulable"),),
    ),
    Rule(
        name="failed-rollout",
        label="Rollout stuck",
        matches="Deployments past their progress deadline; controllers that may not create their pods (FailedCreate).",
        why="The new revision did not become ready within its deadline; old and new pods may run side by side.",
        link=DOCS + "concepts/workloads/controllers/deployment/#failed-deployment",
        reasons=frozenset({"ProgressDeadlineExceeded", "ReplicaSetCreateError", "FailedCreate"}),
        # Jobs and CronJobs write FailedCreate too, and roll nothing out.
        kinds=frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Rollout"}),
        conditions=(
            ("Deployment", "Progressing", "False", "ProgressDeadlineExceeded"),
            ("Deployment", "ReplicaFailure", "True", ""),
        ),
    ),
    Rule(
        name="node-not-ready",
        label="Node not ready",
        matches="Events NodeNotReady; nodes whose condition Ready is False or Unknown.",
        why="The node stopped answering or says that it is unwell; its pods are unreachable and soon evicted.",
        link=DOCS + "concepts/architecture/nodes/#condition",
        reasons=frozenset({"NodeNotReady"}),
        conditions=(("Node", "Ready", "False", ""), ("Node", "Ready", "Unknown", "")),
    ),
    Rule(
        name="failed-mount",
        label="Volume not mounted",
        matches="Events FailedMount, FailedAttachVolume and FailedMapVolume; claims that nobody provisions.",
        why="A volume could not be attached or mounted, so the pod cannot start where it was placed.",
        link=DOCS + "concepts/storage/persistent-volumes/",
        reasons=frozenset(
            {"FailedMount", "FailedAttachVolume", "FailedMapVolume", "ProvisioningFailed", "FailedBinding"}
        ),
        # Said of pods that end before their node has heard of their ConfigMaps; it harms nobody.
        message=re.compile(r"(?s)^(?!.*object \S+ not registered)"),
    ),
    Rule(
        name="probe-failed",
        label="Probe failed",
        matches="A pod's Event Unhealthy: a readiness, liveness or startup probe that failed.",
        why="A probe gets no good answer: an unready pod gets no traffic, one that is not live is restarted.",
        link=DOCS + "concepts/configuration/liveness-readiness-startup-probes/",
        reasons=frozenset({"Unhealthy"}),
    ),
    Rule(
        name="evicted",
        label="Evicted",
        matches="Events Evicted, Preempted and TaintManagerEviction; a node that begins to evict (EvictionThresholdMet).",
        why="The node threw the pod out to save memory or disk, a taint drove it away, or a more important pod took its place.",
        link=DOCS + "concepts/scheduling-eviction/node-pressure-eviction/",
        reasons=frozenset({"Evicted", "EvictionThresholdMet", "TaintManagerEviction", "Preempted"}),
        # The same reason tells that an eviction was called off.
        message=re.compile(r"^(?!Cancelling deletion)"),
        # An eviction through the API is how every drain works; it is no trouble by itself.
        conditions=(
            ("Pod", "DisruptionTarget", "True", "DeletionByTaintManager"),
            ("Pod", "DisruptionTarget", "True", "PreemptionByScheduler"),
        ),
    ),
    Rule(
        name="image-pull-failed",
        label="Image not pulled",
        matches="Containers in ErrImagePull or ImagePullBackOff; a pod's Events about an image that cannot be pulled.",
        why="The image cannot be fetched: a wrong name, missing credentials, or a registry that does not answer.",
        link=DOCS + "concepts/containers/images/",
        reasons=frozenset(
            {"Failed", "BackOff", "ErrImagePull", "ErrImageNeverPull", "ImagePullBackOff", "InspectFailed"}
        ),
        kinds=frozenset({"Pod"}),
        message=re.compile(
            r"(?i)pull(ing)? image|ErrImage|ImagePull|InvalidImageName|image \S+ is not present|image tag|inspect image"
        ),
        container_reasons=frozenset(
            {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"}
        ),
    ),
    Rule(
        name="failed-backup",
        label="Backup failed",
        matches="Backups of Velero and BackupSessions of Stash that failed, also in part; snapshots of volumes that could not be made.",
        why="The newest recovery point is older than planned; what is lost now cannot be restored to that time.",
        link="https://velero.io/docs/main/troubleshooting/",
        reasons=frozenset(
            {
                *("BackupFailed", "BackupSession Failed", "Host Backup Failed", "FailedBackup"),
                *("Backup Job Creation Failed", "SnapshotCreationFailed", "SnapshotContentCreationFailed"),
            }
        ),
    ),
    Rule(
        name="failed-backup-job",
        label="Backup job failed",
        matches="Jobs that gave up (BackoffLimitExceeded, DeadlineExceeded) and whose name says that they make backups.",
        why="A job whose name says that it makes backups gave up; the newest recovery point grows old.",
        link=DOCS + "concepts/workloads/controllers/job/#pod-backoff-failure-policy",
        reasons=frozenset({"BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy"}),
        kinds=frozenset({"Job"}),
        names=re.compile(r"backup|restic|velero|kopia|pg-?dump|mysql-?dump|etcd-snapshot"),
        conditions=(("Job", "Failed", "True", ""),),
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}
_REASONS = frozenset().union(*(rule.reasons for rule in RULES))
_FAILED_BACKUP_PHASES = frozenset({"Failed", "PartiallyFailed", "FailedValidation", "FinalizingPartiallyFailed"})


def signal_of_event(*, reason: str, kind: str, name: str, message: str) -> str:
    """The rule's name, or "" where none matches. `kind` and `name` are of the object that the Event is about."""
    if reason not in _REASONS:
        return ""
    about = {"reason": reason, "kind": kind, "name": name, "message": message}
    return next((rule.name for rule in RULES if rule.matches_event(**about)), "")


def signal_of_container(*reasons: str) -> str:
    """By the reasons with which a container ended or waits; "" where no rule knows one."""
    return next((rule.name for rule in RULES if not rule.container_reasons.isdisjoint(reasons)), "")


def signal_of_condition(*, kind: str, name: str, type_: str, status: str, reason: str) -> str:
    """The rule that an object's condition matches, or ""."""
    told = {"kind": kind, "name": name, "type_": type_, "status": status, "reason": reason}
    return next((rule.name for rule in RULES if rule.matches_condition(**told)), "")


def signals_of_object(kind: str, body: Mapping[str, Any]) -> list[str]:
    """Names of the rules that an object's present state matches, each once, in the order of the table.

    How a container's earlier life ended is no part of its present state: it may be weeks old.
    """
    metadata, status = body.get("metadata"), body.get("status")
    if not isinstance(status, Mapping):
        return []
    name = str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
    found = {signal_of_container(reason) for reason in _container_reasons(status)}
    for one in _mappings(status.get("conditions")):
        type_, state, reason = (str(one.get(key) or "") for key in ("type", "status", "reason"))
        found.add(signal_of_condition(kind=kind, name=name, type_=type_, status=state, reason=reason))
    if kind in {"Backup", "BackupSession"} and str(status.get("phase")) in _FAILED_BACKUP_PHASES:
        found.add("failed-backup")
    if kind == "Pod" and status.get("reason") == "Evicted":
        found.add("evicted")
    return [rule.name for rule in RULES if rule.name in found]


def _container_reasons(status: Mapping[str, Any]) -> Iterator[str]:
    for field_name in ("initContainerStatuses", "containerStatuses"):
        for entry in _mappings(status.get(field_name)):
            state = entry.get("state")
            for part in state.values() if isinstance(state, Mapping) else ():
                if isinstance(part, Mapping):
                    yield str(part.get("reason") or "")


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else iter(())
