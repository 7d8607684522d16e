"""Events of the window, from core/v1, whose JSON holds what every reporter wrote.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.kubernetes.api import EVENTS, Item
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.times import iso, parse_time
from telemetry.http import SourceError
from telemetry.observations import EvidenceType, Level, Observation, Status

# kube-apiserver's --event-ttl unless somebody changed it.
USUAL_RETENTION = timedelta(hours=1)
COMBINED = "(combined from similar events)"
NODE_NAMESPACE = "default"
ERROR_REASONS = frozenset(
    {
        "BackOff",
        "CrashLoopBackOff",
        "Evicted",
        "Failed",
        "FailedAttachVolume",
        "FailedCreate",
        "FailedCreatePodSandBox",
        "FailedMount",
        "NodeNotReady",
        "OOMKilled",
        "OOMKilling",
        "SystemOOM",
    }
)
CONTAINER = re.compile(r"spec\.(?:init|ephemeral)?[cC]ontainers\{([a-z0-9-]{1,63})\}")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """When an Event happened and how often.

    `is_lower_bound`: it went on until `last` and the count says no more than "at least".
    """

    first: datetime
    last: datetime
    count: int
    is_lower_bound: bool


def occurrence_of(event: Mapping[str, Any]) -> Occurrence | None:
    """The times and the count of a core/v1 Event; None if it carries no time at all."""
    series = event.get("series") if isinstance(event.get("series"), dict) else None
    event_time = parse_time(event.get("eventTime"))
    created = parse_time(event["metadata"].get("creationTimestamp"))
    seen = [parse_time((series or {}).get("lastObservedTime")), parse_time(event.get("lastTimestamp")), event_time]
    last = max((at for at in seen if at), default=created)
    first = parse_time(event.get("firstTimestamp")) or event_time or created or last
    if last is None or first is None:
        return None
    first = min(first, last)
    if series is not None:
        # Servers before 1.26 start a series' count one low, so a series of 1 happened twice at least.
        told = _whole_number(series.get("count"))
        return Occurrence(first, last, max(2, told), is_lower_bound=told < 2)
    count = max(1, _whole_number(event.get("count")))
    return Occurrence(first, last, count, is_lower_bound=count == 1 and last > first)


def collect_events(gathering: Gathering) -> None:
    """Keep the window's Events of the scope, those of nodes, and the namespaces' warnings."""
    events: dict[str, Item] = {}
    for item in gathering.everywhere(EVENTS):
        events[_uid(item)] = item
    if gathering.selection.namespaces and NODE_NAMESPACE not in gathering.selection.namespaces:
        for item in gathering.items(EVENTS, NODE_NAMESPACE, fieldSelector="involvedObject.kind=Node"):
            events[_uid(item)] = item
    oldest: datetime | None = None
    found: list[Observation] = []
    for event in events.values():
        times = occurrence_of(event)
        if times is None:
            gathering.warnings.append(f"Event {_uid(event)} carries no time")
            continue
        oldest = min(oldest or times.last, times.last)
        if gathering.window.overlaps(times.first, times.last) and _in_scope(gathering, event):
            found.append(_observe(gathering, event, times))
        else:
            gathering.dropped += 1
    for observation in sorted(found, key=lambda one: (one.last_at, one.dedup_key)):
        gathering.keep(observation)
    _tell_coverage(gathering, oldest)


def _tell_coverage(gathering: Gathering, oldest: datetime | None) -> None:
    """Say from when on the list can be trusted; without any Event that is usually one hour."""
    reaches_back = datetime.now(UTC) - USUAL_RETENTION
    covered_from = max(gathering.window.start, min(oldest or reaches_back, reaches_back))
    gathering.covered_from = covered_from
    if covered_from > gathering.window.start and gathering.answered:
        words = "Clusters usually keep Events for one hour, so the absence of one proves nothing."
        if not gathering.kept:
            gathering.failures.append(
                SourceError(
                    Status.PARTIAL,
                    f"No Event of the window is left. {words}",
                    remedy="Run the recorder, which keeps Events for as long as you like.",
                )
            )
        else:
            gathering.warnings.append(f"Listed Events reach back to {iso(covered_from)}. {words}")


def _in_scope(gathering: Gathering, event: Mapping[str, Any]) -> bool:
    about = _about(event)
    if about.get("kind") == "Node" or event.get("type") == "Warning":
        return True
    return gathering.selection.covers(str(about.get("namespace", "")), str(about.get("name", "")))


def _observe(gathering: Gathering, event: Mapping[str, Any], times: Occurrence) -> Observation:
    about = _about(event)
    message = gathering.redactor.text(str(event.get("message") or ""))
    reason, kind = str(event.get("reason") or "Event"), str(about.get("kind", ""))
    source = event.get("source") if isinstance(event.get("source"), dict) else {}
    payload = {
        "reason": reason,
        "message": message.text,
        "type": str(event.get("type") or "Normal"),
        "count": times.count,
        "reporter": str(event.get("reportingComponent") or (source or {}).get("component") or ""),
        "node": str((source or {}).get("host") or (about.get("name") if kind == "Node" else "") or ""),
        "combined": message.text.startswith(COMBINED),
        "until_only": times.is_lower_bound,
        "first_at": iso(times.first),
        "last_at": iso(times.last),
    }
    return Observation(
        type=EvidenceType.EVENT,
        dedup_key=f"event:{_uid(event)}",
        title=f"{reason} · {kind} {about.get('name', '')}".strip(),
        first_at=times.first,
        last_at=times.last,
        count=times.count,
        level=_level(event, reason),
        subject=_subject(about),
        summary=message.text,
        payload=payload,
        query=gathering.request,
        redactions=message.hits,
        flags={"combined": True} if payload["combined"] else {},
    )


def _level(event: Mapping[str, Any], reason: str) -> Level:
    if reason in ERROR_REASONS:
        return Level.ERROR
    return Level.WARNING if event.get("type") == "Warning" else Level.NORMAL


def _subject(about: Mapping[str, Any]) -> dict[str, str]:
    container = CONTAINER.match(str(about.get("fieldPath") or ""))
    group = str(about.get("apiVersion") or "").rpartition("/")[0]
    fields = {"group": group, **{key: about.get(key) for key in ("kind", "namespace", "name", "uid")}}
    fields["container"] = container.group(1) if container else ""
    return {key: str(value) for key, value in fields.items() if value}


def _about(event: Mapping[str, Any]) -> Mapping[str, Any]:
    about = event.get("involvedObject")
    return about if isinstance(about, dict) else {}


def _uid(event: Mapping[str, Any]) -> str:
    metadata = event["metadata"]
    return str(metadata.get("uid") or f"{metadata.get('namespace', '')}/{metadata.get('name', '')}")


def _whole_number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
