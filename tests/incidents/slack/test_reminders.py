"""Reminders of what an incident lacks: said where it still is so when their turn comes, and not in heaps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import signals
from incidents.actions.incident import assign_role, change_status
from incidents.actions.reminder import snooze_reminder
from incidents.models import Delivery, Incident
from incidents.slack.models import SlackChannel
from tests.builders import make_person
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.stand_ins.slack import SlackStandIn


@pytest.fixture
def channel(slack: SlackStandIn, work: Work) -> SlackChannel:
    """Of an incident that nobody has commanded for an hour."""
    found = declare(slack, work)
    Incident.objects.update(declared_at=timezone.now() - timedelta(hours=1))
    return found


def reminded(channel: SlackChannel, times: int = 1) -> None:
    for _ in range(times):
        signals.reminder_due.send(Incident, incident_id=channel.incident_id, at=timezone.now(), kind="commander")


def said(slack: SlackStandIn, channel: SlackChannel) -> int:
    return sum("Nobody commands" in text for text in slack.workspace.find_channel(channel.channel_id).texts())


def test_what_slack_missed_is_said_once(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    reminded(channel, times=6)
    work()
    assert said(slack, channel) == 1
    reminded(channel)
    work()
    assert said(slack, channel) == 2


def test_one_that_was_resolved_meanwhile_hears_no_more(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    reminded(channel)
    change_status(incident=channel.incident, status="resolved", by=make_person("ada"), now=timezone.now())
    work()
    assert said(slack, channel) == 0
    assert Delivery.objects.get(kind="reminder").state == "done"


def test_what_is_no_longer_lacking_is_not_said(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    ben = make_person("ben")
    reminded(channel)
    assign_role(incident=channel.incident, role="commander", user=ben, by=ben, now=timezone.now())
    work()
    assert said(slack, channel) == 0
    assert failed() == []


def test_quiet_that_was_asked_for_meanwhile_is_kept(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    reminded(channel)
    snooze_reminder(incident=channel.incident, kind="commander", minutes=30, by=make_person("ada"), now=timezone.now())
    work()
    assert said(slack, channel) == 0
