"""A Kubernetes API server made of the recordings in tests/payloads/kubernetes-1.20."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.stand_ins.pod_logs import LOGS, LOST_NODE, render
from tests.stand_ins.server import Asked, Fault, Reply, StandIn

RECORDINGS = Path(__file__).parent.parent / "payloads" / "kubernetes-1.20"
TOKEN = "stand-in-token-5f2a"
CLUSTER_UID = "6f0c8f0e-2b1d-4a53-9a0e-3d6f7a1c5b42"
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
WHOLE = {"/version": "list-version.json", "/api": "list-api.json", "/apis": "list-apis.json"}
REFUSALS = {
    401: "unauthorized-401.http",
    403: "forbidden-403.http",
    404: "pod-log-404.http",
    409: "conflict-409.http",
    410: "continue-410-expired.http",
}


def recorded_body(name: str) -> bytes:
    """The body of a recorded `.http` file."""
    return (RECORDINGS / name).read_bytes().replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]


def status_reply(code: int, reason: str, message: str) -> Reply:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Reply.of_json(status, code)


class KubernetesStandIn(StandIn):
    """Serves every recorded list, cluster-wide and by namespace, and the pods' logs.

    `edit(resource, change)` lets a test change the served objects; `deny(group, resource)` makes
    access reviews and lists of that resource refuse. A `410-continue` fault expires one token.
    """

    def __init__(self) -> None:
        super().__init__()
        self.denied: set[tuple[str, str]] = set()
        self.collections: dict[tuple[str, str], dict[str, Any]] = {
            key: json.loads((RECORDINGS / name).read_text()) for key, name in LISTS.items()
        }
        for key, kind in EMPTY_LISTS.items():
            self.collections[key] = {"kind": kind, "metadata": {"resourceVersion": "458"}, "items": []}

    def kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "stand-in",
            "clusters": [{"name": "stand-in", "cluster": {"server": self.url}}],
            "users": [{"name": "reader", "user": {"token": TOKEN}}],
            "contexts": [{"name": "stand-in", "context": {"cluster": "stand-in", "user": "reader"}}],
        }

    def deny(self, group: str, resource: str) -> None:
        self.denied.add((group, resource))

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

    def refusal(self, code: int, asked: Asked) -> Reply:
        if code in REFUSALS:
            return Reply(code, recorded_body(REFUSALS[code]))
        return status_reply(code, "InternalError", f"stand-in answers {code}")

    def answer(self, asked: Asked) -> Reply:
        if asked.path in WHOLE:
            return Reply(200, (RECORDINGS / WHOLE[asked.path]).read_bytes())
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.refusal(401, asked)
        if asked.path.endswith("/selfsubjectaccessreviews"):
            return self.review(asked)
        if asked.path == "/api/v1/namespaces/kube-system":
            return Reply.of_json({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": CLUSTER_UID}})
        parts = asked.path.strip("/").split("/")
        if parts[-1] == "log":
            return self.log(namespace=parts[3], pod=parts[5], query=asked.query)
        return self.listing(asked, parts)

    def listing(self, asked: Asked, parts: list[str]) -> Reply:
        group_parts = 2 if parts[0] == "api" else 3
        rest = parts[group_parts:]
        namespace = rest[1] if rest[:1] == ["namespaces"] and len(rest) == 3 else None
        key = ("/" + "/".join(parts[:group_parts]), rest[-1] if rest else "")
        if key not in self.collections:
            return Reply(404, b"404 page not found\n", content_type="text/plain")
        group = parts[1] if group_parts == 3 else ""
        if (group, key[1]) in self.denied:
            words = f'{key[1]} is forbidden: User "viewer" cannot list resource "{key[1]}" in API group "{group}"'
            return status_reply(403, "Forbidden", words)
        listing = self.collections[key]
        items = [item for item in listing["items"] if _selected(item, namespace, asked.query)]
        return Reply.of_json({**listing, **_page(items, listing, asked.query)})

    def review(self, asked: Asked) -> Reply:
        wanted = asked.json()["spec"]["resourceAttributes"]
        resource = wanted["resource"] + ("/" + wanted["subresource"] if wanted.get("subresource") else "")
        allowed = (wanted.get("group", ""), resource) not in self.denied
        body = asked.json() | {"status": {"allowed": allowed}}
        return Reply.of_json(body, 201)

    def log(self, *, namespace: str, pod: str, query: Mapping[str, str]) -> Reply:
        if ("", "pods/log") in self.denied:
            return status_reply(403, "Forbidden", f'pods "{pod}" is forbidden: cannot get resource "pods/log"')
        pods = {item["metadata"]["name"]: item for item in self.collections["/api/v1", "pods"]["items"]}
        if pod not in pods:
            words = json.loads(recorded_body("pod-log-404.http"))
            return status_reply(404, words["reason"], words["message"].replace("gone", pod))
        container, previous = query.get("container", ""), query.get("previous") == "true"
        node = pods[pod]["spec"].get("nodeName")
        if not node:
            return status_reply(400, "BadRequest", f"pod {pod} does not have a host assigned")
        if node in LOST_NODES:
            words = LOST_NODE.format(namespace=namespace, pod=pod, container=container)
            return status_reply(500, "InternalError", words)
        lines = LOGS.get((pod, container, previous))
        if lines is None:
            words = f'previous terminated container "{container}" in pod "{pod}" not found'
            return status_reply(400, "BadRequest", words)
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
    for step in path.split("."):
        node = node.get(step) if isinstance(node, Mapping) else None
    return (str(node or "") == value) != negated
