"""Stash's backup sessions as recovery points, by configuration, and its restores. https://stash.run/docs/concepts/crds/"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from telemetry.collectors.kubernetes.api import Item, Resource
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import Selection, subject_of
from telemetry.collectors.recovery import (
    FAILED,
    RUNNING,
    UNKNOWN,
    USABLE,
    Plan,
    RecoveryPoint,
    Restore,
    restored,
)
from telemetry.collectors.through_cluster import REDACT, ThroughCluster, keep_strip, part, read, text, told
from telemetry.observations import Facts
from telemetry.redaction import Redactor

GROUP = "stash.appscode.com"
SESSIONS = Resource(GROUP, "v1beta1", "backupsessions")
CONFIGURATIONS = Resource(GROUP, "v1beta1", "backupconfigurations")
RESTORES = Resource(GROUP, "v1beta1", "restoresessions")
REPOSITORIES = Resource(GROUP, "v1alpha1", "repositories")
STATES = {
    "Succeeded": USABLE,
    "Failed": FAILED,
    "Running": RUNNING,
    "Pending": RUNNING,
    "": RUNNING,
    "Skipped": FAILED,
}
CONFIGURATION = "BackupConfiguration"
Named = tuple[str, str]


class StashCollector(ThroughCluster):
    kind = "stash"
    label = "Stash"
    title = "Recovery points of Stash"
    asks = "list backupsessions, backupconfigurations, repositories and restoresessions of stash in {places}"
    needs = (SESSIONS, CONFIGURATIONS, REPOSITORIES, RESTORES)
    facts = Facts(
        collects="recovery points by configuration with the newest usable one before the incident; the integrity of "
        "repositories; restores",
        limits="5,000 objects; the last 60 points of a configuration are drawn",
        tested="a stand-in with objects of the documented types",
        of_cluster=True,
        found_by=GROUP,
        options=REDACT,
    )

    def gather(self, gathering: Gathering) -> None:
        places = gathering.selection.places
        sessions, _ = read(gathering, SESSIONS, places)
        if not sessions and gathering.failures:
            return
        configurations, complete = read(gathering, CONFIGURATIONS, places)
        repositories = {_named(item): item for item in read(gathering, REPOSITORIES)[0]}
        by_invoker: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
        for session in sessions:
            invoker = part(session, "spec", "invoker") or part(session, "spec", "backupConfiguration")
            by_invoker[_place(session), text(invoker, "kind", 60) or CONFIGURATION, text(invoker, "name")].append(
                session
            )
        known = {(_place(item), CONFIGURATION, _named(item)[1]): item for item in configurations}
        for name in sorted({*known, *by_invoker}):
            # A batch has its own kind of plan, which is not read.
            gone = complete and name[1] == CONFIGURATION and name not in known
            plan = (name[0], name[2])
            self._strip(gathering, plan, known.get(name), by_invoker.get(name, []), repositories, gone=gone)
        for restore in read(gathering, RESTORES, places)[0]:
            self._restore(gathering, restore)

    def _strip(
        self,
        gathering: Gathering,
        name: Named,
        configuration: Item | None,
        sessions: Sequence[Item],
        repositories: Mapping[Named, Item],
        *,
        gone: bool,
    ) -> None:
        """The configuration's target, or where it is not known the targets of the sessions themselves."""
        target = part(configuration or {}, "spec", "target", "ref")
        if target and not gathering.selection.covers(name[0], text(target, "name")):
            gathering.dropped += len(sessions)
            return
        wanted = [session for session in sessions if target or concerning(session, gathering.selection)]
        gathering.dropped += len(sessions) - len(wanted)
        if sessions and not wanted:
            return
        broken, notes, first_run_at = repository_of(configuration, name[0], repositories)
        hits: Counter[str] = Counter()
        points = [point(session, broken, gathering.selection, gathering.redactor, hits) for session in wanted]
        kind = text(target, "kind", 60)
        plan = Plan(
            tool="Stash",
            name=name[1] or "without a configuration",
            key=f"stash:{name[0]}/{name[1]}",
            covers=f"{kind.lower()}/{text(target, 'name')} in {name[0]}" if kind else f"a target in {name[0]}",
            schedule=text(part(configuration or {}, "spec"), "schedule", 60),
            paused=part(configuration or {}, "spec").get("paused") is True,
            subject=subject_of(configuration, kind="BackupConfiguration", group=GROUP) if configuration else {},
            notes=(*notes, "The configuration is gone; its sessions are left.") if gone else notes,
            first_run_at=first_run_at,
        )
        keep_strip(gathering, plan, [point for point in points if point is not None], hits)

    def _restore(self, gathering: Gathering, restore: Item) -> None:
        status = part(restore, "status")
        started = told(restore["metadata"], "creationTimestamp")
        if started is None or not gathering.window.overlaps(started, started + _seconds(status)):
            return
        state = STATES.get(text(status, "phase"), UNKNOWN)
        target = part(restore, "spec", "target", "ref")
        reason = gathering.redactor.text(_reason(status))
        found = Restore(
            tool="Stash",
            name=str(restore["metadata"]["name"]),
            key=f"stash:{restore['metadata'].get('uid') or restore['metadata']['name']}",
            of=text(part(restore, "spec", "repository"), "name") or "a repository",
            covers=f"{text(target, 'kind').lower()}/{text(target, 'name')}" if target else "its target",
            state=state,
            started_at=started,
            finished_at=None if state == RUNNING else started + _seconds(status),
            reason=reason.text[:300],
            subject=subject_of(restore, kind="RestoreSession", group=GROUP),
        )
        gathering.keep(restored(found, window=gathering.window, query=gathering.request, redactions=reason.hits))


def point(
    session: Item, broken: str, selection: Selection, redactor: Redactor, hits: Counter[str]
) -> RecoveryPoint | None:
    """Succeeded is believed only where a target has a snapshot to show for it."""
    status = part(session, "status")
    at = told(session["metadata"], "creationTimestamp")
    if at is None:
        return None
    phase = text(status, "phase")
    state, reason = STATES.get(phase, UNKNOWN), _reason(status)
    targets = concerning(session, selection)
    if state == USABLE and not _snapshots(targets):
        state, reason = UNKNOWN, "it succeeded, and no target names a snapshot"
    if state == USABLE and broken:
        state, reason = FAILED, broken
    if phase == "Skipped" and not reason:
        reason = "it was skipped"
    found = redactor.text(reason)
    hits.update(found.hits)
    # Its duration is a sum over targets, so the end is not known where they ran side by side.
    finished = at + _seconds(status) if state in {USABLE, FAILED} and len(_targets(status)) < 2 else None
    return RecoveryPoint(str(session["metadata"]["name"]), at, state, finished, found.text[:300])


def repository_of(
    configuration: Item | None, namespace: str, repositories: Mapping[Named, Item]
) -> tuple[str, tuple[str, ...], datetime | None]:
    """Why nothing in it can be restored, or "", what people should know, and since when it holds something."""
    reference = part(configuration or {}, "spec", "repository")
    name = text(reference, "name")
    repository = repositories.get((text(reference, "namespace") or namespace, name))
    if not name or repository is None:
        return "", (), None
    status = part(repository, "status")
    first = told(status, "firstBackupTime")
    notes = [
        f"{status[key]} {words}"
        for key, words in (("snapshotCount", "snapshots"), ("totalSize", "in all"))
        if status.get(key)
    ]
    if status.get("integrity") is False:
        return f"the repository {name} failed its integrity check", (f"Repository {name}: not intact", *notes), first
    return "", (f"Repository {name}", *notes), first


def _reason(status: Mapping[str, Any]) -> str:
    found = []
    for target in _targets(status):
        for entry in _listed(target.get("stats")) + _listed(target.get("hostStats")):
            if words := text(entry, "error", 1_000):
                found.append(f"{text(entry, 'hostname', 100)}: {words}".lstrip(": "))
    for condition in _listed(status.get("conditions")):
        if condition.get("status") == "False" and (words := text(condition, "message", 500)):
            found.append(words)
    return "; ".join(dict.fromkeys(found))


def concerning(session: Item, selection: Selection) -> list[Mapping[str, Any]]:
    """The targets of a session that belong to the scope; one that names no target may."""
    place, targets = _place(session), _targets(part(session, "status"))
    names = [(target, text(part(target, "ref"), "name")) for target in targets]
    return [target for target, name in names if not name or selection.covers(place, name)]


def _snapshots(targets: Sequence[Mapping[str, Any]]) -> int:
    """Every target has to have one."""
    held = [any(_listed(entry.get("snapshots")) for entry in _listed(target.get("stats"))) for target in targets]
    return len(held) if held and all(held) else 0


def _targets(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _listed(status.get("targets"))


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _seconds(status: Mapping[str, Any]) -> timedelta:
    """Go's durations: `1m2.5s`."""
    told_ = text(status, "sessionDuration", 40)
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", told_)
    factors = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return timedelta(seconds=min(sum(float(number) * factors[unit] for number, unit in parts), 7 * 86_400))


def _named(item: Item) -> Named:
    return _place(item), str(item["metadata"].get("name") or "")


def _place(item: Item) -> str:
    return str(item["metadata"].get("namespace") or "")
