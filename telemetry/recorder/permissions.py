"""What the recorder and the collector need to be allowed, from the table of recorded resources: checked, and as a role."""

from __future__ import annotations

from telemetry.collectors.csi_snapshots import CsiSnapshotsCollector
from telemetry.collectors.kubernetes.api import LOG_RULE, KubernetesApi, role_rule
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.collectors.kubernetes.preflight import NEEDED
from telemetry.collectors.stash import StashCollector
from telemetry.collectors.velero import VeleroCollector
from telemetry.http import SourceError
from telemetry.observations import Budget, Check, Connection
from telemetry.recorder.resources import RECORDED

# What backup tools add to the role; where a cluster has none of them, their rules allow nothing.
THROUGH = (VeleroCollector, StashCollector, CsiSnapshotsCollector)
BUDGET = Budget(deadline_seconds=20, requests=60, bytes=1024 * 1024)
VERBS = ("list", "watch")
ROLE_HEAD = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: debrief-reader
rules:
"""


def recorder_checks(connection: Connection) -> list[Check]:
    """One check for each API group; what only some clusters have is not asked for, its lack is no fault."""
    needed = _by_group(with_optional=False)
    try:
        with open_http(connection, BUDGET) as http:
            api = KubernetesApi(http)
            return [_check(api, group, plurals) for group, plurals in needed.items()]
    except SourceError as error:
        return [Check("recorder", ok=False, detail=error.reason, remedy=error.remedy)]


def _check(api: KubernetesApi, group: str, plurals: list[str]) -> Check:
    name = f"recorder may watch: {', '.join(plurals)}"
    missing = [plural for plural in plurals if not all(api.may(group, plural, verb) for verb in VERBS)]
    if not missing:
        return Check(name, ok=True, detail="Allowed.")
    detail = f"Not allowed in the whole cluster: {', '.join(missing)}. Their history is not kept."
    return Check(name, ok=False, detail=detail, remedy=role_rule(group, *missing))


def cluster_role() -> str:
    """The whole ClusterRole as YAML: recorder and collector together, reading only."""
    groups = _by_group(with_optional=True)
    asked = [(group, plurals) for group, plurals, _ in NEEDED]
    asked += [(one.group, (one.plural,)) for collector in THROUGH for one in collector.needs]
    for group, plurals in asked:
        known = groups.setdefault(group, [])
        known += [plural for plural in plurals if plural not in known and "/" not in plural]
    rules = [role_rule(group, *plurals) for group, plurals in groups.items()] + [LOG_RULE]
    lines = "\n".join(rules).splitlines()
    return ROLE_HEAD + "".join(f"  {line}\n" for line in lines)


def _by_group(*, with_optional: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for recorded in RECORDED:
        if with_optional or not recorded.is_optional:
            found.setdefault(recorded.group, []).append(recorded.plural)
    return found
