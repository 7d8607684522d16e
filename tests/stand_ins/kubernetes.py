"""A Kubernetes API server made of the recordings in tests/payloads/kubernetes-1.20."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.stand_ins.api_server import (
    RECORDINGS,
    ApiServerStandIn,
    bookmark,
    is_watch,
    no_previous,
    not_served,
    pod_is_gone,
    status_reply,
    watch_line,
)
from tests.stand_ins.pod_logs import LOGS, LOST_NODE, render
from tests.stand_ins.server import Asked, Fault, Reply

LOST_NODES = {"node-1"}

LISTS = {
    ("/api/v1", "events"): "list-api_v1_events.json",
    ("/api/v1", "nodes"): "list-api_v1_nodes.json",
    ("/api/v1", "pods"): "list-api_v1_namespaces_shop_pods.json",
    ("/api/v1", "persistentvolumeclaims"): "list-api_v1_namespaces_shop_persistentvolumeclaims.json",
    ("/apis/apps/v1", "deployments"): "list-apis_apps_v1_namespaces_shop_deployments.json",
    ("/apis/apps/v1", "replicasets"): "list-apis_apps_v1_namespaces_shop_replicasets.json",
    ("/apis/apps/v1", "statefulsets"): "list-apis_apps_v1_namespaces_shop_statefulsets.json",
    ("/apis/apps/v1", "controllerrevisions"): "list-apis_apps_v1_namespaces_shop_controllerrevisions.json",
    (
        "/apis/autoscaling/v1",
        "horizontalpodautoscalers",
    ): "list-apis_autoscaling_v1_namespaces_shop_horizontalpodautoscalers.json",
    (
        "/apis/policy/v1beta1",
        "poddisruptionbudgets",
    ): "list-apis_policy_v1beta1_namespaces_shop_poddisruptionbudgets.json",
    ("/apis/events.k8s.io/v1", "events"): "list-apis_events.k8s.io_v1_events.json",
}
# Kinds of which the recorded cluster had none: a real server answers an empty list.
EMPTY_LISTS = {
    ("/apis/apps/v1", "daemonsets"): "DaemonSetList",
    ("/apis/batch/v1", "jobs"): "JobList",
    ("/api/v1", "services"): "ServiceList",
    ("/api/v1", "persistentvolumes"): "PersistentVolumeList",
}
FIRST_BOOKMARK_SECONDS, BOOKMARK_SECONDS = 1.0, 10.0


class KubernetesStandIn(ApiServerStandIn):
    """Serves every recorded list, cluster-wide and by namespace, and the pods' logs.

    `edit(resource, change)` lets a test change the served objects. A `410-continue` fault expires one
    token. A watch stays open and says nothing but that nothing changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.collections: dict[tuple[str, str], dict[str, Any]] = {
            key: json.loads((RECORDINGS / name).read_text()) for key, name in LISTS.items()
        }
        for key, kind in EMPTY_LISTS.items():
            self.collections[key] = {"kind": kind, "metadata": {"resourceVersion": "458"}, "items": []}

    def edit(self, resource: str, change: Callable[[list[Any]], None]) -> None:
        """Apply `change` to the items of every served list of `resource`."""
        for (_, name), listing in self.collections.items():
            if name == resource:
                change(listing["items"])

    def fault_applies(self, fault: Fault, asked: Asked) -> bool:
        if not super().fault_applies(fault, asked):
            return False
        if fault.kind != "410-continue":
            return True
        if "continue" in asked.query and fault.times is None:
            fault.times, fault.kind = 1, "410"
            return True
        return False

    def listing(self, key: tuple[str, str], namespace: str | None, query: Mapping[str, str]) -> Reply:
        if key not in self.collections:
            return not_served()
        listing = self.collections[key]
        items = [item for item in listing["items"] if _selected(item, namespace, query)]
        if is_watch(query):
            return Reply(chunks=self.unchanged(key, listing, items, query))
        return Reply.of_json({**listing, **_page(items, listing, query)})

    def unchanged(
        self, key: tuple[str, str], listing: Mapping[str, Any], items: list[Any], query: Mapping[str, str]
    ) -> Iterator[bytes]:
        """A watch of what never changes: bookmarks until the client's time is over."""
        kind = str(listing["kind"]).removesuffix("List")
        api_version = key[0].removeprefix("/apis/").removeprefix("/api/")
        if not query.get("resourceVersion"):
            yield b"".join(watch_line("ADDED", {"kind": kind, "apiVersion": api_version, **item}) for item in items)
        ends = time.monotonic() + float(query.get("timeoutSeconds") or 1800)
        pause = FIRST_BOOKMARK_SECONDS
        while not self.stopping.wait(max(0.0, min(pause, ends - time.monotonic()))):
            pause = BOOKMARK_SECONDS
            if time.monotonic() >= ends:
                return
            if query.get("allowWatchBookmarks") in {"1", "true"}:
                version = listing["metadata"]["resourceVersion"]
                yield bookmark(kind=kind, api_version=api_version, version=version)

    def log(self, *, namespace: str, pod: str, query: Mapping[str, str]) -> Reply:
        pods = {item["metadata"]["name"]: item for item in self.collections["/api/v1", "pods"]["items"]}
        if pod not in pods:
            return pod_is_gone(pod)
        container, previous = query.get("container", ""), query.get("previous") == "true"
        node = pods[pod]["spec"].get("nodeName")
        if not node:
            return status_reply(400, "BadRequest", f"pod {pod} does not have a host assigned")
        if node in LOST_NODES:
            words = LOST_NODE.format(namespace=namespace, pod=pod, container=container)
            return status_reply(500, "InternalError", words)
        lines = LOGS.get((pod, container, previous))
        if lines is None:
            return no_previous(container, pod)
        since = datetime.fromisoformat(query["sinceTime"]) if "sinceTime" in query else None
        tail, limit = query.get("tailLines"), query.get("limitBytes")
        body = render(lines, since=since, tail=int(tail) if tail else None, limit=int(limit) if limit else None)
        return Reply(200, body, content_type="text/plain")


def _page(items: list[Any], listing: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The items of one page with its metadata; a continue token carries the place to go on from."""
    version = listing["metadata"]["resourceVersion"]
    start = 0
    if query.get("continue"):
        start = json.loads(base64.urlsafe_b64decode(query["continue"]))["start"]
    limit = int(query.get("limit") or 0) or len(items)
    metadata: dict[str, Any] = {"resourceVersion": version}
    left = len(items) - start - limit
    if left > 0:
        token = json.dumps({"v": "meta.k8s.io/v1", "rv": int(version), "start": start + limit})
        metadata["continue"] = base64.urlsafe_b64encode(token.encode()).decode()
        metadata["remainingItemCount"] = left
    return {"metadata": metadata, "items": items[start : start + limit]}


def _selected(item: Mapping[str, Any], namespace: str | None, query: Mapping[str, str]) -> bool:
    if namespace is not None and item["metadata"].get("namespace") != namespace:
        return False
    labels = item["metadata"].get("labels") or {}
    wanted = [pair.split("=", 1) for pair in query.get("labelSelector", "").split(",") if pair]
    if any(labels.get(key) != value for key, value in wanted):
        return False
    terms = [term for term in query.get("fieldSelector", "").split(",") if term]
    return all(_field_matches(item, term) for term in terms)


def _field_matches(item: Mapping[str, Any], term: str) -> bool:
    negated = "!=" in term
    path, value = term.replace("==", "=").split("!=" if negated else "=", 1)
    node: Any = item
    # An Event's field `source` is its component's name: pkg/registry/core/event/strategy.go of Kubernetes.
    for step in ("source.component" if path == "source" else path).split("."):
        node = node.get(step) if isinstance(node, Mapping) else None
    return (str(node or "") == value) != negated
