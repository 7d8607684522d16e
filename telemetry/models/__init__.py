from telemetry.models.alert import Alert
from telemetry.models.archive import ClusterEvent, ContainerEnding, CoverageGap, ObjectSnapshot, Recording
from telemetry.models.intake import LogRecord, Span
from telemetry.models.source import Cluster, Heartbeat, Source

__all__ = [
    "Alert",
    "Cluster",
    "ClusterEvent",
    "ContainerEnding",
    "CoverageGap",
    "Heartbeat",
    "LogRecord",
    "ObjectSnapshot",
    "Recording",
    "Source",
    "Span",
]
