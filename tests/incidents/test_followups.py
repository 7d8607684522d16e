"""Follow-ups: due by severity, ended with a reason where they are not done, outliving their post-mortem."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.followup import change_followup, snooze_followup
from incidents.models import FollowUp
from tests.builders import NOW, make_followup, make_incident, make_person, make_postmortem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("severity", "days"), [("SEV1", 14), ("SEV2", 30), ("SEV3", 60), ("SEV4", 90)])
def test_the_due_date_follows_the_severity(severity: str, days: int) -> None:
    followup = make_followup(make_incident(severity=severity))
    assert followup.due_at == NOW + timedelta(days=days)
    assert followup.key == "F-1"


def test_a_due_date_that_was_given_stays() -> None:
    assert make_followup(due_at=NOW + timedelta(days=2)).due_at == NOW + timedelta(days=2)


def test_not_doing_needs_a_reason() -> None:
    followup = make_followup()
    with pytest.raises(InvalidInput) as refused:
        change_followup(followup=followup, by=make_person("ada"), now=NOW, status="not_doing")
    assert refused.value.errors == {"reason": "say why it is not done"}
    followup.refresh_from_db()
    changed = change_followup(
        followup=followup, by=make_person("ada"), now=NOW, status="not_doing", reason="The service is switched off."
    )
    assert changed.ended_at == NOW


def test_ending_is_dated_once_and_taken_back_when_it_goes_on() -> None:
    ada, followup = make_person("ada"), make_followup()
    followup = change_followup(followup=followup, by=ada, now=NOW, status="done")
    followup = change_followup(followup=followup, by=ada, now=NOW + timedelta(days=1), priority="high")
    assert followup.ended_at == NOW
    followup = change_followup(followup=followup, by=ada, now=NOW + timedelta(days=2), status="in_progress")
    assert followup.ended_at is None


def test_what_is_late_and_not_ended_is_overdue() -> None:
    late = make_followup(due_at=NOW - timedelta(days=1))
    make_followup(due_at=NOW + timedelta(days=1))
    done = make_followup(due_at=NOW - timedelta(days=1))
    change_followup(followup=done, by=make_person("ada"), now=NOW, status="done")
    assert list(FollowUp.objects.overdue(NOW)) == [late]


@pytest.mark.parametrize("title", ["", "  ", "x" * 201])
def test_a_title_is_needed_and_bounded(title: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_followup(title=title)
    assert "title" in refused.value.errors


def test_a_viewer_raises_none(cy: User) -> None:
    with pytest.raises(PermissionProblem):
        make_followup(make_incident(), by=cy)


def test_the_database_wants_the_reason_too() -> None:
    followup = make_followup()
    with pytest.raises(IntegrityError), transaction.atomic():
        FollowUp.objects.filter(pk=followup.pk).update(status="not_doing", reason="")


def test_a_follow_up_outlives_its_post_mortem_and_holds_its_incident() -> None:
    incident = make_incident()
    followup, postmortem = make_followup(incident), make_postmortem(incident)
    postmortem.delete()
    followup.refresh_from_db()
    with pytest.raises(ProtectedError):
        incident.delete()


def test_a_refused_form_keeps_what_was_typed(as_ada: Client) -> None:
    incident = make_incident()
    form = {"title": "x" * 300, "type": "detect", "priority": "high", "description": "Why it matters.", "due_at": ""}
    answer = as_ada.post(f"{incident.get_absolute_url()}follow-ups/new/", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Has 300 characters" in page
    assert "Why it matters." in page
    assert "x" * 300 in page


def test_the_form_of_a_follow_up_changes_and_ends_it(as_ada: Client) -> None:
    followup = make_followup()
    form = {"title": followup.title, "type": "detect", "priority": "high", "status": "not_doing"}
    refused = as_ada.post(followup.get_absolute_url(), form)
    assert refused.status_code == 422
    assert "Say why it is not done" in refused.content.decode()
    assert as_ada.post(followup.get_absolute_url(), form | {"reason": "Switched off."}).status_code == 302
    followup.refresh_from_db()
    assert (followup.status, followup.due_at) == ("not_doing", NOW + timedelta(days=30))


def test_an_owner_snoozes_what_is_theirs_even_as_a_viewer(cy: User) -> None:
    followup = make_followup(owner=cy)
    snoozed = snooze_followup(followup=followup, by=cy, now=NOW, until=NOW + timedelta(days=7))
    assert snoozed.quiet_until == NOW + timedelta(days=7)
    assert snoozed.due_at == followup.due_at


def test_a_viewer_snoozes_nobody_elses(cy: User) -> None:
    with pytest.raises(PermissionProblem):
        snooze_followup(followup=make_followup(), by=cy, now=NOW, until=NOW + timedelta(days=7))


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=91)])
def test_a_snooze_ends_within_ninety_days_to_come(until: datetime) -> None:
    followup = make_followup()
    with pytest.raises(InvalidInput) as refused:
        snooze_followup(followup=followup, by=make_person("ada"), now=NOW, until=until)
    assert list(refused.value.errors) == ["until"]
    followup.refresh_from_db()
    assert followup.quiet_until is None
