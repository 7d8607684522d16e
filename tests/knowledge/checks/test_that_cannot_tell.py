"""Every check against an API that denies, or hangs: unknown, with the reason, and never a silent pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from knowledge.checks import CHECKS, PASS, UNKNOWN
from tests.builders import make_recording, make_snapshot
from tests.knowledge.checks.judged import NOW, connect, connect_source, hurry, judged, on
from tests.stand_ins.backups import BackedUpClusterStandIn
from tests.stand_ins.jaeger import JaegerStandIn
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.loki import LokiStandIn
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = pytest.mark.django_db
OF_CLUSTER = [name for name, check in CHECKS.items() if any("/" in need for need in check.needs)]
OF_SOURCES = {
    "metrics_scraped": (PrometheusStandIn, "prometheus"),
    "promql": (PrometheusStandIn, "prometheus"),
    "alerts_exist": (PrometheusStandIn, "prometheus"),
    "logs_arriving": (LokiStandIn, "loki"),
    "traces_arriving": (JaegerStandIn, "jaeger"),
}
PARAMS = {"promql": {"expression": "up"}}


def test_every_check_is_put_to_the_test() -> None:
    assert {*OF_CLUSTER, *OF_SOURCES} == set(CHECKS)


@pytest.fixture
def server() -> Iterator[BackedUpClusterStandIn]:
    with BackedUpClusterStandIn() as server:
        connect(server)
        yield server


@pytest.mark.parametrize("name", OF_CLUSTER)
def test_a_cluster_that_denies_is_quoted_with_the_missing_rule(server: BackedUpClusterStandIn, name: str) -> None:
    server.fault("/api", "403")
    found = judged(name)
    assert (found.verdict, "forbidden" in found.reason) == (UNKNOWN, True)
    assert "- apiGroups:" in found.remedy


@pytest.mark.parametrize("name", OF_CLUSTER)
def test_a_cluster_that_hangs_is_not_waited_for(server: BackedUpClusterStandIn, name: str) -> None:
    server.fault("/api", "hang")
    hurry(0.4)
    found = judged(name)
    # On a machine that is busy even the connection may not come about in time.
    told = "no complete answer within the 0.4 s" in found.reason or "cannot be reached" in found.reason
    assert (found.verdict, told) == (UNKNOWN, True), found.reason
    assert len(server.requests) <= 1


@pytest.mark.parametrize("fault", ["403", "hang"])
@pytest.mark.parametrize("name", OF_SOURCES)
def test_a_source_that_denies_or_hangs_is_told_as_it_is(name: str, fault: str) -> None:
    stand_in, kind = OF_SOURCES[name]
    with stand_in() as server:
        connect_source(server, kind)
        hurry(0.2)
        server.fault("/", fault)
        found = judged(name, params=PARAMS.get(name), service="checkout")
    assert (found.verdict, found.reason[:18]) == (UNKNOWN, "Could not be read:")


def test_no_cluster_and_several_of_them_are_unknown_with_what_to_do() -> None:
    assert judged("replicas").remedy == "Connect a cluster."
    with KubernetesStandIn() as server:
        connect(server)
        assert "could not be read" not in judged("replicas").reason.lower()
        from tests.builders import make_cluster

        make_cluster(name="prod-us")
        assert judged("replicas").reason == "Could not be read: this run names no cluster, and 2 are connected"


def test_what_the_recorder_saw_a_moment_ago_is_judged_and_said_to_be_recorded(server: BackedUpClusterStandIn) -> None:
    heard = NOW - timedelta(minutes=3)
    item = next(one for one in server.collections["/apis/apps/v1", "deployments"]["items"])
    item["status"]["readyReplicas"] = 3
    make_snapshot(name="checkout", body=item, changed_at=heard - timedelta(hours=1))
    make_recording(resource="apps/deployments", since=heard - timedelta(hours=2), heard_at=heard)
    server.fault("/apis/apps", "500")
    found = judged("replicas", **on("deployment/checkout"))
    assert (found.verdict, found.facts.source[:34]) == (PASS, "prod-eu, as recorded at 06:57 UTC ")
    late = judged("replicas", now=NOW + timedelta(hours=2), **on("deployment/checkout"))
    assert late.verdict == UNKNOWN


def test_an_object_of_an_unexpected_shape_is_unknown(server: BackedUpClusterStandIn) -> None:
    server.edit("deployments", lambda items: [one.update(status={"readyReplicas": "many"}, spec=[1]) for one in items])
    for name in ("replicas", "spread", "probes", "resources", "images", "disruption_budget", "autoscaler"):
        assert judged(name, **on("deployment/checkout")).verdict == UNKNOWN


def test_the_documents_name_every_check_and_parameter() -> None:
    text = (Path(__file__).parents[3] / "docs" / "using" / "checklists.md").read_text()
    for name, check in CHECKS.items():
        line = next(line for line in text.splitlines() if f"(`{name}`)" in line)
        assert all(f"`{param.name}: {param.default}`" in line for param in check.params), line
