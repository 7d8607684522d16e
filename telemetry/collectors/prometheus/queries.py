"""The questions put to Prometheus: a default set, an operator's own, and their placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

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
LONGEST_EXPRESSION = 4_000
LONGEST_NAME = 64


def planned(options: Mapping[str, Any], scope: Scope) -> list[Query]:
    """The source's own queries if it has any, else the default set, filled in for the scope."""
    own = options.get("queries")
    entries = own if isinstance(own, list) and own else list(DEFAULT_QUERIES)
    queries: dict[str, Query] = {}
    for place, entry in enumerate(entries, start=1):
        query = _query(entry if isinstance(entry, Mapping) else {}, place, scope)
        queries.setdefault(query.name, query)
    return list(queries.values())


def _query(entry: Mapping[str, Any], place: int, scope: Scope) -> Query:
    expr = str(entry.get("expr") or "").strip()
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", str(entry.get("name") or f"query_{place}"))[:LONGEST_NAME]
    title = str(entry.get("title") or name)[:200]
    text = filled_in(expr, scope)
    params = {"expr": text, "unit": str(entry.get("unit") or "")[:20], "alerts": expr.startswith("ALERTS")}
    return Query(name=name, title=title, text=text, params=params)


def filled_in(expr: str, scope: Scope) -> str:
    """`{namespaces}`, `{workloads}`, `{services}` become regular expressions that match the scope.

    They stand inside quotes of a matcher, so what they become holds no quote. `{range}` stays: it
    depends on the step.
    """
    namespaces = dict.fromkeys([*scope.namespaces, *(workload.namespace for workload in scope.workloads)])
    values = {
        "{namespaces}": namespaces,
        "{workloads}": [workload.name for workload in scope.workloads],
        "{services}": scope.names(),
    }
    for placeholder, names in values.items():
        expr = expr.replace(placeholder, any_of(names))
    return expr


def any_of(names: Iterable[str]) -> str:
    """An RE2 alternative of literal names for use within a PromQL string; everything if there are none."""
    escaped = [_escaped(name) for name in names if name]
    if not escaped:
        return ".*"
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _escaped(name: str) -> str:
    # A code point in hex is one literal character to RE2 and holds nothing that could end the string.
    return "".join(
        char
        if char.isascii() and (char.isalnum() or char in "-_/")
        else "[.]"
        if char == "."
        else f"\\\\x{{{ord(char):X}}}"
        for char in name[:253]
    )
