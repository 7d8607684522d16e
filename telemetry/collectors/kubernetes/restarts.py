"""Containers that ended or were restarted in the window, and pods that still wait to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telemetry.collectors.kubernetes.api import PODS, Item
from telemetry.collectors.kubernetes.archive import Ending, State
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import owner_of, subject_of
from telemetry.collectors.times import iso, parse_time
from telemetry.observations import EvidenceType, Level, Observation
from telemetry.signals import signal_of_condition, signal_of_container

# A container on its way to a healthy start says one of these; it is no trouble yet.
STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
# Signals and common codes: https://tldp.org/LDP/abs/html/exitcodes.html
EXIT_MEANINGS = {126: "not executable", 127: "not found", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}


@dataclass(frozen=True, slots=True)
class Container:
    """One container's status within its pod."""

    pod: Item
    status: Mapping[str, Any]
    init: bool

    @property
    def name(self) -> str:
        return str(self.status.get("name", ""))

    @property
    def restarts(self) -> int:
        count = self.status.get("restartCount")
        return count if isinstance(count, int) else 0

    @property
    def waiting(self) -> Mapping[str, Any] | None:
        state = (self.status.get("state") or {}).get("waiting")
        return state if isinstance(state, dict) else None

    @property
    def waiting_reason(self) -> str:
        return str((self.waiting or {}).get("reason") or "")

    @property
    def endings(self) -> list[Mapping[str, Any]]:
        """The last end before this life, and the end of this life if it failed."""
        last = (self.status.get("lastState") or {}).get("terminated")
        now = (self.status.get("state") or {}).get("terminated")
        failed = isinstance(now, dict) and now.get("exitCode") != 0
        return [end for end in (last, now if failed else None) if isinstance(end, dict)]


def containers_of(pod: Item) -> Iterator[Container]:
    """Init containers first, as they run first."""
    status = pod.get("status") or {}
    for field, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for entry in status.get(field) or []:
            if isinstance(entry, dict):
                yield Container(pod, entry, init)


def collect_restarts(gathering: Gathering) -> None:
    """Keep each known end of a container's life in the window, and each wait that reaches into it."""
    for ending in archived_endings(gathering):
        _keep_pod(gathering, ending.pod)
    for pod in pod_states(gathering):
        _keep_pod(gathering, pod.item)


def pod_states(gathering: Gathering, *, until_now: bool = False) -> list[State]:
    """Every state of the scope's pods, oldest first."""
    selection = gathering.selection
    states = gathering.states(
        PODS, matches=selection.matches_labels, until_now=until_now, labelSelector=selection.label_selector
    )
    return [state for state in states if selection.covers_pod(state.item)]


def archived_endings(gathering: Gathering) -> list[Ending]:
    """Ends of containers in the window; none for a scope with labels, which an ending does not carry."""
    selection, archive = gathering.selection, gathering.archive
    if archive is None or selection.labels or gathering.coverage_of(PODS).is_empty:
        return []
    found = archive.endings(gathering.window, selection.places, limit=gathering.items_allowed)
    endings = gathering.within_budget(PODS, found)
    return [ending for ending in endings if selection.covers_pod(ending.pod)]


def _keep_pod(gathering: Gathering, pod: Item) -> None:
    for container in containers_of(pod):
        for end in container.endings:
            _keep_end(gathering, container, end)
        _keep_container_wait(gathering, container)
    _keep_pod_wait(gathering, pod)


def _keep_end(gathering: Gathering, container: Container, end: Mapping[str, Any]) -> None:
    finished = parse_time(end.get("finishedAt"))
    if not finished or not gathering.window.contains(finished):
        return
    code = end.get("exitCode")
    message = gathering.redactor.text(str(end.get("message") or "")[:4_000])
    payload = {
        **_names(container),
        "change": "restart",
        "restarts": container.restarts,
        "exit_code": code if isinstance(code, int) else None,
        "reason": str(end.get("reason") or ""),
        "started_at": end.get("startedAt"),
        "finished_at": iso(finished),
        "waiting_reason": container.waiting_reason,
        "message": message.text,
    }
    # Why it ended tells more than that it waits to be started again.
    if signal := signal_of_container(payload["reason"]) or signal_of_container(container.waiting_reason):
        payload["signal"] = signal
    meaning = EXIT_MEANINGS.get(code) if isinstance(code, int) else None
    ended = f"exit code {code}" + (f", {meaning}" if meaning else "")
    reason = f", {payload['reason']}" if payload["reason"] else ""
    title = f"{container.name} of {payload['pod']} ended ({ended}{reason})"
    bad = code != 0 or container.waiting_reason == "CrashLoopBackOff" or payload["reason"] == "OOMKilled"
    told = f"{container.restarts} restarts so far" if container.restarts != 1 else "1 restart so far"
    _keep(gathering, container.pod, payload, title, finished, message.hits, told, bad=bad)


def _keep_container_wait(gathering: Gathering, container: Container) -> None:
    """A wait without a known end of a life before it: images, configuration, volumes."""
    if container.waiting is None or container.waiting_reason in STARTING or container.endings:
        return
    since = _condition_time(container.pod, "ContainersReady") or _created(container.pod)
    message = gathering.redactor.text(str(container.waiting.get("message") or ""))
    _keep_wait(gathering, container.pod, container.waiting_reason, message, since, _names(container))


def _keep_pod_wait(gathering: Gathering, pod: Item) -> None:
    """A pod that no node took."""
    status = pod.get("status") or {}
    for condition in status.get("conditions") or []:
        refused = condition.get("type") == "PodScheduled" and condition.get("status") == "False"
        if status.get("phase") != "Pending" or not refused:
            continue
        since = parse_time(condition.get("lastTransitionTime")) or _created(pod)
        message = gathering.redactor.text(str(condition.get("message") or ""))
        reason = str(condition.get("reason") or "Unschedulable")
        _keep_wait(gathering, pod, reason, message, since, {"pod": pod["metadata"].get("name", ""), "container": ""})


def _keep_wait(
    gathering: Gathering, pod: Item, reason: str, message: Any, since: datetime | None, names: Mapping[str, Any]
) -> None:
    # It waits still, so it reaches into the window unless it began after it.
    if since is None or since >= gathering.window.end:
        return
    payload = {
        **names,
        "change": "waiting",
        "reason": reason,
        "message": message.text,
        "since": iso(since),
        "waiting_reason": reason,
    }
    refused = {"kind": "Pod", "name": "", "type_": "PodScheduled", "status": "False", "reason": reason}
    signal = signal_of_container(reason) if payload["container"] else signal_of_condition(**refused)
    if signal:
        payload["signal"] = signal
    who = f"{payload['container']} of {payload['pod']}" if payload["container"] else f"Pod {payload['pod']}"
    _keep(gathering, pod, payload, f"{who} waits: {reason}", since, message.hits, message.text, bad=False)


def _keep(
    gathering: Gathering,
    pod: Item,
    payload: dict[str, Any],
    title: str,
    at: datetime,
    hits: Mapping[str, int],
    summary: str,
    *,
    bad: bool,
) -> None:
    kind, name = owner_of(pod)
    payload["workload"] = {"kind": kind, "namespace": pod["metadata"].get("namespace", ""), "name": name}
    node = str((pod.get("spec") or {}).get("nodeName") or "")
    uid = pod["metadata"].get("uid") or pod["metadata"].get("name")
    gathering.keep_newest(
        Observation(
            type=EvidenceType.STATE_CHANGE,
            dedup_key=f"{payload['change']}:{uid}:{payload['container']}:{iso(at)}",
            title=title,
            first_at=at,
            last_at=at,
            level=Level.ERROR if bad else Level.WARNING,
            subject=subject_of(pod, kind="Pod", container=str(payload["container"]), node=node),
            summary=summary,
            payload=payload,
            query=gathering.request,
            redactions=dict(hits),
        )
    )


def _names(container: Container) -> dict[str, Any]:
    return {"pod": container.pod["metadata"].get("name", ""), "container": container.name, "init": container.init}


def _condition_time(pod: Item, kind: str) -> datetime | None:
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == kind:
            return parse_time(condition.get("lastTransitionTime"))
    return None


def _created(pod: Item) -> datetime | None:
    return parse_time(pod["metadata"].get("creationTimestamp"))
