"""A check put to a cluster and sources that stand-ins serve, as a worker does it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from knowledge.checking.judging import judge
from knowledge.checking.readings import LiveReadings
from knowledge.checks import CHECKS, Finding
from knowledge.models import ChecklistRun
from telemetry.models import Cluster, Source
from tests.builders import make_cluster, make_source
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.server import StandIn

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def connect(server: KubernetesStandIn) -> Cluster:
    return make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)


def connect_source(server: StandIn, kind: str) -> Source:
    return make_source(kind=kind, name=kind.capitalize(), url=server.url, allow_private=True)


def hurry(seconds: float) -> None:
    """Give every source so little time that a server which hangs costs a test nothing."""
    Source.objects.update(budget={"deadline_seconds": seconds})


def judged(name: str, *, params: dict[str, Any] | None = None, now: datetime = NOW, **target: Any) -> Finding:
    """The finding for a target in namespace shop, unless another is given."""
    run = ChecklistRun(**({"namespace": "shop"} | target))
    with LiveReadings(run, now) as readings:
        return judge(name, CHECKS[name].clean(params or {}), readings)


def on(workload: str) -> dict[str, str]:
    """`deployment/checkout` as a target."""
    kinds = {"deployment": "Deployment", "statefulset": "StatefulSet"}
    kind, _, name = workload.partition("/")
    return {"workload_kind": kinds[kind], "workload_name": name}
