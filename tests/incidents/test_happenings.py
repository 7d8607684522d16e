"""What those above are to hear of is written with the deed: heard once, after it, whoever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from incidents import signals
from incidents.actions.incident import change_status
from incidents.models import Delivery, Happening
from tests.builders import NOW, make_incident, make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard(committed: None) -> Iterator[list[int]]:
    told: list[int] = []

    def listen(incident_id: int, **_: Any) -> None:
        told.append(incident_id)

    signals.incident_declared.connect(listen)
    yield told
    signals.incident_declared.disconnect(listen)


def test_it_is_heard_once_after_the_deed(heard: list[int]) -> None:
    incident = make_incident()
    assert heard == [incident.pk]
    assert not Happening.objects.exists()
    assert signals.sweep(timezone.now() + timedelta(minutes=1)) == 0


def test_nothing_is_heard_of_what_was_taken_back(heard: list[int]) -> None:
    def declare_and_fail() -> None:
        with transaction.atomic():
            make_incident()
            raise LookupError

    with pytest.raises(LookupError):
        declare_and_fail()
    assert heard == []
    assert not Happening.objects.exists()


def test_what_a_dead_process_left_is_told_by_the_sweep(heard: list[int]) -> None:
    now = timezone.now()
    Happening.objects.create(
        name="incident_declared", at=NOW, told={"incident_id": 7}, due_at=now + timedelta(seconds=10)
    )
    assert signals.sweep(now) == 0
    assert signals.sweep(now + timedelta(seconds=11)) == 1
    assert heard == [7]


def test_a_receiver_that_fails_keeps_nothing_from_the_others_and_is_asked_again(heard: list[int]) -> None:
    broken = [True]

    def fail(**_: Any) -> None:
        if broken:
            raise LookupError("gone")

    signals.incident_declared.connect(fail)
    try:
        incident = make_incident()
        row = Happening.objects.get()
        assert (row.attempts, heard) == (1, [incident.pk])
        assert signals.untold(row.due_at + timedelta(minutes=1)) == 1
        broken.clear()
        assert signals.sweep(row.due_at) == 1
    finally:
        signals.incident_declared.disconnect(fail)
    assert not Happening.objects.exists()


def test_hearing_the_same_again_says_nothing_more_in_a_chat(heard: list[int], settings: Any) -> None:
    settings.SLACK_BOT_TOKEN, settings.TEAMS_WEBHOOK_URL = "xoxb-a", "https://teams.example.org/hook"
    incident = make_incident()
    change_status(incident=incident, status="identified", by=make_person("ada"), now=NOW)
    before = Delivery.objects.count()
    assert before
    for name, told in (
        ("incident_declared", {}),
        ("incident_changed", {"change": "status", "status": "identified", "severity": "SEV3"}),
    ):
        signals.tell(name, at=NOW, incident_id=incident.pk, **told)
    assert Delivery.objects.count() == before


def test_what_nobody_could_hear_is_given_up_after_a_day_and_forgotten_after_two_weeks(heard: list[int]) -> None:
    row = Happening.objects.create(name="incident_declared", at=NOW, told={"incident_id": 7})
    assert signals.sweep(row.created_at + timedelta(days=2)) == 0
    signals.sweep(row.created_at + timedelta(days=15))
    assert not Happening.objects.exists()
