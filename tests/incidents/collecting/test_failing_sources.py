"""Sources that do not answer well: the incident is declared all the same, and its page says what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from accounts.templatetags.words import OUTCOME
from incidents.models import CollectionRun, Incident
from telemetry.models import Source
from tests.builders import make_person
from tests.fixtures import signed_in
from tests.incidents.collecting import outage
from tests.running import free_port
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = pytest.mark.xdist_group("worker")
FAULTS = {
    "401": "unauthenticated",
    "403": "denied",
    "500": "error",
    "hang": "timeout",
    "huge": "truncated",
    "cut": "error",
    "garbage": "error",
}


@pytest.fixture
def incident(committed: None, worker: None) -> Iterator[Incident]:
    with ExitStack() as stack:
        for fault in FAULTS:
            server = stack.enter_context(PrometheusStandIn())
            server.fault("/", fault)
            outage.quick_source(server.url, f"answers {fault}")
        outage.quick_source(f"http://127.0.0.1:{free_port()}", "is not there")
        healthy = stack.enter_context(PrometheusStandIn())
        outage.quick_source(healthy.url, "is well")
        incident = outage.declare()
        outage.collected(incident)
        yield incident


def test_each_failure_has_its_outcome_with_a_reason_on_the_page(incident: Incident) -> None:
    assert incident.number == 1
    runs = {run.source_name: run for run in CollectionRun.objects.filter(incident=incident)}
    expected = {f"answers {fault}": status for fault, status in FAULTS.items()}
    expected |= {"is not there": "unreachable", "is well": "complete"}
    assert {name: run.status for name, run in runs.items()} == expected
    page = signed_in(make_person("cy")).get(incident.get_absolute_url()).content.decode()
    for name, run in runs.items():
        assert name in page
        if run.status != "complete":
            assert run.reason
            assert OUTCOME[run.status][2] in page
    assert incident.evidence.filter(source_name="is well").exists()


def test_a_source_that_was_removed_or_switched_off_says_so(committed: None, worker: None) -> None:
    with PrometheusStandIn() as server:
        server.fault("/", "hang", times=1)
        outage.quick_source(server.url, "goes away")
        source = Source.objects.get(name="goes away")
        incident = outage.declare()
        Source.objects.filter(pk=source.pk).delete()
        outage.collected(incident)
    run = CollectionRun.objects.get(incident=incident)
    assert run.source is None
    assert run.status in {"not_configured", "timeout"}
    assert run.reason
