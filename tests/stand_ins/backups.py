"""Objects of Velero, Stash and CSI snapshots as their documented types have them, served by the Kubernetes stand-in.

Made by hand: no cluster with these tools could be had. https://velero.io/docs/main/api-types/
https://stash.run/docs/concepts/crds/ https://kubernetes.io/docs/concepts/storage/volume-snapshots/
"""

from __future__ import annotations

import json
from typing import Any

from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.server import Asked, Reply

VELERO = "/apis/velero.io/v1"
STASH = "/apis/stash.appscode.com/v1beta1"
STASH_OLD = "/apis/stash.appscode.com/v1alpha1"
SNAPSHOTS = "/apis/snapshot.storage.k8s.io/v1"


class BackedUpClusterStandIn(KubernetesStandIn):
    """The recorded cluster with the backup tools installed; lists begin empty."""

    def __init__(self) -> None:
        super().__init__()
        served = {
            VELERO: ("backups", "schedules", "restores", "backupstoragelocations"),
            STASH: ("backupsessions", "backupconfigurations", "restoresessions"),
            STASH_OLD: ("repositories",),
            SNAPSHOTS: ("volumesnapshots", "volumesnapshotcontents"),
        }
        for api, names in served.items():
            for name in names:
                listing = {"kind": f"{name.capitalize()}List", "metadata": {"resourceVersion": "7"}, "items": []}
                self.collections[api, name] = listing

    def answer(self, asked: Asked) -> Reply:
        reply = super().answer(asked)
        if asked.path != "/apis":
            return reply
        groups = json.loads(reply.body)
        names = {api.split("/")[2] for api, _ in self.collections if api.startswith("/apis/")}
        known = {group["name"] for group in groups["groups"]}
        groups["groups"] += [{"name": name, "versions": []} for name in sorted(names - known)]
        return Reply.of_json(groups)

    def add(self, api: str, plural: str, *items: dict[str, Any]) -> None:
        self.collections[api, plural]["items"] += items


def obj(name: str, namespace: str = "velero", **parts: Any) -> dict[str, Any]:
    """Any object; `parts` are spec, status, and more metadata as `metadata`."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"} | parts.pop("metadata", {})
    return {"metadata": {key: value for key, value in metadata.items() if value}, **parts}


def backup(name: str, at: str, phase: str = "Completed", **more: Any) -> dict[str, Any]:
    """A backup of the schedule shop-daily; `more` are fields of spec or status by where they belong."""
    status = {"phase": phase, "startTimestamp": at, "version": 1, "formatVersion": "1.1.0"} | more.pop("status", {})
    spec = {"includedNamespaces": ["shop"], "storageLocation": "default", "ttl": "720h0m0s"} | more.pop("spec", {})
    labels = {"velero.io/schedule-name": more.pop("schedule", "shop-daily")}
    return obj(name, metadata={"labels": labels, "creationTimestamp": "2026-11-21T09:00:00Z"}, spec=spec, status=status)


def schedule(name: str = "shop-daily", *namespaces: str, **spec: Any) -> dict[str, Any]:
    template = {"includedNamespaces": list(namespaces) or ["shop"], "storageLocation": "default"}
    return obj(name, spec={"schedule": "0 */6 * * *", "template": template, **spec}, status={"phase": "Enabled"})


def session(name: str, at: str, phase: str = "Succeeded", *, error: str = "", snapshots: int = 1) -> dict[str, Any]:
    """A session of the configuration orders-db in shop."""
    stats = {"hostname": "host-0", "phase": phase, "snapshots": [{"name": "ab12"}] * snapshots}
    target = {
        "ref": {"kind": "StatefulSet", "name": "orders-db"},
        "stats": [stats | ({"error": error} if error else {})],
    }
    return obj(
        name,
        "shop",
        metadata={"creationTimestamp": at},
        spec={"invoker": {"apiGroup": "stash.appscode.com", "kind": "BackupConfiguration", "name": "orders-db"}},
        status={"phase": phase, "sessionDuration": "1m2.5s", "targets": [target]},
    )


def configuration(repository: str = "orders-gcs") -> dict[str, Any]:
    spec = {
        "schedule": "*/30 * * * *",
        "repository": {"name": repository},
        "target": {"ref": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "orders-db"}},
    }
    return obj("orders-db", "shop", spec=spec)


def snapshot(name: str, at: str, *, ready: bool | None = True, content: str = "", **status: Any) -> dict[str, Any]:
    """Of the claim data-orders-db-0 in shop."""
    told = {"creationTime": at, "restoreSize": "8Gi", "boundVolumeSnapshotContentName": content or f"content-{name}"}
    if ready is not None:
        told["readyToUse"] = ready
    source = {"source": {"persistentVolumeClaimName": "data-orders-db-0"}}
    return obj(name, "shop", spec=source, status=told | status)


def content(of: str, *, uid: str = "") -> dict[str, Any]:
    back = {"namespace": "shop", "name": of, "uid": uid or f"uid-shop-{of}"}
    return obj(f"content-{of}", "", spec={"volumeSnapshotRef": back}, status={"readyToUse": True})
