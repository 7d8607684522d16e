"""A container's log as an observation, wherever its lines come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.restarts import Container
from telemetry.collectors.kubernetes.selection import subject_of
from telemetry.collectors.log_lines import LogLine, level_of, log_payload, loudest
from telemetry.collectors.times import parse_time
from telemetry.observations import EvidenceType, Observation

Text = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """One log: of a container's present life, or of the one before. `identity` is the id of that life.

    `is_ending_alone`: no more than the last lines are known, for the node has dropped the rest.
    """

    container: Container
    previous: bool
    identity: str
    is_ending_alone: bool = False

    @property
    def name(self) -> str:
        pod = self.container.pod["metadata"].get("name", "")
        return f"{pod}/{self.container.name}" + (" (previous)" if self.previous else "")

    @property
    def key(self) -> str:
        """Names the very life of the container that wrote this log."""
        life = hashlib.sha256(self.identity.encode()).hexdigest()[:12]
        return f"{self.container.pod['metadata'].get('uid')}:{self.container.name}:{life}"

    @property
    def suffix(self) -> str:
        """The whole log and its last lines are two things: the one never replaces the other."""
        return ":last-lines" if self.is_ending_alone else ":previous" if self.previous else ""


def text_of(target: Target, redacted: str) -> Text:
    """Tells one container's log from another by what stands in it."""
    container = f"{target.container.pod['metadata'].get('uid')}:{target.container.name}"
    return container, hashlib.sha256(redacted.rstrip("\n").encode()).digest()


def observe_log(
    gathering: Gathering, target: Target, lines: list[LogLine], hits: Mapping[str, int], *, cut: bool
) -> Observation:
    pod, container = target.container.pod, target.container.name
    metadata = pod["metadata"]
    payload: dict[str, Any] = {
        "pod": metadata.get("name", ""),
        "container": container,
        "namespace": metadata.get("namespace", ""),
        "previous": target.previous,
        "init": target.container.init,
        **log_payload(lines),
    }
    errors = payload["errors"]
    words = "Last lines" if target.is_ending_alone else "Previous log" if target.previous else "Log"
    return Observation(
        type=EvidenceType.LOG,
        dedup_key=f"log:{target.key}{target.suffix}",
        title=f"{words} of {container} in {payload['pod']}",
        first_at=lines[0].at,
        last_at=lines[-1].at,
        count=len(lines),
        level=loudest(lines),
        subject=subject_of(pod, kind="Pod", container=container),
        summary=f"{errors} of {len(lines)} lines are errors: {payload['patterns'][0]['pattern']}" if errors else "",
        payload=payload,
        query=gathering.request,
        redactions=dict(hits),
        flags={"truncated": True} if cut else {},
    )


def lines_of(text: str) -> list[LogLine]:
    """`TIME TEXT` per line; a line without a time of its own belongs to the one before."""
    lines: list[LogLine] = []
    for raw in text.split("\n"):
        stamp, _, words = raw.partition(" ")
        at = parse_time(stamp)
        if at is not None:
            lines.append(LogLine(at, words.rstrip("\r"), level_of(words)))
        elif raw and lines:
            last = lines[-1]
            lines[-1] = LogLine(last.at, f"{last.text}\n{raw}", last.level)
    return sorted(lines, key=lambda line: line.at)
