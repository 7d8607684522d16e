"""Sightings: which signals the recorder brought in, gathered by the thing that people would name. Reads only.

The same question gives the same answer, so times may be asked for twice: `counts` says of each row what it
told last, and a reader that keeps them by key counts nothing double.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Substr

from telemetry.collectors.kubernetes.selection import owner_of
from telemetry.models import ClusterEvent, ContainerEnding, ObjectSnapshot
from telemetry.signals import BY_NAME, RULES, signal_of_container
from telemetry.workload_names import PARENTS, Owner, named_workload

# Of more rows than this the newest count; the next look sees what goes on.
MOST_ROWS = 10_000
LONGEST_WORDS = 1_000
TEMPLATE_HASH = "pod-template-hash"
ENDED = sorted(frozenset().union(*(rule.container_reasons for rule in RULES)))


@dataclass(frozen=True, slots=True)
class Sighting:
    """One signal about one thing, such as the Deployment checkout in shop; a node has no namespace.

    `count` is how often it was told, `counts` the same by row; `words` is the newest message.
    """

    cluster: int
    cluster_name: str
    signal: str
    namespace: str
    kind: str
    name: str
    first_at: datetime
    last_at: datetime
    words: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def thing(self) -> tuple[int, str, str, str, str]:
        return self.cluster, self.signal, self.namespace, self.kind, self.name

    @property
    def count(self) -> int:
        return max(1, sum(self.counts.values()))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One row of the archive; `owner` None: the row does not know whom its object belongs to."""

    key: str
    cluster: int
    cluster_name: str
    signal: str
    namespace: str
    kind: str
    name: str
    uid: str
    first_at: datetime
    last_at: datetime
    count: int
    words: str
    owner: Owner | None = None


def sightings(since: datetime, until: datetime) -> list[Sighting]:
    """What arrived in [since, until), oldest first; four queries, however much it is."""
    seen = [*_events(since, until), *_states(since, until), *_endings(since, until)]
    owners = _owners(seen)
    found: dict[tuple[int, str, str, str, str], list[_Seen]] = defaultdict(list)
    for one in seen:
        owner = owners.get((one.cluster, one.uid)) if one.owner is None else one.owner
        kind, name = named_workload(one.kind, one.name, owner)
        found[one.cluster, one.signal, one.namespace, kind, name].append(one)
    joined = [_joined(place, rows) for place, rows in found.items()]
    return sorted(joined, key=lambda one: (one.first_at, one.signal, one.namespace, one.name))


def counted(since: datetime) -> dict[str, int]:
    """How many Events of each signal went on since then: one query."""
    rows = ClusterEvent.objects.filter(signal__in=list(BY_NAME), last_at__gte=since).exclude(signal="")
    return dict(rows.order_by().values_list("signal").annotate(Count("pk")))


def _joined(place: tuple[int, str, str, str, str], rows: list[_Seen]) -> Sighting:
    newest = max(rows, key=lambda one: (bool(one.words), one.last_at))
    cluster, signal, namespace, kind, name = place
    return Sighting(
        cluster=cluster,
        cluster_name=newest.cluster_name,
        signal=signal,
        namespace=namespace,
        kind=kind,
        name=name,
        first_at=min(one.first_at for one in rows),
        last_at=max(one.last_at for one in rows),
        words=newest.words,
        counts={one.key: one.count for one in rows if one.count},
    )


def _events(since: datetime, until: datetime) -> Iterable[_Seen]:
    rows = ClusterEvent.objects.filter(updated_at__gte=since, updated_at__lt=until, signal__in=list(BY_NAME))
    # The recorder's own partial index is for rows with a signal.
    rows = rows.exclude(signal="")
    # That its node is not ready is told of each pod too; the node's own Event says it once.
    rows = rows.exclude(signal="node-not-ready", about_kind="Pod")
    names = ("id", "cluster_id", "cluster__name", "signal", "about_namespace", "about_kind", "about_name", "about_uid")
    times = ("first_at", "last_at", "count")
    chosen = rows.order_by("-updated_at").values_list(*names, *times, Substr("message", 1, LONGEST_WORDS))
    for pk, *more in chosen[:MOST_ROWS]:
        cluster, cluster_name, signal, namespace, kind, name, uid, first_at, last_at, count, words = more
        namespace = "" if kind == "Node" else namespace
        yield _Seen(
            f"e{pk}", cluster, cluster_name, signal, namespace, kind, name, uid, first_at, last_at, count, words
        )


def _states(since: datetime, until: datetime) -> Iterable[_Seen]:
    """States that show a signal which the object's state before did not."""
    earlier = ObjectSnapshot.objects.filter(
        cluster=OuterRef("cluster"), uid=OuterRef("uid"), changed_at__lte=OuterRef("changed_at"), pk__lt=OuterRef("pk")
    )
    rows = ObjectSnapshot.objects.filter(received_at__gte=since, received_at__lt=until).exclude(signals=[])
    rows = rows.annotate(
        before=Subquery(earlier.order_by("-changed_at", "-id").values("signals")[:1]),
        template=KT(f"body__metadata__labels__{TEMPLATE_HASH}"),
    )
    names = ("id", "cluster_id", "cluster__name", "signals", "before", "namespace", "kind", "name", "uid", "changed_at")
    for row in rows.order_by("-received_at").values(*names, "owner_kind", "owner_name", "template")[:MOST_ROWS]:
        for signal in row["signals"]:
            if signal in (row["before"] or []) or signal not in BY_NAME:
                continue
            yield _Seen(
                key=f"s{row['id']}",
                cluster=row["cluster_id"],
                cluster_name=row["cluster__name"],
                signal=signal,
                namespace=row["namespace"],
                kind=row["kind"],
                name=row["name"],
                uid=row["uid"],
                first_at=row["changed_at"],
                last_at=row["changed_at"],
                # An Event or an ending tells how often; a state only that it is so.
                count=0,
                words="",
                owner=_owner(row["owner_kind"], row["owner_name"], row["template"]),
            )


def _endings(since: datetime, until: datetime) -> Iterable[_Seen]:
    rows = ContainerEnding.objects.filter(received_at__gte=since, received_at__lt=until, reason__in=ENDED)
    names = ("id", "cluster_id", "cluster__name", "namespace", "pod", "pod_uid", "container", "reason", "finished_at")
    more = ("workload_kind", "workload_name", "exit_code")
    for row in rows.order_by("-received_at").values(*names, *more)[:MOST_ROWS]:
        code = "" if row["exit_code"] is None else f", exit code {row['exit_code']}"
        yield _Seen(
            key=f"c{row['id']}",
            cluster=row["cluster_id"],
            cluster_name=row["cluster__name"],
            signal=signal_of_container(row["reason"]),
            namespace=row["namespace"],
            kind="Pod",
            name=row["pod"],
            uid=row["pod_uid"],
            first_at=row["finished_at"],
            last_at=row["finished_at"],
            count=1,
            words=f"{row['container']} of {row['pod']} ended: {row['reason']}{code}",
            owner=(row["workload_kind"], row["workload_name"]),
        )


def _owners(seen: Iterable[_Seen]) -> dict[tuple[int, str], Owner]:
    """Whom an object belongs to, as its newest state tells; by (cluster, uid)."""
    wanted = {(one.cluster, one.uid) for one in seen if one.uid and one.kind in PARENTS and one.owner is None}
    if not wanted:
        return {}
    clusters, uids = {cluster for cluster, _ in wanted}, {uid for _, uid in wanted}
    newest = (
        ObjectSnapshot.objects.filter(cluster__in=clusters, uid__in=uids)
        .annotate(template=KT(f"body__metadata__labels__{TEMPLATE_HASH}"))
        .order_by("cluster_id", "uid", "-changed_at")
        .distinct("cluster_id", "uid")
    )
    told = newest.values_list("cluster_id", "uid", "owner_kind", "owner_name", "template")
    return {(cluster, uid): _owner(kind, name, template) for cluster, uid, kind, name, template in told}


def _owner(kind: str, name: str, template: str | None) -> Owner:
    metadata: dict[str, Any] = {"labels": {TEMPLATE_HASH: template or ""}}
    if kind:
        metadata["ownerReferences"] = [{"controller": True, "kind": kind, "name": name}]
    return owner_of({"metadata": metadata})
