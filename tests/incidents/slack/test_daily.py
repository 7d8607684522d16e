"""The daily digest and the Home tab: what of yours waits, with the buttons to do something about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.chat import outbox
from incidents.models import Delivery, FollowUp, PostMortem, RoleAssignment
from incidents.notices import tell
from incidents.slack import digest
from incidents.slack.models import SlackPerson
from tests.builders import make_followup, make_incident, make_person, make_postmortem
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.stand_ins.slack import SlackStandIn

MONDAY_9 = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)


def direct(slack: SlackStandIn, who: str) -> list[dict]:
    """What the bot wrote to this person alone."""
    user = slack.workspace.find_user(who).id
    return list(slack.workspace.direct(user).messages.values())


def owed(title: str, *, by: str = "ben", **overrides: Any) -> PostMortem:
    """A post-mortem that was due the day before."""
    made = make_postmortem(make_incident(title=title, by=make_person(by), **overrides), by=make_person(by))
    PostMortem.objects.filter(pk=made.pk).update(due_at=MONDAY_9 - timedelta(days=1))
    return made


@pytest.fixture
def overdue(slack: SlackStandIn) -> FollowUp:
    SlackPerson.objects.create(
        slack_id=slack.workspace.find_user("ben").id, user=make_person("ben"), name="ben", checked_at=timezone.now()
    )
    return make_followup(owner=make_person("ben"), title="Two replicas", due_at=MONDAY_9 - timedelta(days=2))


def test_the_digest_comes_once_at_the_hour_and_its_buttons_work(
    slack: SlackStandIn, work: Work, overdue: FollowUp
) -> None:
    assert digest.due(MONDAY_9 - timedelta(hours=1)) == 0
    assert [digest.due(MONDAY_9), digest.due(MONDAY_9), digest.due(MONDAY_9 + timedelta(hours=1))] == [1, 0, 0]
    Delivery.objects.update(due_at=timezone.now())
    work()
    (message,) = direct(slack, "ben")
    assert f"{overdue.key} Two replicas" in str(message)
    channel = slack.workspace.direct(slack.workspace.find_user("ben").id)
    assert slack.press("ben", channel, message["ts"], f"followup_done:{overdue.number}").ok
    work()
    overdue.refresh_from_db()
    assert overdue.status == "done"
    assert failed() == []


def test_what_was_snoozed_or_given_away_is_not_in_it(slack: SlackStandIn, work: Work, overdue: FollowUp) -> None:
    assert digest.due(MONDAY_9) == 1
    Delivery.objects.update(due_at=timezone.now())
    work()
    channel = slack.workspace.direct(slack.workspace.find_user("ben").id)
    (message,) = channel.messages.values()
    assert slack.press("ben", channel, message["ts"], f"followup_snooze:{overdue.number}").ok
    work()
    overdue.refresh_from_db()
    assert overdue.quiet_until is not None
    assert digest.due(MONDAY_9 + timedelta(days=1)) == 0
    ada = slack.workspace.find_user("ada").id
    assert slack.press("ben", channel, message["ts"], f"followup_reassign:{overdue.number}", option=ada).ok
    work()
    overdue.refresh_from_db()
    assert overdue.owner == make_person("ada")


def test_a_late_post_mortem_is_told_to_who_owes_it_and_nothing_on_sundays(
    slack: SlackStandIn, work: Work, overdue: FollowUp
) -> None:
    owed("Payments")
    assert digest.due(MONDAY_9 - timedelta(days=1)) == 0
    parts = str(digest.view(make_person("ben"), MONDAY_9))
    assert "The post-mortem" in parts
    assert "Payments" in parts


def test_the_digest_keeps_restricted_things_from_who_may_not_see_them(slack: SlackStandIn) -> None:
    hidden = make_incident(visibility="restricted", by=make_person("ada"))
    make_followup(hidden, owner=make_person("ben"), title="Rotate the keys", due_at=MONDAY_9 - timedelta(days=2))
    assert "Rotate the keys" not in str(digest.view(make_person("ben"), MONDAY_9))


def test_a_restricted_post_mortem_is_kept_from_who_wrote_it_once(slack: SlackStandIn) -> None:
    late = owed("Keys leaked", by="ada", visibility="restricted")
    type(late).objects.filter(pk=late.pk).update(edited_by=make_person("ben"))
    assert digest.view(make_person("ben"), MONDAY_9) == []


def test_what_a_digest_asks_of_the_database_does_not_grow_with_what_is_overdue(slack: SlackStandIn) -> None:
    def asked(act: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as queries:
            act()
        return len(queries)

    def grow() -> None:
        for place in range(3):
            text = owed(f"Outage {place}")
            for name in ("ada", "cy"):
                RoleAssignment.objects.create(incident=text.incident, role="scribe", user=make_person(name))
            make_followup(text.incident, owner=make_person("ben"), due_at=MONDAY_9 - timedelta(days=2))

    ben = make_person("ben")
    RoleAssignment.objects.create(incident=owed("First").incident, role="commander", user=ben)
    grow()
    digest.due(MONDAY_9)
    before = [asked(lambda: digest.view(ben, MONDAY_9)), asked(lambda: digest.due(MONDAY_9))]
    grow()
    grow()
    assert [asked(lambda: digest.view(ben, MONDAY_9)), asked(lambda: digest.due(MONDAY_9))] == before


def test_the_hour_is_the_readers_own(slack: SlackStandIn, overdue: FollowUp) -> None:
    SlackPerson.objects.update(zone="America/New_York")
    assert digest.due(MONDAY_9) == 0
    assert digest.due(MONDAY_9 + timedelta(hours=5)) == 1


def test_a_notice_reaches_its_person_directly_unless_it_was_read(
    slack: SlackStandIn, work: Work, overdue: FollowUp
) -> None:
    told = tell(
        [make_person("ben")], incident=overdue.incident, key="x", text="Ada asks", address="/y/", now=timezone.now()
    )
    work()
    assert "Ada asks" in str(direct(slack, "ben"))
    told[0].read_at = timezone.now()
    told[0].save()
    content = {"person": make_person("ben").pk, "notice": told[0].pk}
    outbox.enqueue(service="slack", kind="direct", lane="person:x", now=timezone.now(), content=content)
    work()
    assert len(direct(slack, "ben")) == 1


def test_the_home_tab_shows_at_most_thirty_open_incidents_and_ones_own_follow_ups(
    slack: SlackStandIn, work: Work, overdue: FollowUp
) -> None:
    for place in range(32):
        make_incident(title=f"Open {place}")
    slack.open_home("ben")
    work()
    shown = slack.home("ben")
    blocks = str(shown)
    assert "Open incidents (33)" in blocks
    assert "and 3 more" in blocks
    assert f"{overdue.key} Two replicas" in blocks
    assert slack.press_home("ben", f"followup_done:{overdue.number}").ok
    work()
    overdue.refresh_from_db()
    assert overdue.status == "done"


def test_the_home_tab_of_a_stranger_offers_to_declare(slack: SlackStandIn, work: Work) -> None:
    declare(slack, work, title="Keys leaked", private=["private"])
    slack.open_home("mallory")
    work()
    blocks = str(slack.home("mallory"))
    assert "not linked" in blocks
    assert "Keys leaked" not in blocks
