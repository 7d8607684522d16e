"""Grafana Mimir, and Cortex before it. https://grafana.com/docs/mimir/latest/references/http-api/"""

from __future__ import annotations

from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.collectors.prometheus.dialects import Dialect, mimir_explained, prometheus_graph, unknown_retention
from telemetry.observations import Facts


class MimirCollector(PrometheusCollector):
    """Its address ends with /prometheus; the tenant is the header X-Scope-OrgID, several divided by `|`."""

    kind = "mimir"
    label = "Mimir"
    facts = Facts(
        collects="charts with a baseline, alerts",
        limits="20 series of 1,000 points a query; the tenant's own limits on its side",
        tested="a stand-in from documented answers",
        address="http://mimir.monitoring:8080/prometheus",
        language="PromQL",
        options=PrometheusCollector.facts.options,
    )
    dialect = Dialect(mimir_explained, unknown_retention, prometheus_graph, "Open in Mimir")
