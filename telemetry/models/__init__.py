from telemetry.models.alert import Alert
from telemetry.models.archive import ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from telemetry.models.intake import LogRecord, MetricPoint, MetricSeries, Removal, Span
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
    "Recording",
    "Removal",
    "Source",
    "Span",
]
