"""Declaring: what is taken, what is refused by name, and that nothing typed is lost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.models import Incident, TimelineEntry
from tests.builders import NOW, make_cluster, make_incident, make_person

pytestmark = pytest.mark.django_db
TYPED = {
    "title": "Checkout answers <b>503</b> & more",
    "severity": "1",
    "summary": "Nobody can “pay”.\r\nSecond line.",
    "services": "checkout, web",
    "namespaces": "shop",
    "workloads": "shop/deploy/checkout, shop/sts/orders-db",
    "kind": "drill",
    "visibility": "restricted",
    "labels": "release, probes",
    "window_from": "2026-11-21T06:22:20",
    "window_to": "2026-11-21T07:04:30",
    "impact_started_at": "2026-11-21T06:37:20",
    "detected_at": "2026-11-21T06:37:58",
}


def test_a_declared_incident_has_number_milestones_lines_and_an_audit_row(ada: User) -> None:
    incident = make_incident(
        impact_started_at=NOW - timedelta(minutes=3), detected_at=NOW - timedelta(minutes=1), clusters=[make_cluster()]
    )
    assert incident.key == "INC-1"
    assert set(incident.milestone_times()) == {"impact_started", "detected", "declared"}
    assert TimelineEntry.objects.filter(incident=incident, source="milestone").count() == 3
    row = AuditEvent.objects.get(verb="incident.declared")
    assert (row.actor, row.target, row.detail) == (ada, "INC-1", {"severity": "SEV2"})
    assert [cluster.name for cluster in incident.clusters.all()] == ["prod-eu"]


@pytest.mark.parametrize(
    ("overrides", "field", "words"),
    [
        ({"title": ""}, "title", "is empty"),
        ({"title": " \t\n\u00a0 "}, "title", "is empty"),
        ({"title": "x" * 10_000}, "title", "has 10,000 characters; expected at most 200"),
        ({"window_from": NOW, "window_to": NOW}, "window_to", "ends before it starts"),
        ({"window_from": NOW, "window_to": NOW - timedelta(hours=1)}, "window_to", "ends before it starts"),
        ({"window_from": NOW - timedelta(days=8), "window_to": NOW}, "window_to", "longer than 7 days"),
        ({"impact_started_at": NOW + timedelta(hours=1)}, "impact_started_at", "in the future"),
        ({"detected_at": NOW + timedelta(hours=1)}, "detected_at", "in the future"),
        ({"workloads": [{"kind": "Deployment", "name": "checkout"}]}, "workloads.0", "expected kind, namespace"),
    ],
)
def test_a_refused_declaration_names_the_field(overrides: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_incident(**overrides)
    assert words in refused.value.errors[field]
    assert not Incident.objects.exists()


def test_whitespace_in_a_title_is_one_space() -> None:
    assert make_incident(title="  Checkout\n\tanswers   503 ").title == "Checkout answers 503"


def test_a_viewer_cannot_declare(cy: User) -> None:
    with pytest.raises(PermissionProblem):
        make_incident(by=cy)


def test_the_form_declares_with_everything_typed(as_ada: Client) -> None:
    answer = as_ada.post("/incidents/declare/", TYPED)
    incident = Incident.objects.get()
    assert answer["Location"] == incident.get_absolute_url()
    assert (incident.title, incident.kind, incident.visibility) == (TYPED["title"], "drill", "restricted")
    assert incident.workloads[1] == {"kind": "StatefulSet", "namespace": "shop", "name": "orders-db"}
    assert (incident.services, incident.labels) == (["checkout", "web"], ["release", "probes"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": "y" * 10_000}, "has 10,000 characters; expected at most 200"),
        ({"title": "   "}, "is empty; say in a few words what users notice"),
        ({"severity": "9000"}, "not one of the available choices"),
        ({"severity": "SEV1' OR 1=1"}, "not one of the available choices"),
        ({"window_to": "2026-11-21T06:00:00"}, "ends before it starts"),
        ({"window_to": "soon"}, "Expected a date and a time"),
        ({"impact_started_at": "2099-01-01T00:00:00"}, "in the future"),
        ({"namespaces": "shop; rm -rf"}, "is no such name"),
        ({"workloads": "checkout"}, "expected namespace/kind/name"),
        ({"labels": "x" * 61}, "at most 60 characters"),
        ({"kind": "war"}, "not one of the available choices"),
    ],
)
def test_a_refused_form_says_why_and_keeps_every_typed_value(as_ada: Client, wrong: dict[str, str], words: str) -> None:
    answer = as_ada.post("/incidents/declare/", TYPED | wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert not Incident.objects.exists()
    form = answer.context["form"]
    for name, value in (TYPED | wrong).items():
        assert form[name].value() == value
    assert "&lt;b&gt;503&lt;/b&gt;" in page or "title" in wrong
    for value in ("Nobody can “pay”.", "Second line.", "release"):
        assert value in page or value in str(wrong) or "labels" in wrong


@pytest.mark.parametrize(
    "changes",
    [
        {"window_from": NOW, "window_to": NOW},
        {"status": "closed", "closure_reason": ""},
        {"status": "closed", "closure_reason": "duplicate", "duplicate_of": None},
    ],
)
def test_the_database_itself_refuses_what_no_form_lets_through(changes: dict[str, Any]) -> None:
    incident = make_incident()
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(**changes)


def test_a_title_full_of_markup_is_text_on_every_page(as_cy: Client) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    incident = make_incident(title=hostile, summary=hostile, services=["checkout"], by=make_person("ada"))
    for address in ("/", "/incidents/", incident.get_absolute_url(), "/search/?q=alert"):
        # Search marks the words that it found.
        page = re.sub(r"</?mark>", "", as_cy.get(address).content.decode())
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
