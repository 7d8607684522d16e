"""The recorded outage as an incident: its sources connected, its telemetry pushed, declared, waited for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from config.outage import spans
from incidents.models import Evidence, Incident
from telemetry.models import Cluster, Source
from tests.builders import make_cluster, make_incident, make_person, make_source, make_token
from tests.running import wait_for
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.prometheus import PrometheusStandIn

SCOPE: dict[str, Any] = {
    "namespaces": ["shop"],
    "workloads": [
        {"kind": "Deployment", "namespace": "shop", "name": "checkout"},
        {"kind": "StatefulSet", "namespace": "shop", "name": "orders-db"},
    ],
    "services": ["checkout", "web"],
}


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-21T{clock}+00:00").astimezone(UTC)


def connect(kubernetes: KubernetesStandIn, prometheus: PrometheusStandIn | None = None) -> Cluster:
    cluster = make_cluster(kubeconfig=kubernetes.kubeconfig(), allow_private=True)
    if prometheus is not None:
        options = {"scrape_seconds": 20}
        make_source(url=prometheus.url, cluster=cluster, allow_private=True, options=options)
    return cluster


def push_telemetry(address: str) -> None:
    make_source(kind="otlp", name="OpenTelemetry")
    spans.push(address, make_token(make_person("root"), "ingest"))


def declare(**overrides: Any) -> Incident:
    fields: dict[str, Any] = {
        "title": "Checkout errors after release 1.42.0",
        "impact_started_at": at("06:37:20"),
        "detected_at": at("06:37:58"),
        "window_from": at("06:22:20"),
        "window_to": at("07:04:30"),
    }
    return make_incident(**(SCOPE | fields | overrides))


def collected(incident: Incident, seconds: float = 60) -> None:
    """Wait until every collection of the incident has ended."""
    wait_for(lambda: not incident.collections.filter(finished_at=None).exists(), "the collection", seconds)


def remembered(incident: Incident) -> list[tuple[Any, ...]]:
    """What must stay the same when the same is collected again."""
    rows = Evidence.objects.filter(incident=incident).order_by("number")
    return list(rows.values_list("pk", "number", "dedup_key", "sha256", "observed_at"))


def quick_source(url: str, name: str, **overrides: Any) -> Source:
    """A Prometheus with one question and two seconds for it."""
    options = {"queries": [{"name": "errors", "title": "Error rate", "expr": 'errors{code=~"5.."}', "unit": ""}]}
    fields: dict[str, Any] = {"budget": {"deadline_seconds": 2}, "options": options, "allow_private": True}
    return make_source(url=url, name=name, **(fields | overrides))
