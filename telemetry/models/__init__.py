from telemetry.models.alert import Alert
from telemetry.models.archive import ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from telemetry.models.intake import LogRecord, MetricPoint, MetricSeries, Removal, Span
from telemetry.models.query import QueryTemplate, QueryTrial
from telemetry.models.source import Cluster, Heartbeat, Source

__all__ = [
    "Alert",
    "Cluster",
    "ClusterEvent",
    "ContainerEnding",
    "CoverageGap",
    "Heartbeat",
    "LogRecord",
    "MetricPoint",
    "MetricSeries",
    "ObjectSnapshot",
    "QueryTemplate",
    "QueryTrial",
    "Recording",
    "Removal",
    "Source",
    "Span",
]
