"""Logs of the containers in trouble, of this life and of the one before.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#read-log
"""

from __future__ import annotations

from telemetry.collectors.kubernetes.api import LOG_RULE, Item
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.last_lines import keep_last_lines
from telemetry.collectors.kubernetes.log_observations import Target, Text, lines_of, observe_log, text_of
from telemetry.collectors.kubernetes.restarts import STARTING, Container, archived_endings, containers_of, pod_states
from telemetry.collectors.times import iso, parse_time
from telemetry.http import Refusal, SourceError
from telemetry.observations import Status
from telemetry.redaction import Redacted

TAIL_LINES = 5_000
LIMIT_BYTES = 1024 * 1024
UNREAD_NAMED = 10


def collect_logs(gathering: Gathering) -> None:
    """Keep one observation for each log that has lines in the window; name each that cannot be read."""
    states = {state.uid: state for state in pod_states(gathering, until_now=True)}
    pods = [state.item for state in states.values() if not state.is_gone and _was_there(gathering, state.item)]
    for pod in pods:
        _name_unstarted(gathering, pod)
    targets = _targets(pods, all_of_them=bool(gathering.selection.workloads))
    archived = keep_last_lines(gathering, archived_endings(gathering))
    read = set(archived.texts)
    for place, target in enumerate(targets):
        if gathering.ended:
            _name_unread(gathering, targets[place:])
            break
        if target.key not in archived.whole and _read(gathering, target, read):
            archived.forget(target.key)
    archived.finish(gathering)


def _was_there(gathering: Gathering, pod: Item) -> bool:
    created = parse_time(pod["metadata"].get("creationTimestamp"))
    return created is None or created < gathering.window.end


def _targets(pods: list[Item], *, all_of_them: bool) -> list[Target]:
    """Containers in trouble first, the previous life before the present one, then the healthy if asked."""
    containers = [container for pod in pods for container in containers_of(pod) if _has_started(container)]
    containers.sort(key=lambda one: (not _in_trouble(one), -one.restarts))
    wanted = [container for container in containers if all_of_them or _in_trouble(container)]
    return [
        Target(container, previous, str(_identity(container, previous=previous)))
        for container in wanted
        for previous in (True, False)
        if not previous or container.restarts > 0 or container.endings
    ]


def _identity(container: Container, *, previous: bool) -> object:
    """The id of the life that wrote the log."""
    ended = (container.status.get("lastState") or {}).get("terminated") or {}
    return ended.get("containerID") if previous else container.status.get("containerID")


def _in_trouble(container: Container) -> bool:
    finished_well = container.init and not container.restarts and not container.endings
    conditions = (container.pod.get("status") or {}).get("conditions") or []
    pod_unready = any(one.get("type") == "Ready" and one.get("status") != "True" for one in conditions)
    completed = (container.pod.get("status") or {}).get("phase") == "Succeeded"
    if finished_well or completed:
        return False
    return bool(container.restarts or container.endings or not container.status.get("ready") or pod_unready)


def _has_started(container: Container) -> bool:
    """Whether a kubelet can have a log: the container runs, ran, or is backing off."""
    return container.waiting is None or container.restarts > 0 or bool(container.endings)


def _name_unstarted(gathering: Gathering, pod: Item) -> None:
    """A container that never ran has no log; say so, as its absence would read like silence."""
    name = pod["metadata"].get("name", "")
    if not ((pod.get("status") or {}).get("containerStatuses")):
        gathering.warnings.append(f"{name}: no container ever started, so there is no log")
    for container in containers_of(pod):
        if not _has_started(container) and container.waiting_reason not in STARTING:
            gathering.warnings.append(f"{name}/{container.name}: never started ({container.waiting_reason})")


def _name_unread(gathering: Gathering, targets: list[Target]) -> None:
    names = ", ".join(target.name for target in targets[:UNREAD_NAMED])
    more = f" and {len(targets) - UNREAD_NAMED} more" if len(targets) > UNREAD_NAMED else ""
    gathering.warnings.append(f"Not read: {names}{more}")


def _read(gathering: Gathering, target: Target, read: set[Text]) -> bool:
    """Whether there was an answer."""
    metadata = target.container.pod["metadata"]
    params = {
        "container": target.container.name,
        "timestamps": "true",
        "sinceTime": iso(gathering.window.start.replace(microsecond=0)),
        "tailLines": str(TAIL_LINES),
        "limitBytes": str(min(LIMIT_BYTES, max(1, gathering.api.http.bytes_left - 1))),
    }
    if target.previous:
        params["previous"] = "true"
    try:
        body = gathering.api.log(str(metadata.get("namespace", "")), str(metadata.get("name", "")), params)
    except SourceError as error:
        _note(gathering, target, error)
        return False
    gathering.answered += 1
    redacted = gathering.redactor.text(body.decode(errors="replace"))
    # While a container backs off, both questions get the log of its last life; and where the API is behind its
    # kubelet, the log is of another life than it says, perhaps of one that is archived.
    text = text_of(target, redacted.text)
    if text not in read:
        read.add(text)
        _keep(gathering, target, redacted, cut=len(body) >= int(params["limitBytes"]))
    return True


def _note(gathering: Gathering, target: Target, error: SourceError) -> None:
    """Put a log that could not be read on the account, under its own name."""
    code = error.code if isinstance(error, Refusal) else 0
    gathering.warnings.append(f"{target.name}: {error.reason}")
    if code == 400 and target.previous:
        # The kubelet has removed that container already; nothing can be done about it any more.
        return
    reason, remedy, status = f"{target.name}: {error.reason}", error.remedy, error.status
    if code == 403:
        reason, remedy = f"pods/log: {error.reason}", LOG_RULE
    elif code == 404:
        status, remedy = Status.GONE, "The pod is gone and its log with it; send logs to Debrief as they are written."
    elif code >= 500 or code == 400:
        status, remedy = Status.ERROR, "The node's kubelet did not give the log; see the node's condition."
    gathering.failures.append(SourceError(status, reason, remedy=remedy, retryable=error.retryable, limit=error.limit))


def _keep(gathering: Gathering, target: Target, redacted: Redacted, *, cut: bool) -> None:
    everything = lines_of(redacted.text)
    gathering.fetched += len(everything)
    lines = [line for line in everything if gathering.window.contains(line.at)]
    gathering.dropped += len(everything) - len(lines)
    if not lines:
        return
    cut = cut or len(everything) >= TAIL_LINES
    if cut:
        gathering.warnings.append(f"{target.name}: longer than was read, {len(lines)} lines from {iso(lines[0].at)}")
    gathering.keep(observe_log(gathering, target, lines, redacted.hits, cut=cut))
