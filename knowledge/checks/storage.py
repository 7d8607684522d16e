"""Whether what is kept in volumes could be brought back, and how much of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from knowledge.checks import lists
from knowledge.checks.backups import Backups, Plan, Stored, backups_of
from knowledge.checks.base import FAIL, PASS, UNKNOWN, Check, Finding, Listing, Param, Readings
from knowledge.checks.velero_contents import brings_volumes, chooses_by_label
from knowledge.checks.workloads import Found, Line, Workload, find, mapping, nothing, over, unread
from knowledge.checks.workloads import facts_of as facts_from
from telemetry.collectors import stash, velero
from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.recovery import USABLE, lasted
from telemetry.collectors.through_cluster import text, told

GROUP = "Backup and restore"
VELERO = ("velero.io/schedules", "velero.io/backups", "velero.io/backupstoragelocations")
STASH = (
    "stash.appscode.com/backupconfigurations",
    "stash.appscode.com/backupsessions",
    "stash.appscode.com/repositories",
)
CSI = ("snapshot.storage.k8s.io/volumesnapshots", "snapshot.storage.k8s.io/volumesnapshotcontents")
NEEDS = ("apps/statefulsets", "apps/deployments", *VELERO, *STASH, *CSI)
# Of an address in two parts, such as example.com: anything else may be SERVICE.NAMESPACE.
PUBLIC = (".com", ".net", ".org", ".io", ".eu", ".dev", ".cloud")
CLOUDS = frozenset({"gcp", "azure", "gcs", "swift", "b2", "alibabacloud", "digitalocean", "oci"})


def _over_stored(readings: Readings, backups: Backups, judge: Any, columns: tuple[str, ...]) -> Finding:
    """Every judgement of this file is over workloads that keep data, and says so where there is none."""
    places = {one.words: one for one in backups.stored}
    workloads = tuple(one.workload for one in backups.stored)
    if not workloads and not backups.unread:
        facts = facts_from(backups.listings, (), ())
        return nothing(readings, facts, "workload with volumes")

    def line(workload: Workload) -> Line:
        found: Line = judge(places[workload.words])
        return found

    return over(readings, Found(workloads, backups.own), line, columns=columns, also=backups.listings)


def covered(readings: Readings, params: Mapping[str, Any]) -> Finding:
    backups = backups_of(readings)
    return _over_stored(readings, backups, lambda one: _covered(one, backups), ("Claims", "Covered by"))


def _covered(one: Stored, backups: Backups) -> Line:
    """By its claims: a workload comes back only with each of them."""
    plans = backups.plans[one.words]
    cells = (", ".join(one.claims[:5]), _named_in(plans) or "none")
    sound = [plan for plan in plans if not plan.lame and not plan.unclear]
    open_ = [claim for claim in one.claims if not any(claim in plan.claims for plan in sound)]
    if not open_:
        return Line(PASS, f"covered by {_named_in(sound)}", cells)
    if backups.unread:
        return _blind(backups, cells)
    unclear = [[plan for plan in backups.of_claim(one, claim) if plan.unclear and not plan.lame] for claim in open_]
    if all(unclear):
        said = f"{unclear[0][0].words}: {unclear[0][0].unclear}"
        remedy = "Cover the whole namespace by a schedule, or look whether what makes them takes its volumes."
        return Line(UNKNOWN, said, cells, remedy)
    why = "; ".join(dict.fromkeys(f"{plan.words}: {plan.lame}" for plan in plans if plan.lame))
    nothing_of = [claim for claim in open_ if not backups.of_claim(one, claim)]
    if nothing_of:
        alone = "no schedule, configuration or snapshot covers it"
        more = alone if len(nothing_of) == len(one.claims) else f"nothing covers {', '.join(nothing_of[:5])}"
        why = f"{why}; {more}" if why else more
    return Line(FAIL, why, cells, "Add its namespace to a Velero schedule, or give it a Stash BackupConfiguration.")


def _named_in(plans: Sequence[Plan]) -> str:
    return ", ".join(dict.fromkeys(plan.words for plan in plans))


def backup_age(readings: Readings, params: Mapping[str, Any]) -> Finding:
    backups = backups_of(readings)
    hours = params["rpo_hours"]
    rpo = hours * 3_600 if hours else readings.rpo_seconds

    def judge(one: Stored) -> Line:
        return _aged(one, backups, rpo, readings.now)

    return _over_stored(readings, backups, judge, ("Newest usable", "Age"))


def _aged(one: Stored, backups: Backups, rpo: int | None, now: datetime) -> Line:
    found = backups.newest(one, now)
    if found is None:
        if backups.unread:
            return _blind(backups, ("", ""))
        if doubt := backups.doubt(one):
            return Line(UNKNOWN, doubt, ("", ""), "Look whether the label takes its volumes.")
        bare = backups.bare(one, now)
        of = "" if len(bare) == len(one.claims) else f" of {', '.join(bare[:5])}"
        return Line(FAIL, _why_none(backups.plans[one.words], of, bare), ("none", ""), "Look at the tool's last runs.")
    plan, point = found
    age = (now - point.at).total_seconds()
    cells = (f"{plan.words} {point.name}", lasted(age))
    if rpo is None:
        said = f"the newest usable backup is {lasted(age)} old, and no RPO is agreed to hold it against"
        return Line(UNKNOWN, said, cells, "Agree on one under Recovery, or set the parameter rpo_hours.")
    if age <= rpo:
        return Line(PASS, f"the newest usable backup is {lasted(age)} old, within {lasted(rpo)}", cells)
    if backups.unread:
        return _blind(backups, cells)
    if doubt := backups.doubt(one):
        return Line(UNKNOWN, doubt, cells, "Look whether the label takes its volumes.")
    said = f"the newest usable backup is {lasted(age)} old, over the RPO of {lasted(rpo)}"
    return Line(FAIL, said, cells, "Run the backup now, and let its schedule run more often than the RPO.")


def _why_none(plans: tuple[Plan, ...], of: str, claims: Sequence[str]) -> str:
    points = [point for plan in plans if set(plan.claims) & set(claims) for point in plan.points]
    last = max(points, key=lambda point: point.at, default=None)
    if last is None:
        return f"no backup{of or ' of it'} is there"
    return f"no usable backup{of}; the newest, {last.name}, is {last.state}" + (
        f": {last.reason}" if last.reason else ""
    )


def _blind(backups: Backups, cells: tuple[str, ...]) -> Line:
    reason = "; ".join(dict.fromkeys(one.reason for one in backups.unread))
    remedy = "\n".join(dict.fromkeys(one.remedy for one in backups.unread if one.remedy))
    return Line(UNKNOWN, f"what could not be read may hold one: {reason}", cells, remedy)


def off_cluster(readings: Readings, params: Mapping[str, Any]) -> Finding:
    backups = backups_of(readings)
    places = readings.listing(lists.VELERO_LOCATIONS)
    repositories = readings.listing(lists.STASH_REPOSITORIES)

    def judge(one: Stored) -> Line:
        lines = [of_claim(one, claim) for claim in one.claims]
        return next(line for verdict in (FAIL, UNKNOWN, PASS) for line in lines if line.verdict == verdict)

    def of_claim(one: Stored, claim: str) -> Line:
        """The best place of a claim counts, of a workload the worst of its claims."""
        plans = [plan for plan in backups.of_claim(one, claim) if not plan.lame]
        lines = [_lies(plan, places, repositories) for plan in plans]
        for verdict in (PASS, FAIL, UNKNOWN):
            if verdict == FAIL and backups.unread:
                continue
            if chosen := [line for line in lines if line.verdict == verdict]:
                return chosen[0]
        if backups.unread:
            return _blind(backups, ("",))
        what = "it" if len(one.claims) == 1 or not backups.plans[one.words] else claim
        return Line(FAIL, f"nothing backs {what} up", ("none",), "Cover it by a backup first.")

    return _over_stored(readings, backups, judge, ("Stored in",))


def _lies(plan: Plan, places: Listing, repositories: Listing) -> Line:
    kind, name = plan.location
    if not kind:
        said = (
            "snapshots lie in the storage of the volumes themselves; whether that outlives the cluster cannot be told"
        )
        return Line(UNKNOWN, said, (plan.words,), "Copy them out: a Velero or Stash backup in a bucket elsewhere.")
    listing = places if kind == "BackupStorageLocation" else repositories
    if not listing.is_read:
        return Line(UNKNOWN, f"{name} could not be read: {listing.reason}", (name,), listing.remedy)
    found = [one for one in listing.items if name in {_named(one), f"{one['metadata'].get('namespace')}/{_named(one)}"}]
    found = found or [
        one for one in listing.items if name == "default" and mapping(one.get("spec")).get("default") is True
    ]
    if not found:
        return Line(UNKNOWN, f"{kind} {name} is not there", (name,), "Correct the name in the schedule.")
    where, address = _velero_place(found[0]) if kind == "BackupStorageLocation" else _stash_place(found[0])
    return _judged_place(f"{name}: {where}", where, address, str(found[0]["metadata"].get("namespace") or ""))


def _judged_place(cell: str, where: str, address: str, namespace: str) -> Line:
    remedy = "Store backups in a bucket outside this cluster and its zone."
    if where == "local":
        return Line(FAIL, "it is kept on a volume inside the cluster", (cell,), remedy)
    if not address:
        if where in CLOUDS or where.startswith(("aws", "s3")):
            return Line(PASS, f"kept with {where}, outside the cluster", (cell,))
        return Line(UNKNOWN, f"where {where or 'its provider'} keeps it cannot be told", (cell,), remedy)
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    if _inside(host, namespace):
        return Line(FAIL, f"{host} is a service inside the cluster", (f"{cell} at {host}",), remedy)
    if _is_private(host):
        said = f"{host} is known inside alone: whether it is outside the cluster cannot be told"
        return Line(UNKNOWN, said, (f"{cell} at {host}",), remedy)
    return Line(PASS, f"kept at {host}, outside the cluster", (f"{cell} at {host}",))


def _inside(host: str, namespace: str) -> bool:
    """Names of services, also in short: `minio`, `minio.velero` beside the object that names it, `minio.velero.svc`."""
    if host.endswith((".svc", ".cluster.local")) or ".svc." in host or host == f"{host.partition('.')[0]}.{namespace}":
        return True
    return "." not in host and ":" not in host


def _is_private(host: str) -> bool:
    """Addresses and names that the world outside does not know; two parts may be a service in another namespace."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host.endswith((".local", ".internal", ".lan")) or (host.count(".") == 1 and not host.endswith(PUBLIC))


def _velero_place(item: Item) -> tuple[str, str]:
    spec = mapping(item.get("spec"))
    provider = text(spec, "provider").removeprefix("velero.io/")
    return provider, text(mapping(spec.get("config")), "s3Url")


def _stash_place(item: Item) -> tuple[str, str]:
    backend = mapping(mapping(item.get("spec")).get("backend"))
    kind = next((name for name in ("s3", "gcs", "azure", "swift", "b2", "rest", "local") if backend.get(name)), "")
    given = mapping(backend.get(kind))
    address = text(given, "endpoint") or text(given, "url")
    return kind, "" if address.removeprefix("https://").endswith("amazonaws.com") else address


def restored(readings: Readings, params: Mapping[str, Any]) -> Finding:
    """Restores that succeeded, and drills that brought data back. A restore in part is none."""
    place, since = readings.place, readings.now - timedelta(days=params["days"])
    found = None if place.namespace else find(readings)
    namespaces = (
        [place.namespace] if place.namespace else sorted({one.namespace for one in found.workloads} if found else ())
    )
    own, others = readings.listing(lists.VELERO_RESTORES), readings.listing(lists.STASH_RESTORES)
    partial = _velero_restores(own, namespaces, by_label=True) if namespaces else []
    done = [(one.at, f"drill {one.title}", "drill") for one in readings.drills()]
    if namespaces:
        done += [*_velero_restores(own, namespaces), *_stash_restores(others, namespaces)]
    done.sort(reverse=True)
    rows = tuple((name, tool, f"{at:%Y-%m-%d %H:%M} UTC") for at, name, tool in done[:20])
    listings = [*(found.listings if found else ()), own, others]
    facts = facts_from(listings, ("Restore", "By", "When"), rows)
    if done and done[0][0] >= since:
        return Finding(PASS, f"{done[0][1]} brought data back on {done[0][0]:%Y-%m-%d}.", "", facts)
    if blind := [one for one in listings if not one.is_read]:
        return unread(blind, facts)
    if not namespaces and not done:
        return nothing(readings, facts)
    if partial and max(partial)[0] >= since:
        said = f"{max(partial)[1]} chose what it brought back by a label: whether data was in it cannot be told."
        return Finding(UNKNOWN, said, "Restore the whole namespace into another one, or plan a drill.", facts)
    last = f"the last that succeeded was on {done[0][0]:%Y-%m-%d}" if done else "none that succeeded is known"
    remedy = "Plan a drill from a disaster-recovery checklist, and enter the newest data that came back."
    return Finding(FAIL, f"No restore was tested in the last {params['days']} days; {last}.", remedy, facts)


def _velero_restores(listing: Listing, namespaces: list[str], *, by_label: bool = False) -> list[tuple[Any, str, str]]:
    """Those that brought volumes back: of configuration alone no data comes back."""
    rows = []
    for item in listing.items:
        status = mapping(item.get("status"))
        at = told(status, "completionTimestamp") or told(status, "startTimestamp")
        usable = velero.STATES.get(text(status, "phase")) == USABLE
        spec = mapping(item.get("spec"))
        whole = velero.covers(spec, namespaces) and brings_volumes(spec) and chooses_by_label(spec) == by_label
        if at and usable and text(status, "phase") and whole:
            rows.append((at, _named(item), "Velero"))
    return rows


def _stash_restores(listing: Listing, namespaces: list[str]) -> list[tuple[Any, str, str]]:
    rows = []
    for item in listing.items:
        at, phase = told(item["metadata"], "creationTimestamp"), text(mapping(item.get("status")), "phase")
        if at and stash.STATES.get(phase) == USABLE and item["metadata"].get("namespace") in namespaces:
            rows.append((at, _named(item), "Stash"))
    return rows


def _named(item: Item) -> str:
    return str(item["metadata"].get("name") or "")


CHECKS = (
    Check(
        "backup_covered",
        "Volumes are covered by backups",
        GROUP,
        "storage",
        NEEDS,
        covered,
        "By a Velero schedule that takes volumes, a Stash BackupConfiguration, or snapshots of every claim.",
    ),
    Check(
        "backup_age",
        "The newest usable backup is within the RPO",
        GROUP,
        "storage",
        NEEDS,
        backup_age,
        "PartiallyFailed, expired and unreachable backups are not usable.",
        (
            Param(
                "rpo_hours", "RPO in hours", "number", 0, "0 takes the objective of the place under Recovery", 0, 8_760
            ),
        ),
    ),
    Check(
        "backup_off_cluster",
        "Backups are stored outside the cluster",
        GROUP,
        "storage",
        NEEDS,
        off_cluster,
        "A bucket of a service inside the cluster is lost together with it.",
    ),
    Check(
        "restore_tested",
        "A restore was tested",
        GROUP,
        "namespace",
        ("velero.io/restores", "stash.appscode.com/restoresessions"),
        restored,
        "A restore of Velero or Stash that succeeded, or a drill that brought data back.",
        (Param("days", "Within so many days", default=90, least=1, most=3_650),),
    ),
)
