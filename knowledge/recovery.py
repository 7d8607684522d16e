"""Objectives beside what was measured: in incidents, in drills, and from the recovery points of now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Q

from accounts.models import User
from incidents.durations import spoken
from incidents.models import Evidence, Incident
from incidents.models.incident import ClosureReason, Kind
from knowledge.models import Drill, RecoveryObjective, RecoveryReading
from telemetry.observations import EvidenceType

# Of each objective.
NEWEST = 200
NO_RECOVERY = (ClosureReason.DUPLICATE, ClosureReason.FALSE_POSITIVE, ClosureReason.CANCELLED)
LEAST_FOR_P90 = 5
BAR, FULL = 160, 100
MOST_AGE = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Measured:
    """One value in seconds, `at_most` where what was really lost cannot be known; without one `reason` says why."""

    label: str
    at: datetime
    address: str = ""
    seconds: int | None = None
    at_most: bool = False
    reason: str = ""


@dataclass(slots=True)
class Line:
    """One line of the table: RTO or RPO of one place from one origin, newest first."""

    what: str
    origin: str
    objective: int
    values: list[Measured] = field(default_factory=list)
    none: str = ""

    @property
    def newest(self) -> Measured | None:
        return self.values[0] if self.values else None

    @property
    def known(self) -> list[int]:
        return [one.seconds for one in self.values if one.seconds is not None]

    @property
    def shown(self) -> Measured | None:
        """The newest that could be measured."""
        return next((one for one in self.values if one.seconds is not None), None)

    @property
    def result(self) -> str:
        """within, missed, or not measurable."""
        shown = self.shown
        if shown is None or shown.seconds is None or shown is not self.newest:
            return "not measurable"
        return "within" if shown.seconds <= self.objective else "missed"

    @property
    def why(self) -> str:
        newest = self.newest
        return newest.reason if newest is not None and newest.seconds is None else self.none

    @property
    def middle(self) -> int | None:
        return round(median(self.known)) if len(self.known) > 1 else None

    @property
    def p90(self) -> int | None:
        """By nearest rank; of fewer than LEAST_FOR_P90 it would only be the worst."""
        rows = sorted(self.known)
        return rows[math.ceil(len(rows) * 0.9) - 1] if len(rows) >= LEAST_FOR_P90 else None

    @property
    def bar(self) -> int:
        shown = self.shown
        share = (shown.seconds or 0) / self.objective if shown else 0
        return min(BAR, max(1, round(share * FULL)))

    @property
    def in_words(self) -> str:
        shown = self.shown
        told = spoken(shown.seconds) if shown and shown.seconds is not None else "nothing"
        return f"{told} measured of {spoken(self.objective)}"


@dataclass(slots=True)
class Beside:
    """An objective and its lines."""

    objective: RecoveryObjective
    lines: list[Line]


def beside(objectives: Sequence[RecoveryObjective], person: User) -> list[Beside]:
    """The same number of queries however many there are. Drills and incidents never mix."""
    incidents = _incidents(objectives, person)
    ages = _ages(incidents)
    drills = [one for one in _drills(objectives, person) if one.incident is not None]
    readings = _readings(objectives)
    return [_beside(one, incidents, drills, ages, readings.get(one.pk)) for one in objectives]


def _incidents(objectives: Sequence[RecoveryObjective], person: User) -> list[Incident]:
    rows = Incident.objects.visible_to(person).filter(kind=Kind.INCIDENT).exclude(closure_reason__in=NO_RECOVERY)
    chosen = [rows.filter(_of(one)).order_by("-number").values("pk")[:NEWEST] for one in objectives]
    found = Incident.objects.filter(pk__in=_ids(chosen)).prefetch_related("milestones", "clusters")
    return list(found.order_by("-number"))


def _drills(objectives: Sequence[RecoveryObjective], person: User) -> list[Drill]:
    rows = Drill.objects.filter(incident__in=Incident.objects.visible_to(person))
    chosen = [
        rows.filter(Q(objective=one) | (Q(objective=None) & _of(one, "incident__")))
        .order_by("-incident__number")
        .values("pk")[:NEWEST]
        for one in objectives
    ]
    found = Drill.objects.filter(pk__in=_ids(chosen)).select_related("incident")
    found = found.prefetch_related("incident__milestones", "incident__clusters")
    return list(found.order_by("-incident__number"))


def _ids(chosen: Sequence[Any]) -> set[int]:
    """In one query, each bounded for itself: a busy service does not crowd out the others."""
    if not chosen:
        return set()
    return {row["pk"] for row in (chosen[0].union(*chosen[1:]) if len(chosen) > 1 else chosen[0])}


def _of(objective: RecoveryObjective, to: str = "") -> Q:
    """As `concerns` has it."""
    match = Q()
    if objective.service:
        match &= Q(**{f"{to}services__contains": [objective.service]})
    if objective.namespace:
        match &= Q(**{f"{to}namespaces__contains": [objective.namespace]})
    if objective.cluster_id:
        match &= Q(**{f"{to}clusters": objective.cluster_id}) | Q(**{f"{to}clusters": None})
    return match


def _ages(incidents: Iterable[Incident]) -> dict[int, list[float | None]]:
    """Of each incident the ages of its newest usable backups; None for a plan that had none."""
    rows = Evidence.objects.filter(incident__in=[one.pk for one in incidents], type=EvidenceType.BACKUP.value)
    rows = rows.exclude(payload__has_key="restore").filter(payload__is_known=True)
    found: dict[int, list[float | None]] = {}
    for incident_id, age in rows.values_list("incident_id", "payload__age_seconds"):
        good = isinstance(age, int | float) and 0 <= age < MOST_AGE
        found.setdefault(incident_id, []).append(float(age) if good else None)
    return found


def _readings(objectives: Sequence[RecoveryObjective]) -> dict[int, RecoveryReading]:
    rows = RecoveryReading.objects.filter(objective__in=[one.pk for one in objectives])
    return {one.objective_id: one for one in rows.order_by("objective_id", "-at", "-id").distinct("objective_id")}


def _beside(
    objective: RecoveryObjective,
    incidents: list[Incident],
    drills: list[Drill],
    ages: dict[int, list[float | None]],
    reading: RecoveryReading | None,
) -> Beside:
    mine = [one for one in incidents if concerns(objective, one)]
    ours = [one for one in drills if one.objective_id == objective.pk or _place_of(objective, one)]
    lines = []
    if (rto := objective.rto_seconds) is not None:
        lines.append(Line("RTO", "incidents", rto, [away(one) for one in mine], "no incident of it was recorded"))
        lines.append(
            Line("RTO", "drills", rto, [away(one.incident) for one in ours if one.incident], "it was never drilled")
        )
    if (rpo := objective.rpo_seconds) is not None:
        now = [_now(reading)] if reading else []
        lines.append(Line("RPO", "backups now", rpo, now, "its recovery points were not read yet"))
        lost = [_lost(one, ages.get(one.pk)) for one in mine if one.pk in ages]
        none = "no incident of it holds evidence of backups" if mine else "no incident of it was recorded"
        lines.append(Line("RPO", "incidents", rpo, lost, none))
        lines.append(Line("RPO", "drills", rpo, [brought_back(one) for one in ours], "it was never drilled"))
    return Beside(objective, lines)


def concerns(objective: RecoveryObjective, incident: Incident) -> bool:
    if objective.service and objective.service not in incident.services:
        return False
    if objective.namespace and objective.namespace not in incident.namespaces:
        return False
    clusters = {one.pk for one in incident.clusters.all()}
    return not objective.cluster_id or not clusters or objective.cluster_id in clusters


def _place_of(objective: RecoveryObjective, drill: Drill) -> bool:
    return drill.objective_id is None and drill.incident is not None and concerns(objective, drill.incident)


def away(incident: Incident) -> Measured:
    """From the start of the impact until it was mitigated, or else resolved."""
    times = incident.milestone_times()
    start, end = times.get("impact_started"), times.get("mitigated") or times.get("resolved")
    told: dict[str, Any] = {
        "label": incident.key,
        "at": start or incident.declared_at,
        "address": incident.get_absolute_url(),
    }
    if start is None:
        return Measured(**told, reason="the milestone Impact started is not set")
    if end is None:
        return Measured(**told, reason="it is neither mitigated nor resolved yet")
    return Measured(**told, seconds=max(0, round((end - start).total_seconds())))


def _lost(incident: Incident, ages: list[float | None] | None) -> Measured:
    """What was lost is not known; no more than what came after the oldest of its newest backups."""
    told: dict[str, Any] = {"label": incident.key, "at": incident.declared_at, "address": incident.get_absolute_url()}
    known = [age for age in ages or [] if age is not None]
    if not ages or len(known) < len(ages):
        return Measured(**told, reason="no usable backup from before it is known")
    return Measured(**told, seconds=round(max(known)), at_most=True)


def brought_back(drill: Drill) -> Measured:
    """From the newest data that came back to the start of the impact."""
    incident = drill.incident
    assert incident is not None  # noqa: S101 - callers hold drills that have begun
    start = incident.milestone_times().get("impact_started")
    told: dict[str, Any] = {"label": drill.title, "at": incident.declared_at, "address": drill.get_absolute_url()}
    if start is None:
        return Measured(**told, reason="the milestone Impact started is not set")
    if drill.restored_to_at is None:
        return Measured(**told, reason="the newest data that came back was not entered")
    if drill.restored_to_at > start:
        return Measured(**told, reason="the data that came back is newer than the start of the impact")
    return Measured(**told, seconds=round((start - drill.restored_to_at).total_seconds()))


def _now(reading: RecoveryReading) -> Measured:
    label = " ".join(part for part in (reading.tool, reading.point) if part) or "recovery points"
    return Measured(label, reading.at, "", reading.age_seconds, reason=reading.reason)
