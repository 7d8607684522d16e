"""The way of an incident: forward, back, closed for a reason, opened again for a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.incident import assign_role, change_incident, change_status
from incidents.actions.milestone import set_milestone
from incidents.actions.postmortem import open_postmortem
from incidents.durations import between
from incidents.models import Incident, Milestone, PostMortem, Severity, TimelineEntry
from tests.builders import NOW, make_evidence, make_incident, make_person, make_source
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


def later(minutes: float) -> object:
    return NOW + timedelta(minutes=minutes)


def move(incident: Incident, status: str, minutes: float = 5, **more: object) -> Incident:
    return change_status(incident=incident, status=status, by=make_person("ada"), now=later(minutes), **more)


def test_each_status_brings_its_milestone_and_a_line_and_an_audit_row() -> None:
    incident = make_incident()
    for minutes, status in ((1, "identified"), (2, "mitigated"), (3, "resolved")):
        incident = move(incident, status, minutes)
    incident = move(incident, "closed", 4, closure_reason="resolved")
    times = incident.milestone_times()
    assert times["acknowledged"] == later(1)
    assert (times["mitigated"], times["resolved"], times["closed"]) == (later(2), later(3), later(4))
    titles = list(TimelineEntry.objects.exclude(title="Declared").order_by("id").values_list("title", flat=True))
    assert {"Acknowledged", "Mitigated", "Resolved", "Closed"} <= set(titles)
    assert len(titles) == len(set(titles))
    rows = AuditEvent.objects.filter(verb="incident.status").order_by("id")
    assert [row.detail["to"] for row in rows] == ["identified", "mitigated", "resolved", "closed"]


def test_a_milestone_that_a_person_set_is_not_moved_by_a_status() -> None:
    incident = make_incident()
    set_milestone(incident=incident, kind="mitigated", at=later(1), by=make_person("ada"), now=later(2))
    assert move(incident, "resolved", 9).milestone_times()["mitigated"] == later(1)


def test_opening_again_needs_a_reason_and_thaws_the_collection() -> None:
    incident = move(make_incident(), "resolved")
    Incident.objects.filter(pk=incident.pk).update(evidence_frozen_at=NOW)
    with pytest.raises(InvalidInput) as refused:
        move(incident, "investigating", 6)
    assert refused.value.errors == {"reason": "say why it is opened again"}
    incident = move(incident, "investigating", 7, reason="Errors are back.")
    assert incident.evidence_frozen_at is None
    assert "resolved" not in incident.milestone_times()
    line = TimelineEntry.objects.get(title="Reopened as investigating")
    assert line.text == "Errors are back."
    assert incident.collections.first().trigger == "manual"


@pytest.mark.parametrize("reason", ["", "bored"])
def test_closing_needs_one_of_the_reasons(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        move(make_incident(), "closed", closure_reason=reason)
    assert refused.value.errors == {"closure_reason": "expected one of resolved, duplicate, false_positive, cancelled"}


def test_a_duplicate_names_another_incident() -> None:
    first, second = make_incident(), make_incident()
    for original in (None, second):
        with pytest.raises(InvalidInput) as refused:
            move(second, "closed", closure_reason="duplicate", duplicate_of=original)
        assert "duplicate_of" in refused.value.errors
    closed = move(second, "closed", closure_reason="duplicate", duplicate_of=first)
    assert (closed.duplicate_of, closed.status) == (first, "closed")


def test_an_unknown_status_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refused:
        move(make_incident(), "on fire")
    assert refused.value.errors["status"].startswith("is 'on fire'; expected one of investigating")


def test_the_same_status_again_does_nothing() -> None:
    incident = make_incident()
    before = incident.resource_version
    assert move(incident, "investigating").resource_version == before
    assert not AuditEvent.objects.filter(verb="incident.status").exists()


def test_a_viewer_moves_nothing(cy: User) -> None:
    incident = make_incident()
    with pytest.raises(PermissionProblem):
        change_status(incident=incident, status="resolved", by=cy, now=NOW)


def test_resolving_collects_once_more_and_opens_the_post_mortem() -> None:
    make_source()
    incident = move(make_incident(), "resolved")
    assert incident.collections.first().trigger == "resolved"
    assert PostMortem.objects.get(incident=incident).due_at is not None


def test_a_severity_that_needs_no_post_mortem_gets_none() -> None:
    move(make_incident(severity="SEV4"), "resolved")
    assert not PostMortem.objects.exists()


def test_without_sources_the_last_collection_ends_at_once_and_freezes() -> None:
    incident = make_incident()
    make_evidence(incident)
    incident = move(incident, "resolved")
    incident.refresh_from_db()
    assert incident.evidence_frozen_at is not None


@pytest.mark.parametrize(
    ("severity", "resolved", "due"),
    [
        ("SEV1", "2026-11-20T12:00:00+00:00", "2026-11-23T12:00:00+00:00"),  # three calendar days
        ("SEV2", "2026-11-20T12:00:00+00:00", "2026-11-27T12:00:00+00:00"),  # a Friday and five working days
        ("SEV2", "2026-11-21T12:00:00+00:00", "2026-11-27T12:00:00+00:00"),  # a Saturday
        ("SEV2", "2026-11-16T12:00:00+00:00", "2026-11-23T12:00:00+00:00"),  # a Monday
    ],
)
def test_post_mortems_are_due_in_calendar_or_working_days(severity: str, resolved: str, due: str) -> None:
    at = NOW.fromisoformat(resolved)
    assert Severity.objects.get(name=severity).postmortem_due(at) == NOW.fromisoformat(due)


def test_a_post_mortem_opened_early_is_due_from_the_resolution() -> None:
    incident = make_incident()
    open_postmortem(incident=incident, by=make_person("ben"), now=NOW)
    move(incident, "resolved", 60 * 24 * 4)
    due = incident.severity.postmortem_due(later(60 * 24 * 4))
    assert PostMortem.objects.get(incident=incident).due_at == due


def test_milestones_are_rows_that_move_and_make_durations() -> None:
    incident = make_incident(impact_started_at=NOW - timedelta(minutes=10))
    ada = make_person("ada")
    set_milestone(incident=incident, kind="detected", at=NOW - timedelta(minutes=8), by=ada, now=NOW)
    set_milestone(incident=incident, kind="detected", at=NOW - timedelta(minutes=6), by=ada, now=NOW)
    assert Milestone.objects.filter(incident=incident, kind="detected").count() == 1
    took = between(Incident.objects.get(pk=incident.pk).milestone_times())
    assert took == {"TTD": 240.0, "TTA": None, "TTM": None, "TTR": None}


@pytest.mark.parametrize(
    ("kind", "minutes", "field"), [("detected", -60, "at"), ("impact_started", 30, "at"), ("launch", 0, "kind")]
)
def test_milestones_out_of_order_are_refused(kind: str, minutes: int, field: str) -> None:
    incident = make_incident(impact_started_at=NOW - timedelta(minutes=10))
    with pytest.raises(InvalidInput) as refused:
        set_milestone(incident=incident, kind=kind, at=later(minutes), by=make_person("ada"), now=later(60))
    assert field in refused.value.errors


def test_a_milestone_in_the_future_is_refused() -> None:
    incident = make_incident()
    client = signed_in(make_person("ada"))
    answer = client.post(
        f"{incident.get_absolute_url()}milestones/", {"kind": "resolved", "at": "2099-01-01T00:00:00"}, follow=True
    )
    assert "in the future" in answer.content.decode()
    assert "resolved" not in Incident.objects.get(pk=incident.pk).milestone_times()


def test_one_commander_and_the_first_one_acknowledges() -> None:
    incident = make_incident()
    ada, ben = make_person("ada"), make_person("ben")
    assign_role(incident=incident, role="commander", user=ada, by=ada, now=later(1))
    assign_role(incident=incident, role="commander", user=ben, by=ada, now=later(2))
    assign_role(incident=incident, role="responder", user=ada, by=ada, now=later(2))
    assert set(incident.roles.values_list("role", "user__username")) == {("commander", "ben"), ("responder", "ada")}
    assert Incident.objects.get(pk=incident.pk).milestone_times()["acknowledged"] == later(1)


def test_a_changed_severity_is_told_and_audited() -> None:
    incident = make_incident()
    worse = Severity.objects.get(name="SEV1")
    change_incident(incident=incident, by=make_person("ada"), now=later(1), severity=worse)
    assert TimelineEntry.objects.filter(title="Severity SEV2 → SEV1").exists()
    assert AuditEvent.objects.get(verb="incident.severity").detail == {"from": "SEV2", "to": "SEV1"}


def test_a_field_that_is_none_cannot_be_changed() -> None:
    with pytest.raises(InvalidInput, match="number: cannot be changed here"):
        change_incident(incident=make_incident(), by=make_person("ada"), now=NOW, number=99)
