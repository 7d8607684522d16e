"""The questions put to Prometheus: a default set, an operator's own, and their placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemetry.collectors.queries import asked_of, filled, regexp_of
from telemetry.observations import Query, Scope

HTTP = 'namespace=~"{namespaces}",job=~"{services}"'
PODS = 'namespace=~"{namespaces}",pod=~"{workloads}(-.+)?"'

# Names follow kube-state-metrics, cAdvisor and the usual HTTP middleware; others edit the source.
DEFAULT_QUERIES: tuple[dict[str, str], ...] = (
    {
        "name": "http_5xx_share",
        "title": "5xx share",
        "unit": "ratio",
        "expr": "sum by (namespace, job) (rate(http_requests_total{" + HTTP + ',code=~"5.."}[{range}]))'
        " / sum by (namespace, job) (rate(http_requests_total{" + HTTP + "}[{range}]))",
    },
    {
        "name": "http_request_rate",
        "title": "Request rate",
        "unit": "requests/s",
        "expr": "sum by (namespace, job) (rate(http_requests_total{" + HTTP + "}[{range}]))",
    },
    {
        "name": "http_latency_p95",
        "title": "Latency, 95th percentile",
        "unit": "s",
        "expr": "histogram_quantile(0.95, sum by (le, namespace, job) "
        "(rate(http_request_duration_seconds_bucket{" + HTTP + "}[{range}])))",
    },
    {
        "name": "container_restarts",
        "title": "Container restarts in 5 minutes",
        "unit": "restarts",
        "expr": "sum by (namespace, pod, container) "
        "(increase(kube_pod_container_status_restarts_total{" + PODS + "}[5m]))",
    },
    {
        "name": "cpu",
        "title": "CPU",
        "unit": "cores",
        "expr": 'sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!="",'
        + PODS
        + "}[{range}]))",
    },
    {
        "name": "memory_of_limit",
        "title": "Memory, share of the limit",
        "unit": "ratio",
        "expr": "sum by (namespace, pod, container) "
        '(container_memory_working_set_bytes{container!="",' + PODS + "}) / sum by (namespace, pod, container) "
        '(kube_pod_container_resource_limits{resource="memory",' + PODS + "})",
    },
    {
        "name": "pods_not_ready",
        "title": "Pods not ready",
        "unit": "pods",
        "expr": 'sum by (namespace) (kube_pod_status_ready{condition="false",' + PODS + "})",
    },
    {"name": "alerts", "title": "Alerts", "unit": "", "expr": 'ALERTS{namespace=~"{namespaces}|"}'},
)


def planned(options: Mapping[str, Any], scope: Scope) -> list[Query]:
    """The source's own queries if it has any, else the default set, filled in for the scope."""
    queries = []
    for asked in asked_of(options, scope, DEFAULT_QUERIES):
        text = filled_in(asked.expr, scope)
        params = {"expr": text, "unit": asked.unit, "alerts": asked.expr.startswith("ALERTS")}
        queries.append(Query(name=asked.name, title=asked.title, text=text, params=params))
    return queries


def filled_in(expr: str, scope: Scope) -> str:
    """`{namespaces}`, `{workloads}`, `{services}` become regular expressions that match the scope.

    They stand inside quotes of a matcher, so what they become holds no quote. `{range}` stays: it
    depends on the step.
    """
    return filled(expr, scope, regexp_of)
