"""Velero's backups as recovery points, by schedule, and its restores. https://velero.io/docs/main/api-types/"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from telemetry.collectors.kubernetes.api import Item, Resource
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import subject_of
from telemetry.collectors.recovery import (
    FAILED,
    PARTIAL,
    RUNNING,
    UNKNOWN,
    USABLE,
    Plan,
    RecoveryPoint,
    Restore,
    restored,
)
from telemetry.collectors.through_cluster import (
    REDACT,
    ThroughCluster,
    began,
    keep_strip,
    part,
    read,
    text,
    texts,
    told,
    whole,
)
from telemetry.observations import Facts
from telemetry.redaction import Redactor

GROUP = "velero.io"
BACKUPS = Resource(GROUP, "v1", "backups")
SCHEDULES = Resource(GROUP, "v1", "schedules")
RESTORES = Resource(GROUP, "v1", "restores")
LOCATIONS = Resource(GROUP, "v1", "backupstoragelocations")
SCHEDULE_LABEL = "velero.io/schedule-name"
STATES = {
    "Completed": USABLE,
    "PartiallyFailed": PARTIAL,
    "Failed": FAILED,
    "FailedValidation": FAILED,
    "Deleting": FAILED,
    "": RUNNING,
    "New": RUNNING,
    "Queued": RUNNING,
    "ReadyToStart": RUNNING,
    "InProgress": RUNNING,
    # Volumes are not all in the storage yet.
    "WaitingForPluginOperations": RUNNING,
    "Finalizing": RUNNING,
    "WaitingForPluginOperationsPartiallyFailed": PARTIAL,
    "FinalizingPartiallyFailed": PARTIAL,
}


Named = tuple[str, str]


class VeleroCollector(ThroughCluster):
    kind = "velero"
    label = "Velero"
    title = "Recovery points of Velero"
    asks = "list backups, schedules, restores and backupstoragelocations of velero.io that cover {places}"
    needs = (BACKUPS, SCHEDULES, RESTORES, LOCATIONS)
    facts = Facts(
        collects="recovery points by schedule with the newest usable one before the incident; restores",
        limits="5,000 objects; the last 60 points of a schedule are drawn",
        tested="a stand-in with objects of the documented types",
        of_cluster=True,
        found_by=GROUP,
        options=REDACT,
    )

    def gather(self, gathering: Gathering) -> None:
        backups, _ = read(gathering, BACKUPS)
        if not backups and gathering.failures:
            return
        locations = {one["metadata"]["name"]: part(one, "status") for one in read(gathering, LOCATIONS)[0]}
        by_plan: dict[Named, list[Item]] = defaultdict(list)
        for backup in backups:
            label = str(part(backup, "metadata", "labels").get(SCHEDULE_LABEL) or "")
            by_plan[_place(backup), label].append(backup)
        schedules, complete = read(gathering, SCHEDULES)
        plans = {(_place(one), str(one["metadata"]["name"])): one for one in schedules}
        for name in sorted({*plans, *by_plan}):
            gone = complete and name not in plans and bool(name[1])
            self._strip(gathering, name, plans.get(name), by_plan.get(name, []), locations, gone=gone)
        for restore in read(gathering, RESTORES)[0]:
            self._restore(gathering, restore)
        if not gathering.kept and not gathering.failures and gathering.selection.namespaces:
            gathering.warnings.append(f"No schedule and no backup covers {', '.join(gathering.selection.namespaces)}.")

    def _strip(
        self,
        gathering: Gathering,
        name: Named,
        schedule: Item | None,
        backups: Sequence[Item],
        locations: Mapping[str, Mapping[str, Any]],
        *,
        gone: bool,
    ) -> None:
        """What a backup holds, its own spec says: a schedule may have been another when it was made."""
        wanted = gathering.selection.namespaces
        template = part(schedule, "spec", "template") if schedule else {}
        covering = [backup for backup in backups if covers(part(backup, "spec"), wanted)]
        gathering.dropped += len(backups) - len(covering)
        plans_it = schedule is not None and covers(template, wanted)
        if not covering and not plans_it:
            return
        hits: Counter[str] = Counter()
        points = [point(backup, locations, gathering.redactor, hits, began(gathering)) for backup in covering]
        held = covered(part(sorted(covering, key=_started)[-1], "spec") if covering else template)
        status = part(schedule, "status") if schedule else {}
        notes = [f"The schedule {name[1]} is gone; its backups are left."] if gone else []
        if schedule is not None and not plans_it:
            notes.append(f"The schedule does not cover {', '.join(wanted)} any more.")
        if text(status, "phase") == "FailedValidation":
            notes.append("The schedule itself is not valid: " + "; ".join(texts(status.get("validationErrors"))))
        plan = Plan(
            tool="Velero",
            name=name[1] or "without a schedule",
            key=f"velero:{'/'.join(name)}",
            covers=held,
            schedule=text(part(schedule, "spec"), "schedule", 60) if schedule else "",
            paused=part(schedule, "spec").get("paused") is True if schedule else False,
            subject=subject_of(schedule, kind="Schedule", group=GROUP) if schedule else {},
            notes=tuple(gathering.redactor.text(note).text[:300] for note in notes),
        )
        keep_strip(gathering, plan, [point for point in points if point is not None], hits)

    def _restore(self, gathering: Gathering, restore: Item) -> None:
        status, spec = part(restore, "status"), part(restore, "spec")
        started = told(status, "startTimestamp") or told(restore["metadata"], "creationTimestamp")
        finished = told(status, "completionTimestamp")
        if started is None or not gathering.window.overlaps(started, finished or started):
            return
        if not covers(spec, gathering.selection.namespaces):
            gathering.dropped += 1
            return
        reason = gathering.redactor.text(_reason(status))
        found = Restore(
            tool="Velero",
            name=restore["metadata"]["name"],
            key=f"velero:{restore['metadata'].get('uid') or restore['metadata']['name']}",
            of=text(spec, "backupName") or text(spec, "scheduleName") or "an unnamed backup",
            covers=covered(spec),
            state=STATES.get(text(status, "phase"), UNKNOWN),
            started_at=started,
            finished_at=max(started, finished) if finished else None,
            reason=reason.text,
            subject=subject_of(restore, kind="Restore", group=GROUP),
        )
        gathering.keep(restored(found, window=gathering.window, query=gathering.request, redactions=reason.hits))


def point(
    backup: Item, locations: Mapping[str, Mapping[str, Any]], redactor: Redactor, hits: Counter[str], at: datetime
) -> RecoveryPoint | None:
    """As it stood at `at`. A restore of the cluster writes creationTimestamp anew, so the status alone says when."""
    status, spec = part(backup, "status"), part(backup, "spec")
    made = told(status, "startTimestamp")
    if made is None:
        return None
    phase, place = text(status, "phase"), text(spec, "storageLocation")
    state, reason = STATES.get(phase, UNKNOWN), _reason(status)
    finished, expires = told(status, "completionTimestamp"), told(status, "expiration")
    if state == USABLE and text(locations.get(place, {}), "phase") == "Unavailable":
        state, reason = UNKNOWN, f"its storage location {place} cannot be reached"
    if expires and expires <= at and state == USABLE:
        state, reason = FAILED, "it had expired before the incident"
    if state == UNKNOWN and not reason:
        reason = f"phase {phase!r} is not known"
    found = redactor.text(reason)
    hits.update(found.hits)
    name = str(backup["metadata"]["name"])
    return RecoveryPoint(name, made, state, finished, found.text[:300], place, expires_at=expires)


def _place(item: Item) -> str:
    return str(item["metadata"].get("namespace") or "")


def _started(backup: Mapping[str, Any]) -> str:
    return text(part(backup, "status"), "startTimestamp")


def _reason(status: Mapping[str, Any]) -> str:
    """The tool's own words, with how many errors and warnings it counted."""
    told_ = [text(status, "failureReason", 1_000), *texts(status.get("validationErrors"))]
    for name in ("errors", "warnings"):
        if count := whole(status.get(name)):
            told_.append(f"{count} {name if count > 1 else name[:-1]}")
    return "; ".join(part for part in told_ if part)


def covers(spec: Mapping[str, Any], namespaces: Sequence[str]) -> bool:
    included, excluded = texts(spec.get("includedNamespaces")), texts(spec.get("excludedNamespaces"))
    return not namespaces or any(
        (not included or _matches(name, included)) and not _matches(name, excluded) for name in namespaces
    )


def _matches(namespace: str, patterns: Sequence[str]) -> bool:
    """Velero takes wildcards: `shop-*`."""
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)


def covered(spec: Mapping[str, Any]) -> str:
    included, excluded = texts(spec.get("includedNamespaces")), texts(spec.get("excludedNamespaces"))
    found = "every namespace" if not included or "*" in included else ", ".join(included)
    found += f" but {', '.join(excluded)}" if excluded else ""
    if spec.get("snapshotVolumes") is False and spec.get("defaultVolumesToFsBackup") is not True:
        found += ", without volumes"
    return found + (", by label" if spec.get("labelSelector") or spec.get("orLabelSelectors") else "")
