"""The recorder's archive as the Kubernetes collector reads it: one cluster, one window, bounded lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from telemetry.collectors.kubernetes.api import Item, Resource
from telemetry.collectors.kubernetes.archive import Ending, State
from telemetry.collectors.times import iso
from telemetry.coverage import Coverage
from telemetry.models import ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from telemetry.observations import Window

EVENT_FIELDS = (
    *("uid", "namespace", "name", "first_at", "last_at", "count", "highest_count", "is_lower_bound", "type", "reason"),
    *("message", "reporter", "host", "about_group", "about_kind", "about_namespace", "about_name", "about_uid"),
    *("about_field_path", "redactions"),
)


class ClusterArchive:
    """An `Archive` of the tables in `telemetry.models.archive`."""

    def __init__(self, cluster_id: int) -> None:
        self.cluster_id = cluster_id

    def coverage(self, resource: Resource, window: Window) -> Coverage:
        known = Recording.objects.filter(cluster=self.cluster_id, resource=resource.name).first()
        if known is None:
            return Coverage()
        gaps = CoverageGap.objects.filter(cluster=self.cluster_id, resource=resource.name)
        inside = gaps.filter(ended_at__gt=window.start, started_at__lt=window.end)
        return known.coverage(inside, window.start, window.end)

    def events(
        self, window: Window, places: Sequence[str], *, limit: int, about: str = "", reason: str = ""
    ) -> list[State]:
        rows = ClusterEvent.objects.filter(cluster=self.cluster_id).overlapping(window.start, window.end)
        if "" not in places:
            rows = rows.filter(namespace__in=places)
        if about:
            rows = rows.filter(about_kind=about)
        if reason:
            rows = rows.filter(reason=reason)
        chosen = rows.order_by("last_at", "id").values(*EVENT_FIELDS)[: limit + 1]
        return [State(_event(row), redactions=row["redactions"]) for row in chosen]

    def states(self, resource: Resource, window: Window, places: Sequence[str], *, limit: int) -> list[State]:
        rows = ObjectSnapshot.objects.filter(cluster=self.cluster_id, resource=resource.name)
        rows = rows.overlapping(window.start, window.end)
        if "" not in places:
            rows = rows.filter(namespace__in=places)
        names = ("body", "changed_at", "until_at", "ended", "redactions")
        chosen = rows.order_by("changed_at", "id").values_list(*names)[: limit + 1]
        gone = {ObjectSnapshot.Ended.DELETED, ObjectSnapshot.Ended.MISSED}
        return [
            State(body, changed_at, until_at, ended in gone, redactions)
            for body, changed_at, until_at, ended, redactions in chosen
            if isinstance(body, dict) and isinstance(body.get("metadata"), dict)
        ]

    def endings(self, window: Window, places: Sequence[str], *, limit: int) -> list[Ending]:
        rows = ContainerEnding.objects.filter(
            cluster=self.cluster_id, finished_at__gte=window.start, finished_at__lt=window.end
        )
        if "" not in places:
            rows = rows.filter(namespace__in=places)
        return [_ending(row) for row in rows.order_by("finished_at", "id")[: limit + 1]]


def _event(row: Mapping[str, Any]) -> Item:
    """The core/v1 Event that gives the same times and count as the one that was stored."""
    count = max(row["count"], row["highest_count"])
    about = {
        # The version of an API says nothing of the object, and is not kept.
        "apiVersion": f"{row['about_group']}/v1" if row["about_group"] else "v1",
        "kind": row["about_kind"],
        "namespace": row["about_namespace"],
        "name": row["about_name"],
        "uid": row["about_uid"],
        "fieldPath": row["about_field_path"],
    }
    event: Item = {
        "metadata": {"uid": row["uid"], "namespace": row["namespace"], "name": row["name"]},
        "involvedObject": {key: value for key, value in about.items() if value},
        "reason": row["reason"],
        "message": row["message"],
        "type": row["type"],
        "reportingComponent": row["reporter"],
        "source": {"host": row["host"]},
        "firstTimestamp": iso(row["first_at"]),
        "lastTimestamp": iso(row["last_at"]),
        "count": count,
    }
    if row["is_lower_bound"] and count == 2:
        event["series"] = {"count": 1, "lastObservedTime": iso(row["last_at"])}
    return event


def _ending(row: ContainerEnding) -> Ending:
    end = {
        "containerID": row.container_id,
        "exitCode": row.exit_code,
        "reason": row.reason,
        "message": row.message,
        "startedAt": iso(row.started_at) if row.started_at else None,
        "finishedAt": iso(row.finished_at),
    }
    states = {"lastState": {"terminated": end}} if row.is_previous else {"state": {"terminated": end}}
    statuses = "initContainerStatuses" if row.init else "containerStatuses"
    owner = {"controller": True, "kind": row.workload_kind, "name": row.workload_name}
    pod: Item = {
        "metadata": {
            "namespace": row.namespace,
            "name": row.pod,
            "uid": row.pod_uid,
            "ownerReferences": [owner] if row.workload_kind else [],
        },
        "spec": {"nodeName": row.node},
        "status": {statuses: [{"name": row.container, "restartCount": row.restarts, **states}]},
    }
    return Ending(
        pod=pod,
        container=row.container,
        container_id=row.container_id,
        finished_at=row.finished_at,
        log=row.log,
        log_status=row.log_status,
        log_reason=row.log_reason,
        log_truncated=row.log_truncated,
        redactions=row.redactions,
    )
