"""VictoriaMetrics, single or cluster. https://docs.victoriametrics.com/victoriametrics/#prometheus-querying-api-usage"""

from __future__ import annotations

from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.collectors.prometheus.dialects import Dialect, explained, flags_retention, vmui_graph
from telemetry.observations import Facts

OPTIONS = PrometheusCollector.facts.options


class VictoriaMetricsCollector(PrometheusCollector):
    """Of a cluster, the address is that of vmselect with `/select/TENANT/prometheus`."""

    kind = "victoriametrics"
    label = "VictoriaMetrics"
    facts = Facts(
        collects="charts with a baseline, alerts",
        limits="20 series of 1,000 points a query; 30,000 points a series on its side",
        tested="Debian's VictoriaMetrics 1.79",
        address="http://victoriametrics.monitoring:8428",
        language="PromQL",
        options=OPTIONS,
    )
    # A cached answer may lack the newest points, which an open incident is about.
    dialect = Dialect(
        explained,
        flags_retention,
        vmui_graph,
        "Open in VictoriaMetrics",
        {"nocache": "1"},
        "Raise -retentionPeriod of VictoriaMetrics.",
    )
