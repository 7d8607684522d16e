"""Pulled logs and traces on the incident's page: as evidence where they answer, as outcomes where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from accounts.templatetags.words import OUTCOME
from incidents.collecting import claim, work
from incidents.models import CollectionRun, Incident
from incidents.planning import plan_collection
from telemetry.models import Source
from tests.builders import NOW, make_cluster, make_incident, make_person, make_source
from tests.fixtures import signed_in
from tests.stand_ins.backups import SNAPSHOTS, STASH, VELERO, BackedUpClusterStandIn, backup, session, snapshot
from tests.stand_ins.elastic import ElasticStandIn, OpenSearchStandIn
from tests.stand_ins.grafana import GrafanaStandIn
from tests.stand_ins.jaeger import JaegerStandIn
from tests.stand_ins.loki import Line, LokiStandIn
from tests.stand_ins.outage_series import Measured
from tests.stand_ins.prometheus import PrometheusStandIn
from tests.stand_ins.server import Asked, Reply, StandIn
from tests.stand_ins.spans import a_trace
from tests.stand_ins.tempo import TempoStandIn

pytestmark = pytest.mark.django_db
AT = NOW + timedelta(seconds=5)
HOSTILE = "<script>alert(1)</script>"
LINE = f"ERROR {HOSTILE} lost"
DOC = {
    "@timestamp": AT.isoformat(),
    "message": LINE,
    "log": {"level": "error"},
    "service": {"name": "checkout"},
    "kubernetes": {"namespace": "shop"},
}
LABELS = {"namespace": "shop", "app": "checkout"}
SPANS = a_trace(1, AT, message=HOSTILE)
OPTIONS = {
    "jaeger": {"services": ["checkout"]},
    "mimir": {"queries": [{"name": "up", "title": f"Up {HOSTILE}", "expr": "up"}]},
}
FAULTS = {
    "loki": ("/loki/api/v1/query_range", "403", "denied"),
    "elasticsearch": ("/_search", "429", "throttled"),
    "opensearch": ("/_search", "cut", "error"),
    "jaeger": ("/api/", "401", "unauthenticated"),
    "tempo": ("/api/search", "400", "invalid_query"),
    "grafana": ("/api/annotations", "500", "error"),
    "mimir": ("/api/v1/query_range", "503", "timeout"),
}


class OpenGrafana(GrafanaStandIn):
    """Signs in whoever asks; text keeps what looks like markup, as its API does."""

    token = ""

    def answer(self, asked: Asked) -> Reply:
        return self.found(asked) if asked.path == "/api/annotations" else super().answer(asked)


class OneSeries(PrometheusStandIn):
    def __init__(self) -> None:
        super().__init__()
        self.series = [Measured({"job": HOSTILE}, lambda at: 1.0)]


@pytest.fixture
def servers() -> Iterator[dict[str, StandIn]]:
    found: dict[str, StandIn] = {
        "loki": LokiStandIn([Line(int(AT.timestamp()) * 10**9, LINE, LABELS)]),
        "elasticsearch": ElasticStandIn([DOC]),
        "opensearch": OpenSearchStandIn([DOC]),
        "jaeger": JaegerStandIn(SPANS),
        "tempo": TempoStandIn(SPANS),
        "grafana": OpenGrafana(),
        "mimir": OneSeries(),
    }
    found["grafana"].add(int(AT.timestamp() * 1_000), LINE)  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for server in found.values():
            stack.enter_context(server)
        yield found


def collected(servers: dict[str, StandIn]) -> tuple[Incident, dict[str, CollectionRun]]:
    for kind, server in servers.items():
        options: dict[str, Any] = OPTIONS.get(kind, {})
        fields = {"url": server.url, "allow_private": True, "options": options, "budget": {"deadline_seconds": 5}}
        make_source(kind=kind, name=f"our {kind}", **fields)
    incident = make_incident()
    assert Source.objects.count() == len(servers)
    _, ids = plan_collection(incident=incident, trigger="manual", now=AT + timedelta(minutes=5))
    for run_id in ids:
        run = claim(run_id, AT + timedelta(minutes=5))
        assert run is not None
        work(run)
    return incident, {run.source_kind: run for run in CollectionRun.objects.filter(pk__in=ids)}


def test_each_source_brings_evidence_that_its_page_shows(servers: dict[str, StandIn]) -> None:
    incident, runs = collected(servers)
    assert {run.status for run in runs.values()} == {"complete"}
    client = signed_in(make_person("cy"))
    for kind in servers:
        row = incident.evidence.get(source_name=f"our {kind}")
        page = client.get(reverse("evidence", args=[incident.number, row.number])).content.decode()
        assert "&lt;script&gt;alert(1)" in page or kind == "grafana"
        assert HOSTILE not in page


def test_each_failure_is_told_on_the_incidents_page(servers: dict[str, StandIn]) -> None:
    for kind, (prefix, fault, _) in FAULTS.items():
        servers[kind].fault(prefix, fault, retry_after="60")
    incident, runs = collected(servers)
    assert {kind: run.status for kind, run in runs.items()} == {kind: told for kind, (*_, told) in FAULTS.items()}
    page = signed_in(make_person("cy")).get(incident.get_absolute_url()).content.decode()
    for kind, run in runs.items():
        assert f"our {kind}" in page
        assert OUTCOME[run.status][2] in page
        assert run.reason


THROUGH = {
    "velero": ("/apis/velero.io", "403", "denied"),
    "stash": ("/apis/stash", "404", "not_installed"),
    "csi-snapshots": ("/apis/snapshot", "429", "throttled"),
    "cluster-autoscaler": ("/api/v1/events", "hang", "timeout"),
}


@pytest.fixture
def cluster() -> Iterator[BackedUpClusterStandIn]:
    with BackedUpClusterStandIn() as server:
        row = make_cluster(kubeconfig=server.kubeconfig(), allow_private=True)
        row.sources.all().delete()
        for kind in THROUGH:
            make_source(
                kind=kind, name=f"our {kind}", cluster=row, allow_private=True, budget={"deadline_seconds": 0.8}
            )
        server.add(VELERO, "backups", backup("daily-1", "2026-11-21T00:00:00Z", status={"failureReason": HOSTILE}))
        server.add(
            VELERO, "backups", backup("daily-2", "2026-11-21T06:00:00Z", "Failed", status={"failureReason": HOSTILE})
        )
        server.add(STASH, "backupsessions", session("s-1", "2026-11-21T06:00:00Z"))
        server.add(SNAPSHOTS, "volumesnapshots", snapshot("n-1", "2026-11-21T06:00:00Z", ready=None))
        yield server


def collected_through() -> tuple[Incident, dict[str, CollectionRun]]:
    incident = make_incident(impact_started_at=NOW - timedelta(minutes=1))
    _, ids = plan_collection(incident=incident, trigger="manual", now=AT + timedelta(minutes=5))
    for run_id in ids:
        if (run := claim(run_id, AT + timedelta(minutes=5))) is not None:
            work(run)
    return incident, {run.source_kind: run for run in CollectionRun.objects.filter(pk__in=ids)}


def test_recovery_points_stand_on_the_pages_of_evidence(cluster: BackedUpClusterStandIn) -> None:
    incident, runs = collected_through()
    assert {kind: run.status for kind, run in runs.items()} == {
        **dict.fromkeys(THROUGH, "complete"),
        "cluster-autoscaler": "empty",
    }
    client = signed_in(make_person("cy"))
    pages = {}
    for row in incident.evidence.filter(type="backup"):
        pages[row.source_name] = client.get(reverse("evidence", args=[incident.number, row.number])).content.decode()
    assert set(pages) == {"our velero", "our stash", "our csi-snapshots"}
    assert "<b>6 h 37 min</b> before, daily-1" in pages["our velero"]
    assert "failed: &lt;script&gt;" in pages["our velero"]
    assert "No usable recovery point before the incident." in pages["our csi-snapshots"]
    assert not any(HOSTILE in page for page in pages.values())


def test_what_a_cluster_refuses_is_told_on_the_incidents_page(cluster: BackedUpClusterStandIn) -> None:
    for prefix, fault, _ in THROUGH.values():
        cluster.fault(prefix, fault, retry_after="60")
    incident, runs = collected_through()
    assert {kind: run.status for kind, run in runs.items()} == {kind: told for kind, (*_, told) in THROUGH.items()}
    page = signed_in(make_person("cy")).get(incident.get_absolute_url()).content.decode()
    for kind, run in runs.items():
        assert f"our {kind}" in page
        assert OUTCOME[run.status][2] in page
