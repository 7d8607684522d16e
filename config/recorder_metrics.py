"""The recorder in Prometheus's text format: three queries, whatever there is."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count

from telemetry.models import CoverageGap, Recording
from telemetry.recordings import PROCESS_SILENT_AFTER, heartbeat_age

COUNTERS = ("received", "stored", "dropped", "reconnects")


def lines(now: datetime) -> list[str]:
    """A heartbeat younger than 30 s is `up`; a gauge that is not known has no line."""
    age = heartbeat_age(now)
    up = int(age is not None and age <= PROCESS_SILENT_AFTER)
    found = ["# TYPE debrief_recorder_up gauge", f"debrief_recorder_up {up}"]
    rows = list(Recording.objects.select_related("cluster"))
    labels = {row.pk: _labels(row.cluster.name, row.resource) for row in rows}
    for name in COUNTERS:
        values = {row.pk: getattr(row, name) for row in rows}
        found += _family(f"debrief_recorder_{name}_total", "counter", labels, values)
    counted = CoverageGap.objects.order_by().values_list("cluster", "resource").annotate(n=Count("pk"))
    gaps = {(cluster, resource): number for cluster, resource, number in counted}
    known = {row.pk: gaps.get((row.cluster_id, row.resource), 0) for row in rows}
    found += _family("debrief_recorder_gaps_total", "counter", labels, known)
    lags = {row.pk: round(row.lag_seconds, 3) for row in rows if row.lag_seconds is not None}
    found += _family("debrief_recorder_lag_seconds", "gauge", labels, lags)
    ages = {row.pk: round((now - row.heard_at).total_seconds(), 1) for row in rows if row.heard_at is not None}
    return found + _family("debrief_recorder_heard_age_seconds", "gauge", labels, ages)


def _family(name: str, kind: str, labels: dict[int, str], values: dict[int, int] | dict[int, float]) -> list[str]:
    return [f"# TYPE {name} {kind}", *(f"{name}{{{labels[key]}}} {value}" for key, value in values.items())]


def _labels(cluster: str, resource: str) -> str:
    return f'cluster="{_escaped(cluster)}",resource="{_escaped(resource)}"'


def _escaped(value: str) -> str:
    """https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details"""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
