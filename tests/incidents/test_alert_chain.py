"""An alert fires in a real Prometheus and ends: the incident, its evidence and its milestone come with no hand between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.models import Evidence, Incident
from telemetry.models import Alert
from telemetry.observations import EvidenceType
from tests import database, running
from tests.builders import make_alert_rule, make_person, make_source, make_token
from tests.incidents.monitoring import Monitoring, monitoring
from tests.running import wait_for

pytestmark = [
    pytest.mark.xdist_group("worker"),
    pytest.mark.real_server("prometheus", "prometheus-alertmanager", "victoria-metrics"),
]
CHART = [{"name": "errors", "title": "Errors of checkout", "expr": 'checkout_errors{namespace=~"{namespaces}"}'}]


@pytest.fixture
def watched(committed: None, tmp_path: Path) -> Iterator[Monitoring]:
    """Everything real: servers, web process, worker and clock."""
    environment, token = database.environment(), make_token(make_person("ada"), "ingest")
    make_alert_rule(when_ended="mark", group_by=["alertname"])
    with (
        running.web(environment=environment, log=tmp_path / "web.log") as address,
        running.process(running.worker_command(), environment=environment, log=tmp_path / "worker.log"),
        running.process(running.beat_command(tmp_path), environment=environment, log=tmp_path / "beat.log"),
        monitoring(tmp_path, environment, hook=f"{address}/hooks/alertmanager/", token=token) as found,
    ):
        options = {"queries": CHART, "scrape_seconds": 1}
        for kind in ("prometheus", "victoriametrics"):
            make_source(kind=kind, name=kind, url=getattr(found, kind), allow_private=True, options=options)
        yield found


def test_from_firing_to_mitigated(watched: Monitoring) -> None:
    watched.shop.errors = 42
    incident = wait_for(lambda: Incident.objects.first(), "the incident", 60)
    assert (incident.title, incident.namespaces, incident.services) == ("Checkout answers 503", ["shop"], ["checkout"])
    alert = Alert.objects.get()
    assert incident.milestone_times()["impact_started"] == alert.starts_at

    def kept(name: str, kind: EvidenceType) -> bool:
        return Evidence.objects.filter(incident=incident, source_name=name, type=kind).exists()

    wait_for(lambda: kept("prometheus", EvidenceType.METRIC), "the chart of Prometheus")
    wait_for(lambda: kept("victoriametrics", EvidenceType.METRIC), "the chart of VictoriaMetrics")
    wait_for(lambda: kept("Alertmanager", EvidenceType.ALERT), "the alert as evidence")

    watched.shop.errors = 0
    wait_for(lambda: Incident.objects.get().status == "mitigated", "the end of the alert", 60)
    alert.refresh_from_db()
    assert Incident.objects.get().milestone_times()["mitigated"] == alert.ends_at
    assert Incident.objects.count() == 1
