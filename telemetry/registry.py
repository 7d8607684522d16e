"""Every backend that can be asked, one line each. A new one is a collector file and a line here."""

from __future__ import annotations

from telemetry.archive import ClusterArchive
from telemetry.collectors.alerts import (
    AlertmanagerAlerts,
    GrafanaAlerts,
    OpsgenieAlerts,
    PagerDutyAlerts,
    WebhookAlerts,
)
from telemetry.collectors.cluster_autoscaler import ClusterAutoscalerCollector
from telemetry.collectors.csi_snapshots import CsiSnapshotsCollector
from telemetry.collectors.elastic import ElasticsearchCollector, OpenSearchCollector
from telemetry.collectors.fluent import FluentCollector
from telemetry.collectors.grafana import GrafanaCollector
from telemetry.collectors.jaeger import JaegerCollector
from telemetry.collectors.kubernetes import KubernetesCollector
from telemetry.collectors.loki import LokiCollector
from telemetry.collectors.otlp import OtlpCollector
from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.collectors.prometheus.mimir import MimirCollector
from telemetry.collectors.prometheus.thanos import ThanosCollector
from telemetry.collectors.prometheus.victoriametrics import VictoriaMetricsCollector
from telemetry.collectors.stash import StashCollector
from telemetry.collectors.tempo import TempoCollector
from telemetry.collectors.velero import VeleroCollector
from telemetry.observations import Collector, Connection


class RecordedKubernetes(KubernetesCollector):
    """A cluster together with what the recorder kept of it."""

    def __init__(self, connection: Connection) -> None:
        known = connection.cluster_id
        super().__init__(connection, archive=None if known is None else ClusterArchive(known))


class RecordedAutoscaler(ClusterAutoscalerCollector):
    """Its Events too are in the recorder's archive, long after the cluster forgot them."""

    def __init__(self, connection: Connection) -> None:
        known = connection.cluster_id
        super().__init__(connection, archive=None if known is None else ClusterArchive(known))


COLLECTORS: dict[str, type[Collector]] = {
    "kubernetes": RecordedKubernetes,
    "prometheus": PrometheusCollector,
    "victoriametrics": VictoriaMetricsCollector,
    "thanos": ThanosCollector,
    "mimir": MimirCollector,
    "grafana": GrafanaCollector,
    "loki": LokiCollector,
    "elasticsearch": ElasticsearchCollector,
    "opensearch": OpenSearchCollector,
    "jaeger": JaegerCollector,
    "tempo": TempoCollector,
    "velero": VeleroCollector,
    "stash": StashCollector,
    "csi-snapshots": CsiSnapshotsCollector,
    "cluster-autoscaler": RecordedAutoscaler,
    "otlp": OtlpCollector,
    "fluent": FluentCollector,
    "alertmanager": AlertmanagerAlerts,
    "grafana-alerting": GrafanaAlerts,
    "pagerduty": PagerDutyAlerts,
    "opsgenie": OpsgenieAlerts,
    "webhook": WebhookAlerts,
}


class UnknownKind(LookupError):
    """A source kind that no collector serves."""


def collector_for(kind: str) -> type[Collector]:
    try:
        return COLLECTORS[kind]
    except KeyError:
        raise UnknownKind(f"kind: {kind!r} is unknown; expected one of {', '.join(sorted(COLLECTORS))}") from None
