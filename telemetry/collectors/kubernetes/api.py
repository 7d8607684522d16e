"""The read-only part of the Kubernetes API that collectors use, as raw JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from telemetry.http import Http, Refusal, SourceError
from telemetry.observations import Status

PAGE = 500

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of list: API group ("" is core), version, plural name."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str = "") -> str:
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{root}{inside}/{self.plural}"

    @property
    def name(self) -> str:
        """`events`, `apps/deployments`: as recordings and archives name it."""
        return f"{self.group}/{self.plural}" if self.group else self.plural

    @property
    def api(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


EVENTS = Resource("", "v1", "events")
PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
DAEMON_SETS = Resource("apps", "v1", "daemonsets")
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions")
JOBS = Resource("batch", "v1", "jobs")
CLAIMS = Resource("", "v1", "persistentvolumeclaims")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets")


def role_rule(group: str, *resources: str, verbs: tuple[str, ...] = ("get", "list", "watch")) -> str:
    """One rule of a Role or ClusterRole as YAML, to be pasted under `rules:`."""
    quoted = ", ".join(f'"{name}"' for name in resources)
    words = ", ".join(f'"{verb}"' for verb in verbs)
    return f'- apiGroups: ["{group}"]\n  resources: [{quoted}]\n  verbs: [{words}]'


LOG_RULE = role_rule("", "pods/log", verbs=("get",))


class KubernetesApi:
    """Lists and logs of one cluster within one budget. Raises `SourceError` alone."""

    def __init__(self, http: Http) -> None:
        self.http = http

    def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self.http.get(path, params).json_object()

    def pages(self, resource: Resource, namespace: str = "", **selectors: str) -> Iterator[list[Item] | None]:
        """The items of a list, page by page; `selectors` are `fieldSelector` and `labelSelector`.

        None instead of a page says: the list's version expired and it starts anew, once, so what
        came before is to be forgotten.
        """
        wanted = {name: text for name, text in selectors.items() if text}
        params = {"limit": str(PAGE), **wanted}
        restarted = False
        while True:
            try:
                answer = self.get(resource.path(namespace), params)
            except Refusal as refusal:
                if refusal.code == 410 and "continue" in params and not restarted:
                    restarted = True
                    params.pop("continue")
                    yield None
                    continue
                raise explained(refusal, resource, namespace) from None
            yield _items(answer)
            following = (answer.get("metadata") or {}).get("continue")
            if not isinstance(following, str) or not following:
                return
            params["continue"] = following

    def log(self, namespace: str, pod: str, params: Mapping[str, str]) -> bytes:
        """One container's log as the kubelet sends it; raises the refusal as the server put it."""
        return self.http.get(f"{PODS.path(namespace)}/{quote(pod, safe='')}/log", params).body

    def may(self, group: str, resource: str, verb: str, namespace: str = "") -> bool:
        """Ask the server itself whether these credentials may do this."""
        plural, _, subresource = resource.partition("/")
        attributes = {"group": group, "resource": plural, "subresource": subresource, "verb": verb}
        if namespace:
            attributes["namespace"] = namespace
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {key: value for key, value in attributes.items() if value or key == "group"}
            },
        }
        answer = self.http.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)
        status = answer.json_object().get("status")
        return isinstance(status, dict) and status.get("allowed") is True


def explained(refusal: Refusal, resource: Resource, namespace: str) -> SourceError:
    """The refusal of a list in words for people, with the missing rule where one is missing."""
    place = f"namespace {namespace}" if namespace else "the whole cluster"
    if refusal.code == 403:
        return SourceError(
            Status.DENIED,
            f"{resource.plural} of {place}: {refusal.reason}",
            remedy=role_rule(resource.group, resource.plural),
        )
    if refusal.code == 404:
        return SourceError(
            Status.NOT_INSTALLED,
            f"{resource.plural}: this cluster does not serve {resource.api}",
            remedy="Nothing to do if the cluster is not meant to have it.",
        )
    if refusal.code == 410:
        refusal.reason = f"{resource.plural} of {place}: the list expired twice while it was read"
    return refusal


def _items(answer: Mapping[str, Any]) -> list[Item]:
    items = answer.get("items")
    if items is None and str(answer.get("kind", "")).endswith("List"):
        return []
    if not isinstance(items, list):
        raise SourceError(Status.ERROR, "the answer is not a Kubernetes list", remedy="Check the server's address.")
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]
