"""A real Prometheus scrapes Debrief's own /metrics, and Debrief collects from it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone

from incidents.collecting import claim, work
from incidents.models import CollectionRun, Evidence
from telemetry.actions.source import check_source
from telemetry.observations import Status
from tests import running, system
from tests.builders import make_followup, make_incident, make_person, make_source
from tests.fixtures import signed_in

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.real_server("prometheus")]
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: debrief
    static_configs: [{{targets: ["{target}"]}}]
"""


@pytest.fixture
def prometheus(web: str, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that has scraped Debrief."""
    program = system.program("prometheus")
    assert program is not None, "prometheus: expected on the PATH"
    (tmp_path / "prometheus.yml").write_text(CONFIG.format(target=web.removeprefix("http://")))
    port = running.free_port()
    flags = {
        "config.file": tmp_path / "prometheus.yml",
        "storage.tsdb.path": tmp_path / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "log.level": "error",
    }
    command = [program, *(f"--{name}={value}" for name, value in flags.items())]
    address = f"http://127.0.0.1:{port}"

    def has_scraped() -> bool:
        try:
            answer = httpx.get(f"{address}/api/v1/query", params={"query": "count_over_time(debrief_up[1m]) > 1"})
            return bool(answer.is_success and answer.json()["data"]["result"])
        except httpx.TransportError:
            return False

    with running.process(command, environment={}, log=tmp_path / "prometheus.log") as child:
        assert isinstance(child, subprocess.Popen)
        running.wait_for(has_scraped, "a scrape of Debrief")
        yield address


def test_debrief_is_scraped_and_its_own_numbers_become_a_chart(committed: None, prometheus: str) -> None:
    query = {"name": "open", "title": "Open incidents", "expr": "sum(debrief_incidents) by (status)", "unit": ""}
    source = make_source(
        url=prometheus, allow_private=True, options={"queries": [query], "scrape_seconds": 1}, name="Own Prometheus"
    )
    assert all(check.ok for check in check_source(source=source, now=timezone.now()))
    # The first chart needs a scrape in which the incident is counted.
    first = make_incident(title="Counted by Prometheus", now=datetime.now(UTC))
    make_followup(first)
    selector = {"query": 'debrief_incidents{status="investigating"}'}
    running.wait_for(
        lambda: httpx.get(f"{prometheus}/api/v1/query", params=selector).json()["data"]["result"], "the count"
    )
    now = datetime.now(UTC)
    incident = make_incident(
        title="Collected from Prometheus",
        now=now,
        window_from=now - timedelta(minutes=2),
        window_to=now + timedelta(seconds=6),
    )
    run = CollectionRun.objects.get(incident=incident)
    claimed = claim(run.pk, timezone.now())
    assert claimed is not None
    outcome = work(claimed)
    assert outcome.status is Status.COMPLETE, outcome.reason
    chart = Evidence.objects.get(incident=incident)
    assert chart.title == "Open incidents"
    assert chart.payload["series"][0]["labels"] == {"status": "investigating"}
    assert "Open incidents" in signed_in(make_person("cy")).get(incident.get_absolute_url()).content.decode()


def test_every_line_of_metrics_is_one_that_prometheus_reads(web: str, prometheus: str, committed: None) -> None:
    text = httpx.get(f"{web}/metrics").text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    for name in names:
        found = httpx.get(f"{prometheus}/api/v1/query", params={"query": f"count_over_time({name}[5m])"}).json()
        assert found["data"]["result"], name
