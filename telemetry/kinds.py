"""The kinds of sources in the order in which people look for them, as pages and documents list them."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.observations import Facts
from telemetry.registry import COLLECTORS


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    label: str
    facts: Facts

    @property
    def page(self) -> str:
        """Its page in docs/using/sources."""
        return PAGES.get(self.name, self.name)


# What shares a page of the documents.
PAGES = {
    "victoriametrics": "prometheus",
    "thanos": "prometheus",
    "mimir": "prometheus",
    "otlp": "opentelemetry",
    "stash": "backups",
    "velero": "backups",
    "csi-snapshots": "backups",
    "alertmanager": "alerts",
    "grafana-alerting": "alerts",
    "pagerduty": "alerts",
    "opsgenie": "alerts",
    "webhook": "alerts",
}


def groups() -> list[tuple[str, list[Kind]]]:
    """Asked when an incident opens, in a cluster, or sent to Debrief; Kubernetes itself comes with its cluster."""
    kinds = [Kind(name, collector.label, collector.facts) for name, collector in COLLECTORS.items()]
    asked = [kind for kind in kinds if not kind.facts.pushed and not kind.facts.of_cluster]
    inside = [kind for kind in kinds if kind.facts.of_cluster and kind.name != "kubernetes"]
    pushed = [kind for kind in kinds if kind.facts.pushed]
    return [("Asked by each incident", asked), ("Read through a cluster", inside), ("Sent to Debrief", pushed)]


def kind_of(name: str) -> Kind | None:
    collector = COLLECTORS.get(name)
    return Kind(name, collector.label, collector.facts) if collector else None
