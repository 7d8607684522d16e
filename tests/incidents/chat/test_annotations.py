"""An incident on Grafana's dashboards: written when it is declared, brought up to date when it moves on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents.actions.incident import change_incident, change_status
from incidents.chat import lanes, registry
from incidents.models import Delivery
from tests.builders import make_incident, make_person, make_source
from tests.stand_ins.grafana import TOKEN, GrafanaStandIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def grafana(django_capture_on_commit_callbacks: Any) -> Iterator[GrafanaStandIn]:
    with GrafanaStandIn() as stand_in:
        options = {"write_back": True}
        make_source(
            kind="grafana",
            name="Grafana",
            url=stand_in.url,
            auth={"bearer": TOKEN},
            allow_private=True,
            options=options,
        )
        yield stand_in


def work() -> None:
    for lane in lanes.waiting_lanes(Delivery, timezone.now() + timedelta(days=1)):
        lanes.work(Delivery, lane, registry.deliver)


def test_an_incident_is_one_region_that_ends_when_it_is_mitigated(
    grafana: GrafanaStandIn, django_capture_on_commit_callbacks: Any
) -> None:
    now = timezone.now() - timedelta(minutes=5)
    with django_capture_on_commit_callbacks(execute=True):
        incident = make_incident(title="Checkout <b>answers</b> 503", now=now, services=["checkout"])
    work()
    (region,) = grafana.annotations
    assert incident.key in region["tags"]
    assert "&lt;b&gt;answers" in region["text"]
    with django_capture_on_commit_callbacks(execute=True):
        change_status(incident=incident, status="mitigated", by=make_person("ada"), now=now + timedelta(minutes=5))
    work()
    (region,) = grafana.annotations
    assert region["timeEnd"] - region["time"] == 5 * 60_000
    assert "Mitigated" in region["text"]


def test_a_restricted_incident_is_told_nobody(grafana: GrafanaStandIn, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make_incident(visibility="restricted", now=timezone.now())
    work()
    assert grafana.annotations == []


def test_a_refusal_is_shown_with_what_to_do(grafana: GrafanaStandIn, django_capture_on_commit_callbacks: Any) -> None:
    grafana.fault("/api/annotations", "403")
    with django_capture_on_commit_callbacks(execute=True):
        make_incident(now=timezone.now())
    work()
    delivery = Delivery.objects.get(service="grafana")
    assert (delivery.state, "the role Viewer" in delivery.problem) == ("failed", True)


def test_what_became_restricted_is_taken_back(grafana: GrafanaStandIn, django_capture_on_commit_callbacks: Any) -> None:
    now = timezone.now() - timedelta(minutes=5)
    with django_capture_on_commit_callbacks(execute=True):
        incident = make_incident(title="Secret matter", now=now)
    work()
    with django_capture_on_commit_callbacks(execute=True):
        change_incident(incident=incident, visibility="restricted", by=make_person("ada"), now=now)
    work()
    (region,) = grafana.annotations
    assert "Secret matter" not in str(region)
    assert region["tags"] == ["debrief", incident.key]
