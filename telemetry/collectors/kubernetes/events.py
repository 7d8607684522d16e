"""Events of the window, from core/v1, whose JSON holds what every reporter wrote.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.kubernetes.api import EVENTS, Item
from telemetry.collectors.kubernetes.archive import State
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.times import iso, parse_time
from telemetry.http import SourceError
from telemetry.observations import EvidenceType, Level, Observation, Status
from telemetry.signals import signal_of_event

# kube-apiserver's --event-ttl unless somebody changed it.
USUAL_RETENTION = timedelta(hours=1)
COMBINED = "(combined from similar events)"
NODE_NAMESPACE = "default"
# As much as an archive keeps of a message; servers since 1.19 take a kilobyte.
LONGEST_MESSAGE = 16_384
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
    event_time = _told(event.get("eventTime"))
    created = _told(event["metadata"].get("creationTimestamp"))
    seen = [_told((series or {}).get("lastObservedTime")), _told(event.get("lastTimestamp")), event_time]
    last = max((at for at in seen if at), default=created)
    first = _told(event.get("firstTimestamp")) or event_time or created or last
    if last is None or first is None:
        return None
    first = min(first, last)
    if series is not None:
        # Servers before 1.26 start a series' count one low, so a series of 1 happened twice at least.
        told = _whole_number(series.get("count"))
        return Occurrence(first, last, max(2, told), is_lower_bound=told < 2)
    count = max(1, _whole_number(event.get("count")))
    return Occurrence(first, last, count, is_lower_bound=count == 1 and last > first)


def _told(text: Any) -> datetime | None:
    """None for what no clock means: Go's zero time, a far future that no page could show."""
    at = parse_time(text)
    return at if at is not None and 2000 <= at.year < 2100 else None


def collect_events(gathering: Gathering) -> None:
    """Keep the window's Events of the scope, those of nodes, and the namespaces' warnings."""
    found: dict[str, tuple[Occurrence, State]] = {}
    listed: list[Item] = []
    for state in _archived(gathering):
        _take(gathering, found, state)
    if not gathering.is_covered(EVENTS):
        listed = _listed(gathering)
    for item in listed:
        _take(gathering, found, State(item))
    kept: list[Observation] = []
    for times, state in found.values():
        if gathering.window.overlaps(times.first, times.last) and _in_scope(gathering, state.item):
            kept.append(_observe(gathering, state, times))
        else:
            gathering.dropped += 1
    for observation in sorted(kept, key=lambda one: (one.last_at, one.dedup_key)):
        gathering.keep(observation)
    if not gathering.is_covered(EVENTS):
        ends = [one.last for item in listed if (one := occurrence_of(item))]
        _tell_coverage(gathering, min(ends, default=None))


def archived_events(gathering: Gathering, *, places: Sequence[str], about: str = "", reason: str = "") -> list[State]:
    """Nothing where nothing is recorded."""
    if gathering.archive is None or gathering.coverage_of(EVENTS).is_empty:
        return []
    limit = gathering.items_allowed
    found = gathering.archive.events(gathering.window, places, limit=limit, about=about, reason=reason)
    return gathering.within_budget(EVENTS, found)


def listed_events(gathering: Gathering, **selectors: str) -> list[Item]:
    """As the live API has them, in the places of the selection."""
    return [item for place in gathering.selection.places for item in gathering.items(EVENTS, place, **selectors)]


def _archived(gathering: Gathering) -> list[State]:
    found = archived_events(gathering, places=gathering.selection.places)
    if _asks_for_nodes(gathering):
        found += archived_events(gathering, places=[NODE_NAMESPACE], about="Node")
    return found


def _listed(gathering: Gathering) -> list[Item]:
    found = listed_events(gathering)
    if _asks_for_nodes(gathering):
        found += gathering.items(EVENTS, NODE_NAMESPACE, fieldSelector="involvedObject.kind=Node")
    return found


def _asks_for_nodes(gathering: Gathering) -> bool:
    return bool(gathering.selection.namespaces) and NODE_NAMESPACE not in gathering.selection.namespaces


def _take(gathering: Gathering, found: dict[str, tuple[Occurrence, State]], state: State) -> None:
    """Of what is known twice, what went on for longer and was counted higher."""
    times, uid = occurrence_of(state.item), _uid(state.item)
    if times is None:
        gathering.warnings.append(f"Event {uid} carries no time")
        return
    before = found.get(uid)
    if before is None or (times.last, times.count) > (before[0].last, before[0].count):
        found[uid] = (times, state)


def _tell_coverage(gathering: Gathering, oldest: datetime | None) -> None:
    """Say from when on what was read can be trusted; a live list usually reaches back one hour."""
    reaches_back = datetime.now(UTC) - USUAL_RETENTION
    listed_from = max(gathering.window.start, min(oldest or reaches_back, reaches_back))
    unknown = [
        (first, min(last, listed_from))
        for first, last in gathering.coverage_of(EVENTS).missing(gathering.window.start, gathering.needed_to)
        if first < listed_from
    ]
    gathering.covered_from = (
        gathering.window.start if not unknown or unknown[0][0] > gathering.window.start else unknown[0][1]
    )
    if not unknown or not gathering.answered:
        return
    words = "Clusters usually keep Events for one hour, so the absence of one proves nothing."
    times = ", ".join(f"{iso(first)} to {iso(last)}" for first, last in unknown)
    told = f"Neither recorded nor listed: {times}. {words}"
    remedy = "Run the recorder, which keeps Events for as long as you like."
    if gathering.coverage_of(EVENTS).is_empty:
        told = f"Listed Events reach back to {iso(gathering.covered_from)}. {words}"
        if not gathering.kept:
            told = f"No Event of the window is left. {words}"
    if gathering.kept:
        gathering.warnings.append(told)
    else:
        gathering.failures.append(SourceError(Status.PARTIAL, told, remedy=remedy))


def _in_scope(gathering: Gathering, event: Mapping[str, Any]) -> bool:
    about = _about(event)
    if about.get("kind") == "Node" or event.get("type") == "Warning":
        return True
    return gathering.selection.covers(str(about.get("namespace", "")), str(about.get("name", "")))


def _observe(gathering: Gathering, state: State, times: Occurrence) -> Observation:
    event, about = state.item, _about(state.item)
    message = gathering.redactor.text(str(event.get("message") or "")[:LONGEST_MESSAGE])
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
    if signal := _signal(event, about, message.text):
        payload["signal"] = signal
    return Observation(
        type=EvidenceType.EVENT,
        dedup_key=f"event:{_uid(event)}",
        title=f"{reason} · {kind} {about.get('name', '')}".strip(),
        first_at=times.first,
        last_at=times.last,
        count=times.count,
        level=_level(event, reason, signal),
        subject=_subject(about),
        summary=message.text,
        payload=payload,
        query=gathering.request,
        redactions=dict(Counter(state.redactions) + Counter(message.hits)),
        flags={"combined": True} if payload["combined"] else {},
    )


def _signal(event: Mapping[str, Any], about: Mapping[str, Any], message: str) -> str:
    reason, kind, name = (str(value or "") for value in (event.get("reason"), about.get("kind"), about.get("name")))
    return signal_of_event(reason=reason, kind=kind, name=name, message=message)


def _level(event: Mapping[str, Any], reason: str, signal: str) -> Level:
    """What a rule recognised is never Normal, whatever its reporter called it."""
    if reason in ERROR_REASONS:
        return Level.ERROR
    return Level.WARNING if signal or event.get("type") == "Warning" else Level.NORMAL


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
