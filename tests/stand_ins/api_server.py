"""What every Kubernetes API server answers, whatever objects it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.stand_ins.server import Asked, Reply, StandIn

RECORDINGS = Path(__file__).parent.parent / "payloads" / "kubernetes-1.20"
TOKEN = "stand-in-token-5f2a"
CLUSTER_UID = "6f0c8f0e-2b1d-4a53-9a0e-3d6f7a1c5b42"
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


def watch_line(kind: str, obj: Mapping[str, Any]) -> bytes:
    """One line of a watch; `kind` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"


def bookmark(*, kind: str, api_version: str, version: str, annotations: Mapping[str, str] | None = None) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": version, "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return watch_line("BOOKMARK", {"kind": kind, "apiVersion": api_version, "metadata": metadata})


def is_watch(query: Mapping[str, str]) -> bool:
    return query.get("watch", "") in {"1", "true"}


class ApiServerStandIn(StandIn):
    """Signs in by token, answers access reviews, the version and the cluster's identity.

    `deny(group, resource)` makes access reviews and lists of that resource refuse; who derives from this
    answers `listing` and `log`, and may change `cluster_uid`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.denied: set[tuple[str, str]] = set()
        self.cluster_uid = CLUSTER_UID

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
            return Reply.of_json({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": self.cluster_uid}})
        parts = asked.path.strip("/").split("/")
        if parts[-1] == "log":
            if ("", "pods/log") in self.denied:
                words = f'pods "{parts[5]}" is forbidden: cannot get resource "pods/log"'
                return status_reply(403, "Forbidden", words)
            return self.log(namespace=parts[3], pod=parts[5], query=asked.query)
        return self._collection(asked, parts)

    def _collection(self, asked: Asked, parts: list[str]) -> Reply:
        group_parts = 2 if parts[0] == "api" else 3
        rest = parts[group_parts:]
        namespace = rest[1] if rest[:1] == ["namespaces"] and len(rest) == 3 else None
        key = ("/" + "/".join(parts[:group_parts]), rest[-1] if rest else "")
        group = parts[1] if group_parts == 3 else ""
        if (group, key[1]) in self.denied:
            verb = "watch" if is_watch(asked.query) else "list"
            words = f'{key[1]} is forbidden: User "viewer" cannot {verb} resource "{key[1]}" in API group "{group}"'
            return status_reply(403, "Forbidden", words)
        return self.listing(key, namespace, asked.query)

    def review(self, asked: Asked) -> Reply:
        wanted = asked.json()["spec"]["resourceAttributes"]
        resource = wanted["resource"] + ("/" + wanted["subresource"] if wanted.get("subresource") else "")
        allowed = (wanted.get("group", ""), resource) not in self.denied
        return Reply.of_json(asked.json() | {"status": {"allowed": allowed}}, 201)

    def listing(self, key: tuple[str, str], namespace: str | None, query: Mapping[str, str]) -> Reply:
        """List or watch of `key`, such as ("/apis/apps/v1", "deployments")."""
        return not_served()

    def log(self, *, namespace: str, pod: str, query: Mapping[str, str]) -> Reply:
        return pod_is_gone(pod)


def not_served() -> Reply:
    return Reply(404, b"404 page not found\n", content_type="text/plain")


def pod_is_gone(pod: str) -> Reply:
    words = json.loads(recorded_body("pod-log-404.http"))
    return status_reply(404, words["reason"], words["message"].replace("gone", pod))


def no_previous(container: str, pod: str) -> Reply:
    words = f'previous terminated container "{container}" in pod "{pod}" not found'
    return status_reply(400, "BadRequest", words)
