"""What an incident is known again by, read from its scope and its evidence. Plain values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from telemetry.workload_names import named_workload

EVIDENCE_NAMED = 5
LONGEST = 300
LOG_PATTERNS = 8
JUST_BEFORE = timedelta(minutes=45)
LOUD = {"warning", "error"}
# What differs between two firings of one alert.
PASSING = {"pod", "instance", "container", "container_id", "uid", "pod_ip", "endpoint", "prometheus", "replica", "ip"}
PULLED_IMAGE = re.compile(r'image "([^"\s]{1,200})"')
# What is left of a pattern when names and numbers are gone; two releases rarely word an error differently.
NOT_WORDS = re.compile(r"<\*>|[^a-z]+")
SHORTEST_PATTERN = 12
SHORTEST_TERM = 4
# Words of any log, whatever went wrong.
EVERYWHERE = {"error", "errors", "failed", "failure", "fatal", "with", "from", "this", "that", "cannot", "could"}


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence, as far as it is needed here: its number, type, level, title, subject and payload."""

    number: int
    type: str
    level: str
    title: str
    first_at: datetime
    subject: Mapping[str, Any] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """The scope of an incident and when its impact began."""

    began_at: datetime
    workloads: Sequence[Mapping[str, str]] = ()
    services: Sequence[str] = ()
    labels: Sequence[str] = ()


@dataclass(slots=True)
class Found:
    """A trait in the making: `value` is compared, `label` is for people."""

    kind: str
    value: str
    label: str
    evidence: list[int] = field(default_factory=list)


def traits_of(place: Place, items: Iterable[Item]) -> list[Found]:
    """Each trait once, with the first EVIDENCE_NAMED pieces of evidence that show it."""
    found: dict[tuple[str, str], Found] = {}
    told = [(one, 0) for one in _of_place(place)]
    told += [(one, item.number) for item in items for one in _of_item(item, place)]
    for (kind, value, label), number in told:
        if not value:
            continue
        trait = found.setdefault((kind, value[:LONGEST]), Found(kind, value[:LONGEST], label[:LONGEST]))
        if number and number not in trait.evidence and len(trait.evidence) < EVIDENCE_NAMED:
            trait.evidence.append(number)
    return list(found.values())


Told = tuple[str, str, str]


def _of_place(place: Place) -> Iterator[Told]:
    for workload in place.workloads:
        yield _workload(str(workload.get("kind", "")), str(workload.get("name", "")))
    for service in place.services:
        yield "service", service.lower(), f"service {service}"
    for label in place.labels:
        yield "label", label.lower(), f"label {label}"


def _of_item(item: Item, place: Place) -> Iterator[Told]:
    read = {"event": _of_event, "log": _of_log, "alert": _of_alert}.get(item.type)
    if read is not None:
        yield from read(item)
    elif item.type == "state_change":
        yield from _of_change(item, place)


def _of_event(item: Item) -> Iterator[Told]:
    if item.level not in LOUD:
        return
    reason = str(item.payload.get("reason", ""))
    kind, name = str(item.subject.get("kind", "")), str(item.subject.get("name", ""))
    signal = str(item.payload.get("signal") or reason)
    yield from _of_trouble(kind, name, signal, reason)
    if (pulled := PULLED_IMAGE.search(str(item.payload.get("message", "")))) and "ull" in reason + pulled.string:
        yield "image", pulled[1], f"image {pulled[1]}"


def _of_trouble(kind: str, name: str, signal: str, reason: str) -> Iterator[Told]:
    if reason:
        yield "reason", reason, reason
    if kind == "Node":
        yield "node", name, f"node {name}"
        yield "signal", f"Node|{signal}", f"{reason or signal} of a node"
        return
    above, workload = named_workload(kind, name)
    if workload and signal:
        yield "signal", f"{above}/{workload}|{signal}", f"{reason or signal} of {workload}"
        yield _workload(above, workload)


def _of_change(item: Item, place: Place) -> Iterator[Told]:
    change, payload = item.payload.get("change"), item.payload
    owner = payload.get("workload")
    workload = owner if isinstance(owner, Mapping) else {}
    kind, name = str(workload.get("kind", "")), str(workload.get("name", ""))
    if change == "rollout":
        yield from _of_rollout(item, place, kind, name)
    elif change == "node_condition" and item.level in LOUD:
        node = str(payload.get("node", ""))
        signal = str(payload.get("signal") or payload.get("condition") or "")
        yield "node", node, f"node {node}"
        yield "signal", f"Node|{signal}", f"{payload.get('condition')} of a node is {payload.get('status')}"
    elif change in {"restart", "waiting"} and item.level in LOUD:
        reason = str(payload.get("reason") or payload.get("waiting_reason") or "")
        signal = str(payload.get("signal") or reason)
        if not name:
            kind, name = "Pod", str(item.subject.get("name", ""))
        yield from _of_trouble(kind, name, signal, reason)


def _of_rollout(item: Item, place: Place, kind: str, name: str) -> Iterator[Told]:
    """One that came before the impact may have led to it; what people rolled out later may have mended it."""
    if not name or not place.began_at - JUST_BEFORE <= item.first_at <= place.began_at + timedelta(minutes=2):
        return
    if item.payload.get("rollback") or item.payload.get("from_revision") is None:
        return
    yield "rollout", f"{kind}/{name}", f"rollout of {name} just before"
    diff = item.payload.get("diff")
    for line in diff if isinstance(diff, list) else []:
        path = str(line.get("path", "")) if isinstance(line, Mapping) else ""
        if path.endswith("image") and line.get("after"):
            yield "image", str(line["after"]), f"image {line['after']}"
        elif path:
            yield "rollout", f"{kind}/{name}|{path}", f"rollout that changed {path} of {name}"


def _of_log(item: Item) -> Iterator[Told]:
    patterns = item.payload.get("patterns")
    loud = [one for one in patterns if isinstance(one, Mapping) and one.get("level") == "error"] if patterns else []
    for one in loud[:LOG_PATTERNS]:
        text = str(one.get("pattern", ""))
        value = " ".join(NOT_WORDS.sub(" ", text.lower()).split())
        if len(value) >= SHORTEST_PATTERN:
            yield "log", value, text
        for word in dict.fromkeys(value.split()):
            if len(word) >= SHORTEST_TERM and word not in EVERYWHERE:
                yield "term", word, f"“{word}” in the log"


def _of_alert(item: Item) -> Iterator[Told]:
    name, given = str(item.payload.get("alertname") or ""), item.payload.get("labels")
    if not name or item.payload.get("state") == "pending":
        return
    yield "alert", name, f"alert {name}"
    labels = {key: value for key, value in given.items() if key not in PASSING} if isinstance(given, Mapping) else {}
    if len(labels) > 1:
        text = json.dumps(labels, sort_keys=True, default=str)
        yield "fingerprint", hashlib.sha256(text.encode()).hexdigest()[:32], f"{name} with the same labels"


def _workload(kind: str, name: str) -> Told:
    return "workload", f"{kind}/{name}" if name else "", f"{kind.lower()}/{name}"
