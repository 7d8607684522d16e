"""Whether a cluster can be collected from: reachable, authenticated, permitted, which one it is."""

from __future__ import annotations

from telemetry.collectors.kubernetes.api import LOG_RULE, KubernetesApi, role_rule
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.http import Refusal, SourceError
from telemetry.observations import Budget, Check, Connection

NEEDED = (
    ("", ("events", "pods", "nodes", "namespaces"), "list"),
    ("apps", ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"), "list"),
    ("", ("pods/log",), "get"),
)
PREFLIGHT_BUDGET = Budget(deadline_seconds=20, requests=60, bytes=1024 * 1024)
IDENTITY = "/api/v1/namespaces/kube-system"


def check_cluster(api: KubernetesApi, namespaces: tuple[str, ...] = ()) -> list[Check]:
    """The checks in the order in which they depend on each other; stops at the first that must hold."""
    try:
        version = str(api.get("/version").get("gitVersion") or "unknown")
    except SourceError as error:
        if not isinstance(error, Refusal):
            return [Check("reachable", ok=False, detail=error.reason, remedy=error.remedy)]
        version = f"not told ({error.reason})"
    checks = [Check("reachable", ok=True, detail="The API server answers."), Check("version", ok=True, detail=version)]
    try:
        api.may("", "events", "list")
    except SourceError as error:
        return [*checks, Check("authenticated", ok=False, detail=error.reason, remedy=error.remedy)]
    checks.append(Check("authenticated", ok=True, detail="The API server accepts the credentials."))
    for place in namespaces or ("",):
        checks += [_permission(api, group, names, verb, place) for group, names, verb in NEEDED]
    return [*checks, _identity(api)]


def served_groups(connection: Connection) -> set[str]:
    """Names of the API groups that the cluster serves; empty where it does not answer."""
    try:
        with open_http(connection, PREFLIGHT_BUDGET) as http:
            groups = http.get("/apis").json_object().get("groups")
    except SourceError:
        return set()
    rows = [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    return {str(group["name"]) for group in rows if group.get("name")}


def _permission(api: KubernetesApi, group: str, names: tuple[str, ...], verb: str, namespace: str) -> Check:
    what = f"{verb} {', '.join(names)}" + (f" in {namespace}" if namespace else "")
    # Nodes and namespaces belong to no namespace, so a namespaced review would always refuse them.
    asked = [name for name in names if not (namespace and name in {"nodes", "namespaces"})]
    try:
        missing = [name for name in asked if not api.may(group, name, verb, namespace)]
    except SourceError as error:
        return Check(f"permitted: {what}", ok=False, detail=error.reason, remedy=error.remedy)
    if not missing:
        return Check(f"permitted: {what}", ok=True, detail="Allowed.")
    rule = LOG_RULE if missing == ["pods/log"] else role_rule(group, *missing)
    return Check(f"permitted: {what}", ok=False, detail=f"Not allowed: {', '.join(missing)}.", remedy=rule)


def _identity(api: KubernetesApi) -> Check:
    """A cluster is known by the uid of its kube-system namespace, whatever its address."""
    try:
        metadata = api.get(IDENTITY).get("metadata")
    except SourceError as error:
        return Check("identity", ok=False, detail=error.reason, remedy=role_rule("", "namespaces"))
    uid = metadata.get("uid") if isinstance(metadata, dict) else None
    return Check("identity", ok=bool(uid), detail=str(uid or "kube-system has no uid"))
