"""What backs up the volumes of a place: the plans of Velero, Stash and CSI snapshots, and what they made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from knowledge.checks import lists
from knowledge.checks.base import Listing, Readings
from knowledge.checks.snapshot_rhythm import stopped, uncertain
from knowledge.checks.velero_contents import chooses_by_label, takes_volumes
from knowledge.checks.workloads import Workload, find, mapping, objects
from telemetry.collectors import csi_snapshots, stash, velero
from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.collectors.recovery import USABLE, RecoveryPoint
from telemetry.collectors.through_cluster import text
from telemetry.observations import Workload as Named
from telemetry.redaction import Redactor

MOST_REPLICAS = 2_000
BY_LABEL = "it chooses by a label, which may leave something out"


@dataclass(frozen=True, slots=True)
class Stored:
    """A workload that keeps data in volumes: the names of its claims, and of the pods' volume for each."""

    workload: Workload
    volumes: Mapping[str, str]

    @property
    def claims(self) -> tuple[str, ...]:
        return tuple(self.volumes)

    @property
    def words(self) -> str:
        return self.workload.words


@dataclass(frozen=True, slots=True)
class Plan:
    """Something that makes recovery points of `claims` of one workload. `lame` says why it makes no more, `unclear` what
    cannot be told of it; `location` names where the points lie (a Velero location, a Stash repository).

    `doubtful` are points that may hold the data or not.
    """

    tool: str
    name: str
    claims: tuple[str, ...]
    points: tuple[RecoveryPoint, ...] = ()
    lame: str = ""
    unclear: str = ""
    location: tuple[str, str] = ("", "")
    doubtful: tuple[RecoveryPoint, ...] = ()

    @property
    def words(self) -> str:
        return f"{self.tool} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Backups:
    """`plans` by the words of the workload; `own` are the lists of workloads, `listings` all that was read."""

    stored: tuple[Stored, ...]
    plans: Mapping[str, tuple[Plan, ...]]
    own: tuple[Listing, ...]
    listings: tuple[Listing, ...]

    @property
    def unread(self) -> list[Listing]:
        return [one for one in self.listings if not one.is_read]

    def of_claim(self, one: Stored, claim: str) -> tuple[Plan, ...]:
        return tuple(plan for plan in self.plans.get(one.words, ()) if claim in plan.claims)

    def newest(self, one: Stored, now: datetime) -> tuple[Plan, RecoveryPoint] | None:
        """What would come back: of each claim the newest usable point, of these the oldest; None if a claim has none."""
        found = [self._newest_of(one, claim, now) for claim in one.claims]
        known = [pair for pair in found if pair is not None]
        return min(known, key=lambda pair: pair[1].at) if known and len(known) == len(found) else None

    def bare(self, one: Stored, now: datetime) -> list[str]:
        """Claims without a usable point."""
        return [claim for claim in one.claims if self._newest_of(one, claim, now) is None]

    def doubt(self, one: Stored) -> str:
        """Why a point that does not count may yet hold the data, or ""."""
        plan = next((plan for plan in self.plans.get(one.words, ()) if plan.doubtful), None)
        return f"{plan.words}: {BY_LABEL}" if plan else ""

    def _newest_of(self, one: Stored, claim: str, now: datetime) -> tuple[Plan, RecoveryPoint] | None:
        found = [
            (plan, point)
            for plan in self.of_claim(one, claim)
            for point in plan.points
            if point.state == USABLE and point.at <= now and (point.finished_at or point.at) <= now
        ]
        return max(found, key=lambda pair: pair[1].at, default=None)


def stored_in(readings: Readings) -> tuple[list[Stored], list[Listing]]:
    """Workloads with volumeClaimTemplates, or with a volume of a claim in their pods."""
    found = find(readings, ("StatefulSet", "Deployment"))
    rows = [Stored(one, volumes) for one in found.workloads if (volumes := _volumes(one))]
    return rows, list(found.listings)


def _volumes(workload: Workload) -> dict[str, str]:
    templates = objects(mapping(workload.item.get("spec")).get("volumeClaimTemplates"))
    names = [str(mapping(one.get("metadata")).get("name") or "") for one in templates]
    # One that is scaled to nothing keeps its data all the same.
    count = min(max(1, workload.replicas[0]), MOST_REPLICAS)
    made = {f"{name}-{workload.name}-{place}": name for name in names for place in range(count)}
    mounted = {
        str(mapping(volume.get("persistentVolumeClaim")).get("claimName") or ""): str(volume.get("name") or "")
        for volume in objects(workload.pod_spec.get("volumes"))
    }
    return {claim: name for claim, name in (made | mounted).items() if claim}


def backups_of(readings: Readings) -> Backups:
    stored, listings = stored_in(readings)
    if not stored:
        return Backups((), {}, tuple(listings), tuple(listings))
    reading = _Reading(readings)
    plans = {one.words: (*reading.velero(one), *reading.stash(one), *reading.snapshots(one)) for one in stored}
    return Backups(tuple(stored), plans, tuple(listings), (*listings, *reading.listings))


class _Reading:
    """The lists of the three tools, read once."""

    def __init__(self, readings: Readings) -> None:
        self.now, self.redactor = readings.now, Redactor()
        self.schedules = readings.listing(lists.VELERO_SCHEDULES)
        self.backups = readings.listing(lists.VELERO_BACKUPS)
        self.locations = readings.listing(lists.VELERO_LOCATIONS)
        self.configurations = readings.listing(lists.STASH_CONFIGURATIONS)
        self.sessions = readings.listing(lists.STASH_SESSIONS)
        self.repositories = readings.listing(lists.STASH_REPOSITORIES)
        self.snapshots_made = readings.listing(lists.SNAPSHOTS)
        self.contents = readings.listing(lists.CONTENTS)

    @property
    def listings(self) -> tuple[Listing, ...]:
        return (
            *(self.schedules, self.backups, self.locations, self.configurations, self.sessions, self.repositories),
            *(self.snapshots_made, self.contents),
        )

    def velero(self, one: Stored) -> list[Plan]:
        namespace = one.workload.namespace
        plans, seen = [], set()
        for schedule in self.schedules.items:
            template = mapping(mapping(schedule.get("spec")).get("template"))
            if not velero.covers(template, [namespace]) or not takes_volumes(template):
                continue
            name = _name(schedule)
            seen.add(name)
            points, doubtful = self._velero_points(
                [row for row in self.backups.items if _made_by(row) == name], namespace
            )
            unclear = BY_LABEL if chooses_by_label(template) else ""
            location = ("BackupStorageLocation", text(template, "storageLocation") or "default")
            told = (_lame(schedule), unclear, location, doubtful)
            plans.append(Plan("Velero", name, one.claims, points, *told))
        points, doubtful = self._velero_points(
            [row for row in self.backups.items if _made_by(row) not in seen], namespace
        )
        if points or doubtful:
            lame = "no schedule makes more of them"
            name = "without a schedule that covers it"
            plans.append(Plan("Velero", name, one.claims, points, lame, doubtful=doubtful))
        return plans

    def _velero_points(
        self, rows: Sequence[Item], namespace: str
    ) -> tuple[tuple[RecoveryPoint, ...], tuple[RecoveryPoint, ...]]:
        """Those that hold the volumes of the namespace, and those that chose by a label and may not."""
        places = {_name(row): mapping(row.get("status")) for row in self.locations.items}
        made: dict[bool, list[RecoveryPoint]] = {False: [], True: []}
        for row in rows:
            spec = mapping(row.get("spec"))
            if not velero.covers(spec, [namespace]) or not takes_volumes(spec):
                continue
            if (point := velero.point(row, places, self.redactor, Counter(), self.now)) is not None:
                made[chooses_by_label(spec)].append(point)
        return tuple(made[False]), tuple(made[True])

    def stash(self, one: Stored) -> list[Plan]:
        namespace = one.workload.namespace
        repositories = {(_place(row), _name(row)): row for row in self.repositories.items}
        selection = Selection(workloads=(Named(one.workload.kind, namespace, one.workload.name),))
        plans = []
        for row in self.configurations.items:
            claims = _backed_up(row, one)
            if _place(row) != namespace or not claims:
                continue
            broken, _, _ = stash.repository_of(row, namespace, repositories)
            made = [session for session in self.sessions.items if _invoked_by(session, namespace) == _name(row)]
            points = [stash.point(session, broken, selection, self.redactor, Counter()) for session in made]
            known = tuple(point for point in points if point is not None)
            reference = mapping(mapping(row.get("spec")).get("repository"))
            location = ("Repository", f"{text(reference, 'namespace') or namespace}/{text(reference, 'name')}")
            lame = "it is paused" if mapping(row.get("spec")).get("paused") is True else ""
            plans.append(Plan("Stash", _name(row), claims, known, lame, "", location))
        return plans

    def snapshots(self, one: Stored) -> list[Plan]:
        """One plan for each claim that has snapshots, sound where a rhythm or a maker is seen."""
        contents = {_name(row): row for row in self.contents.items} if self.contents.is_read else None
        by_claim: dict[str, list[Item]] = {}
        for row in self.snapshots_made.items:
            claim = text(mapping(mapping(row.get("spec")).get("source")), "persistentVolumeClaimName")
            if _place(row) == one.workload.namespace and claim in one.claims:
                by_claim.setdefault(claim, []).append(row)
        return [self._snapshots_of(claim, rows, contents) for claim, rows in by_claim.items()]

    def _snapshots_of(self, claim: str, rows: list[Item], contents: Mapping[str, Item] | None) -> Plan:
        made = [csi_snapshots.point(row, contents, self.redactor, Counter()) for row in rows]
        points = tuple(point for point in made if point is not None)
        times = [point.at for point in points if point.state == USABLE]
        if not times:
            return Plan("CSI snapshots", "", (claim,), points, f"no snapshot of {claim} is usable")
        return Plan("CSI snapshots", "", (claim,), points, stopped(times, self.now), uncertain(rows, times))


def _backed_up(configuration: Item, one: Stored) -> tuple[str, ...]:
    """The claims that a configuration of Stash takes: its own, or of a workload those in the volumes it mounts."""
    target = mapping(mapping(configuration.get("spec")).get("target"))
    named = (text(mapping(target.get("ref")), "kind"), text(mapping(target.get("ref")), "name"))
    if named[0] == "PersistentVolumeClaim":
        return tuple(claim for claim in one.claims if claim == named[1])
    if named != (one.workload.kind, one.workload.name):
        return ()
    mounts = {text(mount, "name") for mount in objects(target.get("volumeMounts"))}
    return tuple(claim for claim, volume in one.volumes.items() if not mounts or volume in mounts)


def _lame(schedule: Item) -> str:
    if mapping(schedule.get("spec")).get("paused") is True:
        return "it is paused"
    return "it is not valid" if text(mapping(schedule.get("status")), "phase") == "FailedValidation" else ""


def _made_by(backup: Item) -> str:
    return str(mapping(backup["metadata"].get("labels")).get(velero.SCHEDULE_LABEL) or "")


def _invoked_by(session: Item, namespace: str) -> str:
    spec = mapping(session.get("spec"))
    invoker = mapping(spec.get("invoker")) or mapping(spec.get("backupConfiguration"))
    return text(invoker, "name") if _place(session) == namespace else ""


def _name(row: Item) -> str:
    return str(row["metadata"].get("name") or "")


def _place(row: Item) -> str:
    return str(row["metadata"].get("namespace") or "")


@dataclass(frozen=True, slots=True)
class Recoverable:
    """How old the data is that would come back now; without an age `reason` says why nobody can tell."""

    at: datetime | None = None
    tool: str = ""
    point: str = ""
    reason: str = ""


def recoverable(readings: Readings) -> Recoverable:
    """Of several workloads the one that would lose most: a place comes back with all of them."""
    backups = backups_of(readings)
    blind = "; ".join(dict.fromkeys(one.reason for one in backups.unread))
    if not backups.stored:
        where = readings.place.words
        return Recoverable(reason=f"could not be read: {blind}" if blind else f"no workload with volumes in {where}")
    found = {one.words: backups.newest(one, readings.now) for one in backups.stored}
    without = [words for words, newest in found.items() if newest is None]
    if without:
        why = f"; what could not be read may hold one: {blind}" if blind else ""
        doubts = [doubt for one in backups.stored if found[one.words] is None and (doubt := backups.doubt(one))]
        why += f"; {doubts[0]}" if doubts else ""
        return Recoverable(reason=f"no usable backup of {', '.join(without[:3])}{why}")
    plan, point = min((newest for newest in found.values() if newest), key=lambda pair: pair[1].at)
    return Recoverable(point.at, plan.tool, point.name)
