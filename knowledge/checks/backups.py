"""What backs up the volumes of a place: the plans of Velero, Stash and CSI snapshots, and what they made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from knowledge.checks import lists
from knowledge.checks.base import Listing, Readings
from knowledge.checks.workloads import Workload, find, mapping, objects
from telemetry.collectors import csi_snapshots, stash, velero
from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.collectors.recovery import USABLE, RecoveryPoint
from telemetry.collectors.through_cluster import text, texts
from telemetry.observations import Workload as Named
from telemetry.redaction import Redactor

MOST_REPLICAS = 2_000
VOLUMES = frozenset({"persistentvolumeclaims", "persistentvolumes", "pvc", "pv", "*"})


@dataclass(frozen=True, slots=True)
class Stored:
    """A workload that keeps data in volumes, and the names of its claims."""

    workload: Workload
    claims: tuple[str, ...]

    @property
    def words(self) -> str:
        return self.workload.words


@dataclass(frozen=True, slots=True)
class Plan:
    """Something that makes recovery points of one workload. `lame` says why it makes no more, `unclear` what cannot be
    told of it; `location` names where the points lie (a Velero location, a Stash repository)."""

    tool: str
    name: str
    points: tuple[RecoveryPoint, ...] = ()
    lame: str = ""
    unclear: str = ""
    location: tuple[str, str] = ("", "")

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

    def newest(self, one: Stored, now: datetime) -> tuple[Plan, RecoveryPoint] | None:
        """The newest usable point of a workload; of snapshots the oldest among its claims' newest counts."""
        found = [
            (plan, point)
            for plan in self.plans.get(one.words, ())
            for point in plan.points
            if point.state == USABLE and point.at <= now and (point.finished_at or point.at) <= now
        ]
        return max(found, key=lambda pair: pair[1].at, default=None)


def stored_in(readings: Readings) -> tuple[list[Stored], list[Listing]]:
    """Workloads with volumeClaimTemplates, or with a volume of a claim in their pods."""
    found = find(readings, ("StatefulSet", "Deployment"))
    rows = [Stored(one, claims) for one in found.workloads if (claims := _claims(one))]
    return rows, list(found.listings)


def _claims(workload: Workload) -> tuple[str, ...]:
    templates = objects(mapping(workload.item.get("spec")).get("volumeClaimTemplates"))
    names = [str(mapping(one.get("metadata")).get("name") or "") for one in templates]
    # One that is scaled to nothing keeps its data all the same.
    count = min(max(1, workload.replicas[0]), MOST_REPLICAS)
    made = [f"{name}-{workload.name}-{place}" for name in names for place in range(count)]
    mounted = [
        str(mapping(volume.get("persistentVolumeClaim")).get("claimName") or "")
        for volume in objects(workload.pod_spec.get("volumes"))
    ]
    return tuple(dict.fromkeys(name for name in (*made, *mounted) if name))


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
        namespace, places = (
            one.workload.namespace,
            {_name(row): mapping(row.get("status")) for row in self.locations.items},
        )
        plans, seen = [], set()
        for schedule in self.schedules.items:
            template = mapping(mapping(schedule.get("spec")).get("template"))
            if not velero.covers(template, [namespace]) or not _takes_volumes(template):
                continue
            name = _name(schedule)
            seen.add(name)
            made = [row for row in self.backups.items if _made_by(row) == name]
            points = self._velero_points(made, namespace, places)
            unclear = "it chooses by a label, which may leave something out" if template.get("labelSelector") else ""
            location = ("BackupStorageLocation", text(template, "storageLocation") or "default")
            plans.append(Plan("Velero", name, points, _lame(schedule), unclear, location))
        loose = [row for row in self.backups.items if _made_by(row) not in seen]
        if points := self._velero_points(loose, namespace, places):
            plans.append(Plan("Velero", "without a schedule that covers it", points, "no schedule makes more of them"))
        return plans

    def _velero_points(
        self, rows: Sequence[Item], namespace: str, places: Mapping[str, Mapping[str, object]]
    ) -> tuple[RecoveryPoint, ...]:
        made = [
            velero.point(row, places, self.redactor, Counter(), self.now)
            for row in rows
            if velero.covers(mapping(row.get("spec")), [namespace]) and _takes_volumes(mapping(row.get("spec")))
        ]
        return tuple(point for point in made if point is not None)

    def stash(self, one: Stored) -> list[Plan]:
        namespace = one.workload.namespace
        repositories = {(_place(row), _name(row)): row for row in self.repositories.items}
        selection = Selection(workloads=(Named(one.workload.kind, namespace, one.workload.name),))
        plans = []
        for row in self.configurations.items:
            target = mapping(mapping(mapping(row.get("spec")).get("target")).get("ref"))
            named = (text(target, "kind"), text(target, "name"))
            mine = named == (one.workload.kind, one.workload.name)
            if _place(row) != namespace or not (
                mine or (named[0] == "PersistentVolumeClaim" and named[1] in one.claims)
            ):
                continue
            broken, _, _ = stash.repository_of(row, namespace, repositories)
            made = [session for session in self.sessions.items if _invoked_by(session, namespace) == _name(row)]
            points = [stash.point(session, broken, selection, self.redactor, Counter()) for session in made]
            reference = mapping(mapping(row.get("spec")).get("repository"))
            location = ("Repository", f"{text(reference, 'namespace') or namespace}/{text(reference, 'name')}")
            lame = "it is paused" if mapping(row.get("spec")).get("paused") is True else ""
            plans.append(Plan("Stash", _name(row), tuple(p for p in points if p is not None), lame, "", location))
        return plans

    def snapshots(self, one: Stored) -> list[Plan]:
        """One plan for all claims: a workload comes back only with each of them."""
        contents = {_name(row): row for row in self.contents.items} if self.contents.is_read else None
        by_claim: dict[str, list[RecoveryPoint]] = {}
        for row in self.snapshots_made.items:
            claim = text(mapping(mapping(row.get("spec")).get("source")), "persistentVolumeClaimName")
            if _place(row) != one.workload.namespace or claim not in one.claims:
                continue
            if (point := csi_snapshots.point(row, contents, self.redactor, Counter())) is not None:
                by_claim.setdefault(claim, []).append(point)
        if not by_claim:
            return []
        without = [claim for claim in one.claims if not any(p.state == USABLE for p in by_claim.get(claim, ()))]
        newest = [
            max((p for p in rows if p.state == USABLE), key=lambda p: p.at, default=None) for rows in by_claim.values()
        ]
        usable = [point for point in newest if point is not None]
        if without:
            every = tuple(point for rows in by_claim.values() for point in rows if point.state != USABLE)
            return [Plan("CSI snapshots", "", every, f"claims without a usable snapshot: {', '.join(without[:5])}")]
        return [Plan("CSI snapshots", "", (min(usable, key=lambda point: point.at),))]


def _takes_volumes(spec: Mapping[str, object]) -> bool:
    """A backup may hold manifests alone: then the data is not in it."""
    included, excluded = texts(spec.get("includedResources")), texts(spec.get("excludedResources"))
    if (included and not VOLUMES & set(included)) or VOLUMES & set(excluded):
        return False
    return spec.get("snapshotVolumes") is not False or spec.get("defaultVolumesToFsBackup") is True


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
        return Recoverable(reason=f"no usable backup of {', '.join(without[:3])}{why}")
    plan, point = min((newest for newest in found.values() if newest), key=lambda pair: pair[1].at)
    return Recoverable(point.at, plan.tool, point.name)
