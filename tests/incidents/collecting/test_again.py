"""Collecting more than once: the same rows with the same numbers, then frozen for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction

from accounts.problems import InvalidInput
from incidents.actions.collection import collect_again
from incidents.actions.incident import change_status
from incidents.models import Incident, TimelineEntry
from tests.builders import NOW, make_person
from tests.incidents.collecting import outage
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = pytest.mark.xdist_group("worker")


@pytest.fixture
def kubernetes() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as server:
        yield server


@pytest.fixture
def incident(committed: None, worker: None, web: str, kubernetes: KubernetesStandIn) -> Iterator[Incident]:
    with PrometheusStandIn() as prometheus:
        outage.connect(kubernetes, prometheus)
        outage.push_telemetry(web)
        incident = outage.declare()
        outage.collected(incident)
        yield incident


def lines_of(incident: Incident) -> set[tuple[int, str]]:
    return set(TimelineEntry.objects.filter(incident=incident, source="event").values_list("pk", "dedup_key"))


def test_the_same_collection_adds_nothing_and_the_resolution_freezes(incident: Incident) -> None:
    ada = make_person("ada")
    before, lines = outage.remembered(incident), lines_of(incident)
    collect_again(incident=incident, by=ada, now=NOW)
    outage.collected(incident)
    assert outage.remembered(incident) == before
    assert lines_of(incident) == lines

    change_status(incident=incident, status="resolved", by=ada, now=outage.at("06:49:30"))
    outage.collected(incident)
    incident.refresh_from_db()
    assert incident.evidence_frozen_at is not None
    assert not incident.evidence.filter(frozen_at=None).exists()
    assert outage.remembered(incident) == before
    with pytest.raises(IntegrityError), transaction.atomic():
        incident.evidence.update(title="It was somebody else")
    with pytest.raises(InvalidInput, match="frozen"):
        collect_again(incident=incident, by=ada, now=NOW)
    assert outage.remembered(incident) == before


def test_a_failed_collection_deletes_nothing_that_an_earlier_one_found(
    incident: Incident, kubernetes: KubernetesStandIn
) -> None:
    before = outage.remembered(incident)
    kubernetes.fault("/", 403)
    collect_again(incident=incident, by=make_person("ada"), now=NOW)
    outage.collected(incident)
    asked = incident.collections.first().runs.filter(source_kind="kubernetes").exclude(query_name="state")
    statuses = set(asked.values_list("status", flat=True))
    assert statuses == {"denied"}
    assert outage.remembered(incident) == before
