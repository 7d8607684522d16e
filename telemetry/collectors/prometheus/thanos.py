"""Thanos Query. https://thanos.io/tip/components/query.md/"""

from __future__ import annotations

from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.collectors.prometheus.dialects import Dialect, explained, prometheus_graph, unknown_retention
from telemetry.observations import Facts


class ThanosCollector(PrometheusCollector):
    """A store that does not answer makes a warning, and so the outcome partial, instead of an error."""

    kind = "thanos"
    label = "Thanos"
    facts = Facts(
        collects="charts with a baseline, alerts; partial where a store did not answer",
        limits="20 series of 1,000 points a query",
        tested="a stand-in from documented answers",
        address="http://thanos-query.monitoring:9090",
        language="PromQL",
        options=PrometheusCollector.facts.options,
    )
    dialect = Dialect(
        explained,
        unknown_retention,
        prometheus_graph,
        "Open in Thanos",
        {"dedup": "true", "partial_response": "true"},
    )
