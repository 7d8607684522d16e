"""Recovery points and restores, whichever tool made them: one strip for each plan, with the newest usable point
before the incident. Plain values; what a tool's phases mean is its collector's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telemetry.collectors.times import iso
from telemetry.observations import EvidenceType, Level, Observation, Window

POINTS_SHOWN = 60
NOT_KNOWN = "Not known whether a usable recovery point was there: no object from before the incident is left."
USABLE, PARTIAL, FAILED, RUNNING, UNKNOWN = "usable", "partial", "failed", "running", "unknown"


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """`at` is the time of the data: what changed later is lost. `state` is one of the five above, `reason` why."""

    name: str
    at: datetime
    state: str
    finished_at: datetime | None = None
    reason: str = ""
    location: str = ""
    size: str = ""
    expires_at: datetime | None = None

    def payload(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "at": iso(self.at),
            "state": self.state,
            "finished_at": iso(self.finished_at) if self.finished_at else "",
            "reason": self.reason,
            "location": self.location,
            "size": self.size,
            "expires_at": iso(self.expires_at) if self.expires_at else "",
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes the points: a schedule, a configuration, a claim's snapshots. `covers` says what they hold.

    `first_run_at` is since when points were made, where the tool remembers it longer than the points' own objects.
    """

    tool: str
    name: str
    key: str
    covers: str
    schedule: str = ""
    paused: bool = False
    subject: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    first_run_at: datetime | None = None


def strip(
    plan: Plan,
    points: Sequence[RecoveryPoint],
    *,
    window: Window,
    at: datetime,
    query: str,
    redactions: Mapping[str, int] | None = None,
) -> Observation:
    """One plan's points up to the window's end. Payload: `{"tool", "plan", "covers", "schedule", "paused", "notes",
    "incident_at", "points": [RecoveryPoint.payload()], "points_total", "newest_usable", "age_seconds", "is_known",
    "window"}`. `is_known` is False where no object from before the incident is left, so that nothing can be said.
    """
    known = sorted((point for point in points if point.at < window.end), key=lambda point: (point.at, point.name))
    usable = [point for point in known if point.state == USABLE and (point.finished_at or point.at) <= at]
    newest = usable[-1] if usable else None
    age = (at - newest.at).total_seconds() if newest else None
    payload = {
        "tool": plan.tool,
        "plan": plan.name,
        "covers": plan.covers,
        "schedule": plan.schedule,
        "paused": plan.paused,
        "notes": list(plan.notes),
        "incident_at": iso(at),
        "points": [point.payload() for point in known[-POINTS_SHOWN:]],
        "points_total": len(known),
        "newest_usable": newest.payload() if newest else None,
        "age_seconds": age,
        "is_known": is_known(plan, known, at),
        "window": {"start": iso(window.start), "end": iso(window.end)},
    }
    return Observation(
        type=EvidenceType.BACKUP,
        dedup_key=f"backup:{plan.key}",
        title=f"{plan.tool} {plan.name}: recovery points of {plan.covers}"[:300],
        first_at=known[0].at if known else at,
        last_at=known[-1].at if known else at,
        count=max(1, len(known)),
        level=_level(known, newest, at) if is_known(plan, known, at) else Level.WARNING,
        subject=plan.subject,
        summary=_in_words(newest, age, known) if is_known(plan, known, at) else NOT_KNOWN,
        payload=payload,
        query=query,
        redactions=redactions or {},
        flags={"truncated": True} if len(known) > POINTS_SHOWN else {},
    )


def is_known(plan: Plan, points: Sequence[RecoveryPoint], at: datetime) -> bool:
    """Tools let go of old points, and of their objects sooner: then the absence of one proves nothing."""
    if any(point.at <= at for point in points):
        return True
    return not points and (plan.first_run_at is None or plan.first_run_at > at)


def _level(known: Sequence[RecoveryPoint], newest: RecoveryPoint | None, at: datetime) -> Level:
    if newest is None:
        return Level.ERROR
    later = [point for point in known if newest.at < point.at <= at]
    return Level.WARNING if any(point.state in {PARTIAL, FAILED} for point in later) else Level.INFO


def _in_words(newest: RecoveryPoint | None, age: float | None, known: Sequence[RecoveryPoint]) -> str:
    if newest is None or age is None:
        return "No usable recovery point before the incident" + (f" among {len(known)}" if known else "") + "."
    return f"Newest usable recovery point before the incident: {newest.name}, {lasted(age)} before."


def lasted(seconds: float) -> str:
    """`5 h 12 min`, `3 d 4 h`."""
    minutes = max(0, round(seconds / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    named = [(days, "d"), (hours, "h"), (minutes, "min")]
    told = [f"{count} {name}" for count, name in named if count][:2]
    return " ".join(told) or "0 min"


@dataclass(frozen=True, slots=True)
class Restore:
    """Something was brought back, or tried to be."""

    tool: str
    name: str
    key: str
    of: str
    covers: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    reason: str = ""
    subject: Mapping[str, str] = field(default_factory=dict)


def restored(restore: Restore, *, window: Window, query: str, redactions: Mapping[str, int]) -> Observation:
    """Payload: `{"restore": True, "tool", "name", "of", "covers", "state", "started_at", "finished_at", "seconds",
    "reason"}`."""
    seconds = (restore.finished_at - restore.started_at).total_seconds() if restore.finished_at else None
    words = {USABLE: "succeeded", PARTIAL: "succeeded in part", FAILED: "failed", RUNNING: "under way"}
    state = words.get(restore.state, "in an unknown state")
    length = f" after {lasted(seconds)}" if seconds is not None and restore.state != RUNNING else ""
    return Observation(
        type=EvidenceType.BACKUP,
        dedup_key=f"restore:{restore.key}",
        title=f"{restore.tool} restore {restore.name} {state}"[:300],
        first_at=restore.started_at,
        last_at=restore.finished_at or restore.started_at,
        level={FAILED: Level.ERROR, PARTIAL: Level.WARNING}.get(restore.state, Level.INFO),
        subject=restore.subject,
        summary=f"Of {restore.of}, {restore.covers}: {state}{length}. {restore.reason}".strip()[:500],
        payload={
            "restore": True,
            "tool": restore.tool,
            "name": restore.name,
            "of": restore.of,
            "covers": restore.covers,
            "state": restore.state,
            "started_at": iso(restore.started_at),
            "finished_at": iso(restore.finished_at) if restore.finished_at else "",
            "seconds": seconds,
            "reason": restore.reason,
            "window": {"start": iso(window.start), "end": iso(window.end)},
        },
        query=query,
        redactions=redactions,
    )
