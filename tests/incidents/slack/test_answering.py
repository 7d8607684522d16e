"""Answers that one person waits for: by whichever way is open, and not when they have long gone."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from incidents.models import Delivery
from tests.incidents.slack.fixtures import Work, failed
from tests.stand_ins.slack import SlackStandIn


def tried(work: Work, times: int) -> None:
    for _ in range(times):
        Delivery.objects.update(due_at=timezone.now())
        work()


def test_while_response_addresses_are_away_the_channel_is_used(slack: SlackStandIn, work: Work) -> None:
    slack.fault("/response", 503)
    assert slack.command("ada", "list", where="incidents").ok
    tried(work, 4)
    assert "Nothing is open" in str(slack.seen_by("ada"))
    assert slack.responses() == []
    assert len(slack.called("chat.postEphemeral")) == 1
    assert failed() == []


def test_an_answer_that_comes_half_an_hour_late_is_not_given(slack: SlackStandIn, work: Work) -> None:
    slack.fault("/response", 503, retry_after="60")
    assert slack.command("ada", "list", where="incidents").ok
    work()
    assert Delivery.objects.get().state == "working"
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    tried(work, 1)
    assert slack.seen_by("ada") == []
    assert ["half an hour" in one for one in failed()] == [True]
