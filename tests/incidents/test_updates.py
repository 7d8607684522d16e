"""Updates for stakeholders: what they change, what they refuse, and who hears of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents import signals
from incidents.actions.incident import change_incident, change_status, declare_incident
from incidents.actions.update import post_update
from incidents.models import IncidentUpdate, Severity
from incidents.models.update import UPDATE_LIMIT
from tests.builders import NOW, make_incident, make_person
from tests.hearing import heard

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=20)


def post(incident: Any, **overrides: Any) -> IncidentUpdate:
    fields = {"text": "Half of the payments fail.", "by": make_person("ada"), "now": LATER} | overrides
    return post_update(incident=incident, **fields)


def test_an_update_keeps_the_state_that_it_told_of_and_stands_on_the_timeline(ada: User) -> None:
    incident = make_incident()
    update = post(incident, next_in=timedelta(minutes=30), via="slack")
    assert (update.status, update.severity, update.posted_by) == ("investigating", "SEV2", ada)
    assert (update.posted_at, update.next_at) == (LATER, LATER + timedelta(minutes=30))
    line = incident.timeline.get(title="Update")
    assert (line.text, line.occurred_at, line.actor) == ("Half of the payments fail.", LATER, ada)
    assert line.detail == {"change": True, "update": update.pk}
    assert AuditEvent.objects.get(verb="incident.update").via == "slack"


def test_an_update_may_change_status_and_severity_and_tells_of_what_came_of_it() -> None:
    incident = make_incident()
    update = post(incident, status="identified", severity=Severity.objects.get(name="SEV1"))
    incident.refresh_from_db()
    assert (incident.status, incident.severity.name) == ("identified", "SEV1")
    assert (update.status, update.severity) == ("identified", "SEV1")
    assert incident.timeline.filter(title="Severity SEV2 → SEV1").exists()


def test_what_is_the_same_changes_nothing() -> None:
    incident = make_incident()
    post(incident, status="investigating", severity=Severity.objects.get(name="SEV2"))
    assert not incident.timeline.filter(title__startswith="Severity").exists()
    assert not AuditEvent.objects.filter(verb__in=["incident.status", "incident.severity"]).exists()


def test_those_above_hear_of_it_once_it_is_written(django_capture_on_commit_callbacks: Any) -> None:
    incident = make_incident()
    with heard(signals.incident_updated) as said, django_capture_on_commit_callbacks(execute=True):
        update = post(incident)
        assert not said
    assert said == [{"incident_id": incident.pk, "at": LATER, "update_id": update.pk}]


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"text": " \r\n\x00 "}, "text", "is empty"),
        ({"text": "x" * (UPDATE_LIMIT + 1)}, "text", "has 3,001 characters; expected at most 3,000"),
        ({"status": "closed"}, "status", "does not close"),
        ({"status": "burning"}, "status", "expected one of"),
        ({"next_in": timedelta(0)}, "next_in", "a time to come"),
        ({"next_in": timedelta(days=8)}, "next_in", "within 7 days"),
    ],
)
def test_a_refused_update_names_the_field_and_changes_nothing(wrong: dict[str, Any], field: str, words: str) -> None:
    incident = make_incident()
    with pytest.raises(InvalidInput) as refused:
        post(incident, **({"severity": Severity.objects.get(name="SEV1")} | wrong))
    assert words in refused.value.errors[field]
    incident.refresh_from_db()
    assert incident.severity.name == "SEV2"
    assert not IncidentUpdate.objects.exists()


def test_an_update_of_the_longest_kind_is_taken() -> None:
    assert len(post(make_incident(), text="x" * UPDATE_LIMIT).text) == UPDATE_LIMIT


def test_a_resolved_incident_may_have_a_last_update_but_is_not_opened_by_one(ada: User) -> None:
    incident = change_status(incident=make_incident(), status="resolved", by=ada, now=NOW)
    assert post(incident).status == "resolved"
    with pytest.raises(InvalidInput) as refused:
        post(incident, status="identified")
    assert "reopen it first" in refused.value.errors["status"]


def test_a_viewer_posts_none(cy: User) -> None:
    with pytest.raises(PermissionProblem):
        post(make_incident(), by=cy)


def test_without_a_severity_the_usual_one_stands_in_until_somebody_chooses(ada: User) -> None:
    incident = declare_incident(title="Checkout answers 503", by=ada, now=NOW)
    assert (incident.severity.name, incident.severity_is_open) == ("SEV3", True)
    incident = change_incident(incident=incident, by=ada, now=LATER, title="Checkout is slow")
    assert incident.severity_is_open
    incident = change_incident(incident=incident, by=ada, now=LATER, severity=Severity.objects.get(name="SEV1"))
    assert (incident.severity.name, incident.severity_is_open) == ("SEV1", False)


def test_choosing_the_one_that_stood_in_is_a_choice_too(ada: User, django_capture_on_commit_callbacks: Any) -> None:
    incident = declare_incident(title="Checkout answers 503", by=ada, now=NOW)
    with heard(signals.incident_changed) as said, django_capture_on_commit_callbacks(execute=True):
        incident = change_incident(incident=incident, by=ada, now=LATER, severity=incident.severity)
    assert not incident.severity_is_open
    assert incident.timeline.filter(title="Severity SEV3").exists()
    assert [one["change"] for one in said] == ["severity"]


def test_a_declaration_with_a_severity_leaves_nothing_to_choose() -> None:
    assert not make_incident().severity_is_open
