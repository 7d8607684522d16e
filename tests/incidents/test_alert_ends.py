"""What becomes of an incident when its alerts end, and when they fire again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Role
from incidents.actions.alert import decide_mitigation, declare_alert
from incidents.actions.incident import change_status
from incidents.alert_places import place_of
from incidents.alert_watch import look
from incidents.models import AlertDeed, AlertRule, Incident, MitigationProposal
from telemetry.models import Alert
from tests.builders import NOW, make_alert, make_alert_rule, make_person

pytestmark = pytest.mark.django_db


def end(alert: Alert, minutes: int = 20) -> None:
    ended_at = alert.starts_at + timedelta(minutes=minutes)
    Alert.objects.filter(pk=alert.pk).update(status="resolved", ends_at=ended_at, changed_at=ended_at)


def again(number: int, **overrides: Any) -> Alert:
    """Another alert of the same place."""
    return make_alert(fingerprint=f"other-{number}", title=f"Other{number}", **overrides)


def opened(**rule: Any) -> tuple[Incident, Alert]:
    make_alert_rule(**rule)
    alert = make_alert()
    look(NOW)
    return Incident.objects.get(), alert


def test_the_end_of_all_alerts_proposes_the_mitigation() -> None:
    incident, alert = opened()
    other = again(2)
    look(NOW)
    end(alert)
    look(NOW + timedelta(minutes=19))
    assert not MitigationProposal.objects.exists()
    end(other, minutes=25)
    look(NOW + timedelta(minutes=24))
    proposal = MitigationProposal.objects.get()
    assert (proposal.state, proposal.alerts) == ("open", 2)
    assert proposal.ended_at == other.starts_at + timedelta(minutes=25)
    incident.refresh_from_db()
    assert incident.status == "investigating"


def test_who_agrees_sets_the_milestone_to_when_the_alerts_ended() -> None:
    incident, alert = opened()
    end(alert)
    look(NOW + timedelta(minutes=19))
    decide_mitigation(incident=incident, accepted=True, by=make_person("ada"), now=NOW + timedelta(minutes=40))
    incident = Incident.objects.get()
    assert incident.status == "mitigated"
    assert incident.milestone_times()["mitigated"] == alert.starts_at + timedelta(minutes=20)


def test_who_declines_is_not_asked_about_the_same_end_again() -> None:
    incident, alert = opened()
    end(alert)
    look(NOW + timedelta(minutes=19))
    decide_mitigation(incident=incident, accepted=False, by=make_person("ada"), now=NOW + timedelta(minutes=20))
    look(NOW + timedelta(minutes=30))
    assert list(MitigationProposal.objects.values_list("state", flat=True)) == ["declined"]


def test_an_alert_that_fires_again_takes_the_proposal_back() -> None:
    _, alert = opened()
    end(alert)
    look(NOW + timedelta(minutes=19))
    make_alert(starts_at=NOW + timedelta(minutes=21))
    look(NOW + timedelta(minutes=22))
    assert MitigationProposal.objects.get().state == "withdrawn"


def test_a_rule_may_mark_the_mitigation_and_takes_it_back_when_it_fires_again() -> None:
    incident, alert = opened(when_ended="mark")
    end(alert)
    look(NOW + timedelta(minutes=19))
    incident.refresh_from_db()
    assert incident.status == "mitigated"
    assert incident.milestone_times()["mitigated"] == alert.starts_at + timedelta(minutes=20)
    make_alert(starts_at=NOW + timedelta(minutes=21))
    look(NOW + timedelta(minutes=22))
    incident.refresh_from_db()
    assert incident.status == "investigating"


def test_a_rule_of_somebody_who_may_not_respond_any_more_asks_people() -> None:
    _, alert = opened(when_ended="mark")
    person = make_person("root")
    person.role = Role.VIEWER
    person.save()
    end(alert)
    look(NOW + timedelta(minutes=19))
    assert MitigationProposal.objects.get().state == "open"


def test_a_rule_may_leave_the_end_to_people() -> None:
    _, alert = opened(when_ended="nothing")
    end(alert)
    look(NOW + timedelta(minutes=19))
    assert not MitigationProposal.objects.exists()


def test_a_rule_whose_owner_is_gone_holds_nothing_up() -> None:
    incident, alert = opened(when_ended="mark")
    end(alert)
    look(NOW + timedelta(minutes=19))
    person = make_person("root")
    person.role, person.is_active = Role.VIEWER, False
    person.save()
    again(2, starts_at=NOW + timedelta(minutes=20), received_at=NOW + timedelta(minutes=20))
    assert look(NOW + timedelta(minutes=21)) == 1
    assert not Alert.objects.to_handle().exists()
    incident.refresh_from_db()
    assert incident.status == "mitigated"
    assert AlertDeed.objects.filter(incident=incident).count() == 2


def test_what_a_rule_marks_acknowledges_nothing_and_is_forgotten_when_it_fires_again() -> None:
    incident, alert = opened(when_ended="mark")
    end(alert)
    look(NOW + timedelta(minutes=19))
    assert "acknowledged" not in incident.milestone_times()
    make_alert(starts_at=NOW + timedelta(minutes=21))
    look(NOW + timedelta(minutes=22))
    assert "mitigated" not in Incident.objects.get().milestone_times()
    change_status(incident=incident, status="mitigated", by=make_person("ada"), now=NOW + timedelta(hours=3))
    assert Incident.objects.get().milestone_times()["mitigated"] == NOW + timedelta(hours=3)


def test_an_incident_that_a_person_opened_from_an_alert_is_proposed_as_mitigated_too() -> None:
    alert = make_alert()
    look(NOW)
    place = place_of(alert, AlertRule(), [])
    incident = declare_alert(alert=alert, place=place, by=make_person("ada"), now=NOW)
    end(alert)
    look(NOW + timedelta(minutes=19))
    assert MitigationProposal.objects.get().incident == incident


@pytest.mark.parametrize("change", [{"enabled": False}, None])
def test_a_rule_that_is_off_or_gone_marks_nothing(change: dict[str, Any] | None) -> None:
    incident, alert = opened(when_ended="mark")
    if change is None:
        AlertRule.objects.all().delete()
    else:
        AlertRule.objects.update(**change)
    end(alert)
    look(NOW + timedelta(minutes=19))
    incident.refresh_from_db()
    assert (incident.status, MitigationProposal.objects.get().state) == ("investigating", "open")
