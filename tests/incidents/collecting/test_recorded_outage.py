"""Declared, collected by a real worker from servers that serve the recordings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import DjangoDbBlocker

from incidents.actions.incident import change_status
from incidents.models import CollectionRun, Evidence, Incident, PostMortem, TimelineEntry
from incidents.models.timeline import EntrySource
from incidents.rendering import references
from telemetry.observations import EvidenceType
from tests import database
from tests.builders import NOW, make_person
from tests.fixtures import signed_in
from tests.incidents.collecting import outage
from tests.stand_ins.api_server import TOKEN
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.django_db]
SECRETS = ["hunter2", "hunter2-not-for-storage", "hunter2-leak", TOKEN]


@pytest.fixture(scope="module")
def declared(worker: None, web: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Incident]:
    """Collected once for the module; its tests only look, or are rolled back."""
    with django_db_blocker.unblock(), KubernetesStandIn() as kubernetes, PrometheusStandIn() as prometheus:
        try:
            database.restore_reference_data()
            outage.connect(kubernetes, prometheus)
            outage.push_telemetry(web)
            incident = outage.declare()
            outage.collected(incident)
            yield incident
        finally:
            database.wipe()


def found(incident: Incident, kind: EvidenceType, **more: object) -> list[Evidence]:
    return list(Evidence.objects.filter(incident=incident, type=kind.value, **more).order_by("first_at"))


def test_every_question_of_every_source_has_an_outcome(declared: Incident) -> None:
    runs = CollectionRun.objects.filter(incident=declared)
    assert {run.source_kind for run in runs} == {"kubernetes", "prometheus", "otlp"}
    assert {run.state for run in runs} == {"done"}
    assert all(run.status for run in runs)
    # Nobody recorded this cluster while its outage went on, and nobody pushes metrics.
    failed = {(run.query_name, run.status) for run in runs if run.is_failed}
    assert failed == {("state", "not_configured"), ("metrics", "not_configured")}


def test_evidence_is_numbered_from_one_without_gaps(declared: Incident) -> None:
    numbers = list(declared.evidence.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    declared.refresh_from_db()
    assert declared.evidence_count == len(numbers)


def test_events_of_the_window_are_evidence(declared: Incident) -> None:
    reasons = {row.payload["reason"] for row in found(declared, EvidenceType.EVENT)}
    assert {"FailedScheduling", "SuccessfulCreate", "FailedGetResourceMetric", "NodeNotReady"} <= reasons


def test_the_rollout_is_a_difference_that_can_be_read(declared: Incident) -> None:
    rollouts = found(declared, EvidenceType.STATE_CHANGE, payload__change="rollout")
    said = [(d["path"], d["before"], d["after"]) for row in rollouts for d in row.payload["diff"]]
    assert any("image" in path and "1.41.0" in str(before) and "1.42.0" in str(after) for path, before, after in said)


def test_the_lost_node_is_a_change_of_its_condition(declared: Incident) -> None:
    nodes = found(declared, EvidenceType.STATE_CHANGE, payload__change="node_condition")
    assert "node-1" in {row.subject["name"] for row in nodes}


def test_pod_logs_are_evidence_and_those_that_cannot_be_read_say_why(declared: Incident) -> None:
    logs = found(declared, EvidenceType.LOG)
    assert any("i/o timeout" in str(row.payload) for row in logs)
    run = CollectionRun.objects.get(incident=declared, source_kind="kubernetes", query_name="logs")
    assert run.status == "partial"
    assert "i/o timeout" in " ".join([run.reason, *run.warnings])


def test_metrics_are_charts_with_a_baseline(declared: Incident) -> None:
    charts = found(declared, EvidenceType.METRIC)
    assert len(charts) >= 5
    assert all({"series", "baseline", "peak"} <= row.payload.keys() for row in charts)


def test_alerts_and_traces_and_pushed_logs_are_evidence(declared: Incident) -> None:
    assert [row.payload["alertname"] for row in found(declared, EvidenceType.ALERT)] == ["CheckoutErrorRateHigh"]
    traces = found(declared, EvidenceType.TRACE)
    assert any(row.level == "error" for row in traces)
    assert any("order" in str(row.payload) for row in found(declared, EvidenceType.LOG, source_name="OpenTelemetry"))


def test_scheduler_events_with_an_event_time_alone_stand_at_their_minute(declared: Incident) -> None:
    lines = TimelineEntry.objects.filter(incident=declared, title="FailedScheduling").order_by("occurred_at")
    assert lines[0].occurred_at.replace(second=0, microsecond=0) == outage.at("06:37:00")
    assert all(outage.at("06:36:00") <= line.occurred_at <= outage.at("06:42:00") for line in lines)


def test_a_repeated_event_is_one_line_with_its_count(declared: Incident) -> None:
    line = TimelineEntry.objects.get(incident=declared, title="FailedGetResourceMetric")
    assert line.count == 10
    assert line.until is not None
    page = signed_in(make_person("cy")).get(f"{declared.get_absolute_url()}?find=FailedGetResourceMetric")
    assert "×10" in page.content.decode()


def test_every_collected_line_cites_its_evidence(declared: Incident) -> None:
    lines = TimelineEntry.objects.filter(incident=declared).exclude(
        source__in=[EntrySource.MILESTONE, EntrySource.NOTE]
    )
    assert {"event", "change", "alert", "log", "trace"} <= set(lines.values_list("source", flat=True))
    assert not lines.filter(evidence=None).exists()


def test_secrets_of_pods_logs_and_credentials_are_nowhere_in_the_database(declared: Incident) -> None:
    assert {secret: database.places_of(secret) for secret in SECRETS} == {secret: [] for secret in SECRETS}
    assert database.places_of("DB_PASSWORD"), "the name of the variable stays readable"


def test_the_page_shows_each_source_with_its_outcome(declared: Incident) -> None:
    page = signed_in(make_person("cy")).get(declared.get_absolute_url()).content.decode()
    for text in ("Kubernetes prod-eu", "i/o timeout", "FailedScheduling"):
        assert text in page


def test_a_draft_cites_only_evidence_that_exists(declared: Incident) -> None:
    change_status(incident=declared, status="resolved", by=make_person("ada"), now=NOW + timedelta(minutes=20))
    body = PostMortem.objects.get(incident=declared).body
    numbers = references(body)["E"]
    assert len(numbers) > 5
    assert numbers <= set(declared.evidence.values_list("number", flat=True))
