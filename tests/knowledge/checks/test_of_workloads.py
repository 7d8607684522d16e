"""Checks of workloads against the recorded cluster: checkout crashes in three zones, web runs alone, without probes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from knowledge.checks import FAIL, PASS, UNKNOWN
from tests.knowledge.checks.judged import connect, judged, on
from tests.stand_ins.kubernetes import KubernetesStandIn

pytestmark = pytest.mark.django_db
CHECKOUT, WEB = on("deployment/checkout"), on("deployment/web")


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as server:
        connect(server)
        yield server


def change(server: KubernetesStandIn, resource: str, name: str, *path: str, to: Any) -> None:
    """Set one documented field of one recorded object; None takes it away."""

    def apply(items: list[Any]) -> None:
        for item in items:
            if item["metadata"]["name"] != name:
                continue
            node = item
            for step in path[:-1]:
                node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
            if to is None:
                node.pop(path[-1], None)
            else:
                node[path[-1]] = to

    server.edit(resource, apply)


def test_a_recorded_crash_fails_the_replicas_and_says_how_many_are_ready(server: KubernetesStandIn) -> None:
    found = judged("replicas", **CHECKOUT)
    assert (found.verdict, found.reason) == (FAIL, "deployment/checkout: 0 of 3 replicas ready.")
    assert found.facts.rows == (("deployment/checkout", "3", "0", "0 of 3 replicas ready"),)
    assert found.facts.request == "GET /apis/apps/v1/namespaces/shop/deployments"
    change(server, "deployments", "checkout", "status", "readyReplicas", to=3)
    assert judged("replicas", **CHECKOUT).verdict == PASS


def test_one_replica_fails_whatever_is_ready(server: KubernetesStandIn) -> None:
    found = judged("replicas", **WEB)
    assert (found.verdict, found.reason) == (FAIL, "deployment/web: 1 replica wanted, 2 expected.")
    assert judged("replicas", params={"least": 1}, **WEB).verdict == PASS


def test_a_namespace_fails_by_its_worst_workload_and_counts_them(server: KubernetesStandIn) -> None:
    found = judged("replicas")
    assert found.verdict == FAIL
    assert found.reason.startswith(
        "deployment/checkout: 0 of 3 replicas ready; statefulset/orders-db: 1 of 2 replicas ready; "
    )
    assert len(found.facts.rows) == 3


@pytest.mark.parametrize("name", ["replicas", "spread", "disruption_budget", "probes", "autoscaler", "images"])
def test_a_place_without_a_workload_is_unknown_and_no_silent_pass(server: KubernetesStandIn, name: str) -> None:
    found = judged(name, namespace="nowhere")
    assert (found.verdict, found.reason[:36]) == (UNKNOWN, "No workload was found for nowhere, s")


def test_a_service_finds_its_workload_by_name_and_by_label(server: KubernetesStandIn) -> None:
    assert judged("images", namespace="", service="web").facts.rows[0][0] == "deployment/web"
    change(server, "deployments", "web", "metadata", "labels", to={"app.kubernetes.io/name": "storefront"})
    assert judged("images", namespace="", service="storefront").facts.rows[0][0] == "deployment/web"


def test_pods_of_three_zones_pass_and_of_one_node_fail(server: KubernetesStandIn) -> None:
    found = judged("spread", **CHECKOUT)
    assert (found.verdict, found.reason) == (PASS, "deployment/checkout: on 3 nodes in 3 zones.")
    server.edit("pods", lambda pods: [pod["spec"].update(nodeName="node-0") for pod in pods])
    assert judged("spread", **CHECKOUT).reason == "deployment/checkout: 4 pods on 1 node, 2 expected."


def test_nodes_without_a_zone_label_are_unknown(server: KubernetesStandIn) -> None:
    server.edit("nodes", lambda nodes: [node["metadata"].update(labels={}) for node in nodes])
    found = judged("spread", **CHECKOUT)
    assert (found.verdict, "no label of its zone" in found.reason) == (UNKNOWN, True)
    assert judged("spread", params={"zones": 1}, **CHECKOUT).verdict == PASS
    for node in ("node-0", "node-1", "node-2"):
        change(server, "nodes", node, "metadata", "labels", to={"topology.kubernetes.io/zone": "zone-0"})
    assert judged("spread", **CHECKOUT).reason == "deployment/checkout: in 1 zone, 2 expected."


def test_zones_that_may_not_be_read_are_unknown_with_the_missing_rule(server: KubernetesStandIn) -> None:
    server.deny("", "nodes")
    found = judged("spread", **CHECKOUT)
    assert (found.verdict, 'resources: ["nodes"]' in found.remedy) == (UNKNOWN, True)


def test_a_budget_that_lets_no_pod_go_fails_and_one_that_does_passes(server: KubernetesStandIn) -> None:
    found = judged("disruption_budget", **CHECKOUT)
    assert (found.verdict, "no pod may go now: 0 healthy, 2 needed (minAvailable 2)" in found.reason) == (FAIL, True)
    change(server, "poddisruptionbudgets", "checkout", "status", "disruptionsAllowed", to=1)
    assert judged("disruption_budget", **CHECKOUT).verdict == PASS
    assert "no PodDisruptionBudget selects" in judged("disruption_budget", **WEB).reason


@pytest.mark.parametrize("spec", [{"maxUnavailable": 0}, {"minAvailable": 3}, {"minAvailable": "100%"}])
def test_a_budget_that_never_lets_a_pod_go_fails_whatever_its_status(server: KubernetesStandIn, spec: Any) -> None:
    selector = {"matchLabels": {"app": "checkout"}}
    server.edit("poddisruptionbudgets", lambda items: [one.update(spec=spec | {"selector": selector}) for one in items])
    change(server, "poddisruptionbudgets", "checkout", "status", "disruptionsAllowed", to=1)
    found = judged("disruption_budget", **CHECKOUT)
    assert (found.verdict, "never lets a pod go" in found.reason) == (FAIL, True)


def test_a_budget_whose_controller_has_not_looked_is_unknown(server: KubernetesStandIn) -> None:
    change(server, "poddisruptionbudgets", "checkout", "metadata", "generation", to=2)
    assert judged("disruption_budget", **CHECKOUT).verdict == UNKNOWN


def test_missing_probes_fail_and_liveness_like_readiness_is_unknown(server: KubernetesStandIn) -> None:
    assert judged("probes", **WEB).reason == ("deployment/web: web has no readiness probe, web has no liveness probe.")
    found = judged("probes", **CHECKOUT)
    assert (found.verdict, "checkout asks /healthz every 10 s for both" in found.reason) == (UNKNOWN, True)
    assert judged("probes", params={"same": "allow"}, **CHECKOUT).verdict == PASS
    path = ("spec", "template", "spec", "containers", "0", "livenessProbe", "httpGet", "path")
    change(server, "deployments", "checkout", *path, to="/livez")
    assert judged("probes", **CHECKOUT).verdict == PASS
    assert "no startup probe" in judged("probes", params={"startup": "required"}, **CHECKOUT).reason


def test_the_recorded_autoscaler_fails_in_its_own_words(server: KubernetesStandIn) -> None:
    found = judged("autoscaler", **CHECKOUT)
    assert (found.verdict, "ScalingActive is False (FailedGetResourceMetric)" in found.reason) == (FAIL, True)
    assert "metrics server" in found.remedy


def test_an_autoscaler_passes_by_its_conditions_and_is_unknown_without_them(server: KubernetesStandIn) -> None:
    good = [{"type": name, "status": "True"} for name in ("AbleToScale", "ScalingActive")]
    change(server, "horizontalpodautoscalers", "checkout", "status", "conditions", to=good)
    assert judged("autoscaler", **CHECKOUT).verdict == PASS
    change(server, "horizontalpodautoscalers", "checkout", "status", "conditions", to=None)
    change(server, "horizontalpodautoscalers", "checkout", "metadata", "annotations", to={})
    assert judged("autoscaler", **CHECKOUT).verdict == UNKNOWN
    change(server, "horizontalpodautoscalers", "checkout", "spec", "maxReplicas", to=3)
    assert judged("autoscaler", **CHECKOUT).reason == "deployment/checkout: from 3 to 3 replicas it cannot scale."


def test_no_autoscaler_needs_a_reason(server: KubernetesStandIn) -> None:
    assert judged("autoscaler", **WEB).verdict == FAIL
    found = judged("autoscaler", params={"reason": "one leader"}, **WEB)
    assert (found.verdict, found.reason.endswith("for the reason given: one leader.")) == (PASS, True)


def test_a_queue_worker_scales_on_its_queue(server: KubernetesStandIn) -> None:
    assert "CPU or memory alone" in judged("queue_scaling", **CHECKOUT).reason
    metric = {"type": "External", "external": {"metric": {"name": "queue_length"}}}
    change(server, "horizontalpodautoscalers", "checkout", "spec", "metrics", to=[metric])
    assert judged("queue_scaling", **CHECKOUT).verdict == PASS


@pytest.mark.parametrize(("trigger", "verdict"), [("rabbitmq", PASS), ("cpu", FAIL)])
def test_a_scaled_object_counts_by_its_trigger(server: KubernetesStandIn, trigger: str, verdict: str) -> None:
    spec = {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": trigger}]}
    row = {"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}
    server.collections["/apis/keda.sh/v1alpha1", "scaledobjects"] = {
        "kind": "ScaledObjectList",
        "metadata": {"resourceVersion": "7"},
        "items": [row],
    }
    assert judged("queue_scaling", **WEB).verdict == verdict


def test_requests_and_limits_are_wanted_of_every_container(server: KubernetesStandIn) -> None:
    assert judged("resources", **CHECKOUT).verdict == PASS
    assert "checkout has no limits.cpu" in judged("resources", params={"cpu_limit": "required"}, **CHECKOUT).reason
    assert "web has no requests.cpu, requests.memory, limits.memory" in judged("resources", **WEB).reason


@pytest.mark.parametrize(
    ("image", "verdict"),
    [
        ("registry.example:5000/shop/web", FAIL),
        ("web:latest", FAIL),
        ("web:main", FAIL),
        ("web:feature-basket", FAIL),
        ("web:7.2", PASS),
        (f"web:latest@sha256:{'a' * 64}", PASS),
    ],
)
def test_an_image_is_pinned_by_a_release_or_a_digest(server: KubernetesStandIn, image: str, verdict: str) -> None:
    change(server, "deployments", "web", "spec", "template", "spec", "containers", "0", "image", to=image)
    assert judged("images", **WEB).verdict == verdict
    assert judged("images", params={"by": "digest"}, **CHECKOUT).verdict == FAIL


def test_no_secret_of_a_pod_template_stands_in_a_finding(server: KubernetesStandIn) -> None:
    names = ("replicas", "spread", "disruption_budget", "probes", "autoscaler", "resources", "images")
    assert "hunter2" not in repr([judged(name) for name in names])
