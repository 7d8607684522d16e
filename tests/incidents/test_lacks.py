"""Reminders of what an open incident lacks: when they are said, to whom, how often, and how they are put off."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents import signals
from incidents.actions.incident import assign_role, change_incident, change_status, declare_incident
from incidents.actions.reminder import snooze_reminder
from incidents.actions.update import post_update
from incidents.lacks import remind_of_lacks
from incidents.models import Incident, Notice, Reminder, Severity
from tests.builders import NOW, make_incident, make_person
from tests.hearing import heard

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def commanded(**overrides: Any) -> Incident:
    """One that lacks updates alone; its severity asks for one each 30 minutes."""
    Severity.objects.filter(name="SEV2").update(reminder_minutes=30)
    incident = make_incident(**overrides)
    assign_role(incident=incident, role="commander", user=make_person("ben"), by=make_person("ada"), now=NOW)
    return incident


def said_at(minutes: range, capture: Any) -> list[tuple[int, str]]:
    """The minutes after NOW at which something was said, and what."""
    with heard(signals.reminder_due) as said:
        for minute in minutes:
            with capture(execute=True):
                remind_of_lacks(NOW + minute * MINUTE)
    return [(int((one["at"] - NOW).total_seconds() // 60), one["kind"]) for one in said]


def test_a_missing_commander_is_said_after_five_minutes_and_each_five_again(
    django_capture_on_commit_callbacks: Any,
) -> None:
    make_incident()
    said = said_at(range(16), django_capture_on_commit_callbacks)
    assert said == [(5, "commander"), (10, "commander"), (15, "commander")]


def test_a_severity_that_nobody_chose_is_said_after_ten_minutes_until_somebody_does(
    ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    incident = declare_incident(title="Checkout answers 503", by=ada, now=NOW)
    assign_role(incident=incident, role="commander", user=ada, by=ada, now=NOW)
    assert said_at(range(21), django_capture_on_commit_callbacks) == [(10, "severity"), (20, "severity")]
    change_incident(incident=incident, by=ada, now=NOW, severity=incident.severity)
    assert said_at(range(21, 50), django_capture_on_commit_callbacks) == []


def test_an_update_is_asked_for_at_the_distance_of_the_severity(
    ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    incident = commanded()
    assert said_at(range(61), django_capture_on_commit_callbacks) == [(30, "update"), (60, "update")]
    post_update(incident=incident, text="The pool is bigger now.", by=ada, now=NOW + 70 * MINUTE)
    assert said_at(range(70, 131), django_capture_on_commit_callbacks) == [(100, "update"), (130, "update")]


def test_a_promised_update_is_asked_for_when_it_was_promised(
    ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    incident = commanded()
    post_update(incident=incident, text="We wait for the bank.", by=ada, now=NOW, next_in=timedelta(hours=1))
    assert said_at(range(91), django_capture_on_commit_callbacks) == [(60, "update"), (90, "update")]


def test_a_severity_of_zero_minutes_asks_for_no_updates(django_capture_on_commit_callbacks: Any) -> None:
    commanded()
    Severity.objects.filter(name="SEV2").update(reminder_minutes=0)
    assert said_at(range(0, 600, 10), django_capture_on_commit_callbacks) == []


@pytest.mark.parametrize(("status", "times"), [("mitigated", [(30, "update")]), ("resolved", [])])
def test_a_mitigated_incident_is_asked_for_updates_and_a_resolved_one_is_not(
    ada: User, status: str, times: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    change_status(incident=commanded(), status=status, by=ada, now=NOW)
    assert said_at(range(40), django_capture_on_commit_callbacks) == times


def test_a_drill_is_reminded_like_the_real_thing(django_capture_on_commit_callbacks: Any) -> None:
    make_incident(kind="drill")
    assert said_at(range(6), django_capture_on_commit_callbacks) == [(5, "commander")]


def test_a_snooze_is_kept_and_ends(ada: User, django_capture_on_commit_callbacks: Any) -> None:
    incident = commanded()
    snooze_reminder(incident=incident, kind="update", minutes=60, by=ada, now=NOW + 31 * MINUTE)
    assert said_at(range(30, 95), django_capture_on_commit_callbacks) == [(91, "update")]


@pytest.mark.parametrize(("wrong", "field"), [({"kind": "lunch"}, "kind"), ({"minutes": 45}, "minutes")])
def test_a_snooze_names_what_it_cannot_take(ada: User, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        snooze_reminder(incident=make_incident(), by=ada, now=NOW, **({"kind": "update", "minutes": 30} | wrong))
    assert list(refused.value.errors) == [field]
    assert not Reminder.objects.exists()


def test_a_viewer_snoozes_nothing(cy: User) -> None:
    with pytest.raises(PermissionProblem):
        snooze_reminder(incident=make_incident(), kind="update", minutes=30, by=cy, now=NOW)


def test_who_commands_is_told_and_where_nobody_does_who_declared(ada: User, ben: User) -> None:
    commanded()
    make_incident(title="Search is slow")
    remind_of_lacks(NOW + 30 * MINUTE)
    told = {(notice.person.username, notice.text) for notice in Notice.objects.select_related("person")}
    assert told == {
        ("ben", "INC-1 “Checkout answers 503”: no update for 30 minutes"),
        ("ada", "INC-2 “Search is slow”: no update for 30 minutes"),
        ("ada", "INC-2 “Search is slow”: it has no commander"),
    }


def test_a_notice_that_is_not_read_yet_is_not_said_twice() -> None:
    make_incident()
    for minute in (5, 10):
        remind_of_lacks(NOW + minute * MINUTE)
    assert Notice.objects.count() == 1
    Notice.objects.update(read_at=NOW + 11 * MINUTE)
    remind_of_lacks(NOW + 15 * MINUTE)
    assert Notice.objects.count() == 2


def test_queries_do_not_grow_with_incidents_that_lack_nothing() -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert remind_of_lacks(NOW + MINUTE) == 0
        return len(queries)

    make_incident()
    first = asked()
    for _ in range(5):
        commanded()
    assert asked() == first == 3


@pytest.mark.django_db(transaction=True)
def test_four_beats_at_once_say_it_once(committed: None) -> None:
    make_incident()
    told: list[int] = []
    start = threading.Barrier(4)

    def beat() -> None:
        start.wait()
        try:
            told.append(remind_of_lacks(NOW + 5 * MINUTE))
        finally:
            connections.close_all()

    with heard(signals.reminder_due) as said:
        threads = [threading.Thread(target=beat) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(told) == [0, 0, 0, 1]
    assert len(said) == Notice.objects.count() == 1
