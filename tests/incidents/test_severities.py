"""Settings of the severities: admins alone, bad input named, every change on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.severity import save_severity
from incidents.models import Severity
from tests.builders import NOW, make_person

pytestmark = pytest.mark.django_db


def fields(**overrides: Any) -> dict[str, Any]:
    row = Severity.objects.get(name="SEV2")
    names = ["description", "needs_postmortem", "postmortem_due_days", "due_in_working_days", "followup_sla_days"]
    known = {name: getattr(row, name) for name in [*names, "reminder_minutes", "approvals_needed"]}
    people: dict[str, Any] = {"required_reviewers": [], "required_checks": []}
    return {"severity": row, "by": make_person("root"), "now": NOW, **known, **people, **overrides}


def form(**overrides: Any) -> dict[str, Any]:
    known = fields()
    given = {
        name: "" if value is None else value for name, value in known.items() if name not in {"severity", "by", "now"}
    }
    for name in ("needs_postmortem", "due_in_working_days"):
        if not given[name]:
            given.pop(name)
    return given | overrides


def test_a_change_is_kept_and_the_audit_trail_says_from_what_to_what() -> None:
    cy = make_person("cy")
    save_severity(**fields(approvals_needed=2, required_reviewers=[cy], required_checks=["no-blame", "no-blame"]))
    row = Severity.objects.get(name="SEV2")
    assert (row.approvals_needed, row.required_checks, [*row.required_reviewers.all()]) == (2, ["no-blame"], [cy])
    event = AuditEvent.objects.get(verb="severity.changed")
    assert event.detail["approvals_needed"] == [0, 2]
    assert event.detail["required_reviewers"] == [[], ["cy"]]
    assert set(event.detail) == {"approvals_needed", "required_reviewers", "required_checks"}


def test_saving_without_a_change_leaves_no_trace() -> None:
    save_severity(**fields())
    assert not AuditEvent.objects.filter(verb="severity.changed").exists()


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"postmortem_due_days": 0}, "postmortem_due_days"),
        ({"postmortem_due_days": 366}, "postmortem_due_days"),
        ({"followup_sla_days": 0}, "followup_sla_days"),
        ({"reminder_minutes": 4}, "reminder_minutes"),
        ({"reminder_minutes": 10**9}, "reminder_minutes"),
        ({"approvals_needed": -1}, "approvals_needed"),
        ({"approvals_needed": 21}, "approvals_needed"),
        ({"required_checks": ["nonsense"]}, "required_checks"),
    ],
)
def test_what_is_out_of_bounds_is_named_and_nothing_changes(overrides: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_severity(**fields(**overrides))
    assert field in refused.value.errors
    assert not AuditEvent.objects.filter(verb="severity.changed").exists()


def test_no_deadline_is_none() -> None:
    assert save_severity(**fields(postmortem_due_days=None)).postmortem_due(NOW) is None


@pytest.mark.parametrize("name", ["ada", "cy", "mallory"])
def test_only_admins_change_a_severity(name: str) -> None:
    with pytest.raises(PermissionProblem):
        save_severity(**fields(by=make_person(name)))


def test_the_page_saves_and_shows_what_it_saved(as_root: Client) -> None:
    cy, row = make_person("cy"), Severity.objects.get(name="SEV2")
    given = form(approvals_needed="1", required_reviewers=[cy.pk], required_checks=["impact-quantified"])
    answer = as_root.post(f"/settings/severities/{row.pk}/", given, follow=True)
    assert answer.redirect_chain[-1][0] == "/settings/severities/"
    assert "before publishing: 1 approval, Cy Moreau, 1 hint met" in answer.content.decode()
    row.refresh_from_db()
    assert row.required_checks == ["impact-quantified"]


@pytest.mark.parametrize(
    "bad",
    [
        {"approvals_needed": "many"},
        {"approvals_needed": "21"},
        {"followup_sla_days": ""},
        {"postmortem_due_days": "9" * 30},
        {"required_reviewers": ["999999"]},
        {"required_reviewers": ["x"]},
        {"required_checks": ["nonsense"]},
        {"description": "x" * 201},
    ],
)
def test_a_refused_form_comes_back_with_what_was_typed(as_root: Client, bad: dict[str, Any]) -> None:
    row = Severity.objects.get(name="SEV2")
    answer = as_root.post(f"/settings/severities/{row.pk}/", form(description="Typed just now") | bad)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing was saved yet" in page
    assert bad.get("description", "Typed just now") in page
    row.refresh_from_db()
    assert row.description != "Typed just now"
