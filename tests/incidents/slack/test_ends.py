"""How requests end that cannot be done: whoever waits hears of it once, and gets their words back."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from incidents.models import IncidentUpdate
from incidents.slack import commands
from incidents.slack.client import SlackRefusal
from incidents.slack.models import Pause, SlackPerson, SlackRequest
from tests.builders import make_person
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn


def ended(work: Work, problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every try of what was asked ended so."""

    def deed(*_: Any) -> None:
        raise problem

    monkeypatch.setattr(commands, "_list", deed)
    for _ in range(6):
        SlackRequest.objects.update(due_at=timezone.now())
        work()


def test_an_unforeseen_end_is_told_to_who_asked_once(
    slack: SlackStandIn, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slack.command("ada", "list", where="incidents").ok
    ended(work, ValueError("<!channel> secret"), monkeypatch)
    assert SlackRequest.objects.get().state == "failed"
    told = [one for one in slack.seen_by("ada") if "This did not work" in str(one)]
    assert len(told) == 1
    assert "ValueError" in str(told)
    assert "secret" not in str(told)


def test_what_slack_refuses_is_an_answer(slack: SlackStandIn, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slack.command("ada", "list", where="incidents").ok
    ended(work, SlackRefusal("chat.postMessage", "is_archived"), monkeypatch)
    assert "Unarchive it in Slack" in str(slack.seen_by("ada"))
    assert SlackRequest.objects.get().state == "done"


def test_an_event_that_fails_disturbs_nobody(slack: SlackStandIn, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    from incidents.slack import handling

    def handle(*_: Any) -> None:
        raise ValueError("surprise")

    monkeypatch.setattr(handling.capturing, "handle", handle)
    assert slack.open_home("ada") is None
    for _ in range(6):
        SlackRequest.objects.update(due_at=timezone.now())
        work()
    assert len(failed()) == 1
    assert slack.seen_by("ada") == []


def test_words_of_a_form_that_is_refused_later_come_back(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, who="ben")
    assert slack.command("ada", f"update {channel.incident.key}", where="incidents").ok
    wait_for(lambda: slack.modal("ada"), "the form")
    assert slack.submit("ada", {"text": "The pool is <full>, ```all``` of it"}).errors == {}
    ada = make_person("ada")
    ada.is_active = False
    ada.save()
    work()
    assert IncidentUpdate.objects.count() == 0
    told = str(slack.direct("ada").messages)
    assert "What you wrote" in told
    assert "The pool is &lt;full&gt;" in told


def test_a_pause_that_slack_asks_for_is_kept_though_the_deed_waits(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.join("ben", channel.name)
    SlackPerson.objects.filter(user__username="ben").delete()
    slack.limit("users.info", retry_after=60)
    ben = slack.workspace.find_user("ben").id
    assert slack.command("ada", f"role scribe <@{ben}|ben>", where=channel.name).ok
    work()
    assert Pause.objects.get(method="users.info").until > timezone.now()
    assert not channel.incident.roles.filter(role="scribe").exists()
    Pause.objects.all().delete()
    SlackRequest.objects.update(due_at=timezone.now())
    work()
    assert channel.incident.roles.get(role="scribe").user == make_person("ben")


def test_an_owner_chosen_in_a_form_is_learnt_first(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.join("ben", channel.name)
    assert slack.command("ada", "followup", where=channel.name).ok
    wait_for(lambda: (slack.modal("ada") or {}).get("callback_id") == "followup_form", "the form")
    slack.limit("users.info", retry_after=60)
    ben = slack.workspace.find_user("ben").id
    assert slack.submit("ada", {"title": "Two replicas", "owner": ben}).errors == {}
    work()
    assert Pause.objects.filter(method="users.info").exists()
    assert not channel.incident.followups.exists()
    Pause.objects.all().delete()
    SlackRequest.objects.update(due_at=timezone.now())
    work()
    assert channel.incident.followups.get().owner == make_person("ben")
