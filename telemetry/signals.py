"""Signals: what in a cluster's Events and objects is known to mean trouble. One table of rules.

Each rule says what it matches, why that matters, and where to read on. Order decides: the first
rule that matches names the signal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DOCS = "https://kubernetes.io/docs/"


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is stored and stays; `label` is for people.

    An Event matches by `reasons` and, where given, by its kind of object and its `message`; an ended
    or waiting container by `container_reasons`; an object's condition by (kind, type, status, reason).
    """

    name: str
    label: str
    why: str
    link: str
    reasons: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    message: re.Pattern[str] | None = None
    container_reasons: frozenset[str] = frozenset()
    conditions: tuple[tuple[str, str, str, str], ...] = field(default=())

    def matches_event(self, *, reason: str, kind: str, message: str) -> bool:
        if reason not in self.reasons or (self.kinds and kind not in self.kinds):
            return False
        return self.message is None or bool(self.message.search(message))


RULES = (
    Rule(
        name="oom-killed",
        label="Out of memory",
        why="A container needed more memory than its limit, or the node had none left; it loses its work and starts again.",
        link=DOCS + "tasks/configure-pod-container/assign-memory-resource/",
        reasons=frozenset({"OOMKilling", "OOMKilled", "SystemOOM"}),
        container_reasons=frozenset({"OOMKilled"}),
    ),
    Rule(
        name="crash-loop",
        label="Crash loop",
        why="A container ends again and again soon after its start, so Kubernetes waits longer each time before the next.",
        link=DOCS + "tasks/debug/debug-application/debug-pods/",
        reasons=frozenset({"BackOff", "CrashLoopBackOff"}),
        kinds=frozenset({"Pod"}),
        message=re.compile(r"(?i)back-?off restarting"),
        container_reasons=frozenset({"CrashLoopBackOff"}),
    ),
    Rule(
        name="failed-scheduling",
        label="Nowhere to run",
        why="No node takes the pod: too little room, a taint, a volume in another zone. It serves nobody while it waits.",
        link=DOCS + "concepts/scheduling-eviction/kube-scheduler/",
        reasons=frozenset({"FailedScheduling"}),
    ),
    Rule(
        name="failed-rollout",
        label="Rollout stuck",
        why="The new revision did not become ready within its deadline; old and new pods may run side by side.",
        link=DOCS + "concepts/workloads/controllers/deployment/#failed-deployment",
        reasons=frozenset({"ProgressDeadlineExceeded", "ReplicaSetCreateError", "FailedCreate"}),
        conditions=(
            ("Deployment", "Progressing", "False", "ProgressDeadlineExceeded"),
            ("Deployment", "ReplicaFailure", "True", ""),
        ),
    ),
    Rule(
        name="node-not-ready",
        label="Node not ready",
        why="The node stopped answering or says that it is unwell; its pods are unreachable and soon evicted.",
        link=DOCS + "concepts/architecture/nodes/#condition",
        reasons=frozenset({"NodeNotReady", "NodeNotSchedulable"}),
        conditions=(("Node", "Ready", "False", ""), ("Node", "Ready", "Unknown", "")),
    ),
    Rule(
        name="failed-mount",
        label="Volume not mounted",
        why="A volume could not be attached or mounted, so the pod cannot start where it was placed.",
        link=DOCS + "concepts/storage/persistent-volumes/",
        reasons=frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume", "ProvisioningFailed"}),
    ),
    Rule(
        name="probe-failed",
        label="Probe failed",
        why="A probe gets no good answer: an unready pod gets no traffic, one that is not live is restarted.",
        link=DOCS + "concepts/configuration/liveness-readiness-startup-probes/",
        reasons=frozenset({"Unhealthy", "ProbeWarning"}),
    ),
    Rule(
        name="evicted",
        label="Evicted",
        why="The node threw the pod out to save memory or disk, or an operator drained it.",
        link=DOCS + "concepts/scheduling-eviction/node-pressure-eviction/",
        reasons=frozenset({"Evicted", "EvictionThresholdMet", "TaintManagerEviction", "Preempted"}),
    ),
    Rule(
        name="image-pull-failed",
        label="Image not pulled",
        why="The image cannot be fetched: a wrong name, missing credentials, or a registry that does not answer.",
        link=DOCS + "concepts/containers/images/",
        reasons=frozenset({"Failed", "BackOff", "ErrImagePull", "ImagePullBackOff", "InspectFailed"}),
        kinds=frozenset({"Pod"}),
        message=re.compile(r"(?i)image"),
        container_reasons=frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName"}),
    ),
    Rule(
        name="failed-backup",
        label="Backup failed",
        why="The newest recovery point is older than planned; what is lost now cannot be restored to that time.",
        link="https://velero.io/docs/main/troubleshooting/",
        reasons=frozenset(
            {"BackupFailed", "BackupSessionFailed", "FailedToBackup", "BackupSetupFailed", "HostBackupFailed"}
        ),
    ),
    Rule(
        name="failed-backup-job",
        label="Backup job failed",
        why="A job whose name says that it makes backups gave up; the newest recovery point grows old.",
        link=DOCS + "concepts/workloads/controllers/job/#pod-backoff-failure-policy",
        reasons=frozenset({"BackoffLimitExceeded", "DeadlineExceeded"}),
        kinds=frozenset({"Job"}),
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}
_REASONS = frozenset().union(*(rule.reasons for rule in RULES))
_FAILED_BACKUP_PHASES = frozenset({"Failed", "PartiallyFailed", "FailedValidation", "FinalizingPartiallyFailed"})


def signal_of_event(*, reason: str, kind: str, name: str, message: str) -> str:
    """The rule's name, or "" where none matches. `kind` and `name` are of the object that the Event is about."""
    if reason not in _REASONS:
        return ""
    for rule in RULES:
        if rule.matches_event(reason=reason, kind=kind, message=message):
            if rule.name == "failed-backup-job" and "backup" not in name.lower():
                continue
            return rule.name
    return ""


def signals_of_object(kind: str, body: Mapping[str, Any]) -> list[str]:
    """Names of the rules that an object's present state matches, each once, in the order of the table."""
    found = {*_of_conditions(kind, body), *_of_containers(body)}
    status = body.get("status") if isinstance(body.get("status"), Mapping) else {}
    if kind in {"Backup", "BackupSession"} and (status or {}).get("phase") in _FAILED_BACKUP_PHASES:
        found.add("failed-backup")
    if kind == "Pod" and (status or {}).get("reason") == "Evicted":
        found.add("evicted")
    return [rule.name for rule in RULES if rule.name in found]


def _of_conditions(kind: str, body: Mapping[str, Any]) -> set[str]:
    status = body.get("status")
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    told = {
        (str(one.get("type")), str(one.get("status")), str(one.get("reason") or ""))
        for one in conditions or []
        if isinstance(one, Mapping)
    }
    return {
        rule.name
        for rule in RULES
        for wanted_kind, type_, state, reason in rule.conditions
        if wanted_kind == kind and any(one[:2] == (type_, state) and reason in {"", one[2]} for one in told)
    }


def _of_containers(body: Mapping[str, Any]) -> set[str]:
    status = body.get("status")
    if not isinstance(status, Mapping):
        return set()
    reasons: set[str] = set()
    for field_name in ("initContainerStatuses", "containerStatuses"):
        for entry in status.get(field_name) or []:
            for state in (entry.get("state"), entry.get("lastState")) if isinstance(entry, Mapping) else ():
                for part in state.values() if isinstance(state, Mapping) else ():
                    if isinstance(part, Mapping):
                        reasons.add(str(part.get("reason") or ""))
    return {rule.name for rule in RULES if rule.container_reasons & reasons}
