"""What happened to a message before it could be taken, and where it stands by then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.actions.timeline import change_entry
from incidents.models import Incident, TimelineEntry
from incidents.slack import capturing, inbox
from incidents.slack.models import SlackMessage, SlackRequest
from tests.builders import make_person
from tests.incidents.slack.capture import choose, events, said, texts
from tests.incidents.slack.fixtures import Work, declare
from tests.stand_ins.slack import SlackStandIn


def test_what_was_let_go_before_it_came_is_not_taken(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "Rolled back")
    told = events(slack, lambda: slack.pin("ada", channel, message))
    told += events(slack, lambda: slack.unpin("ada", channel, message))
    told += events(slack, lambda: slack.react("cy", channel, message, "pushpin::skin-tone-3"))
    told += events(slack, lambda: slack.unreact("cy", channel, message, "pushpin::skin-tone-3"))
    for place in (1, 0, 3, 2):
        slack.send_event(told[place])
        work()
    assert said() == []
    assert not SlackMessage.objects.exclude(reasons=[]).exists()


def test_of_a_list_that_slack_cut_the_event_is_believed(
    slack: SlackStandIn, work: Work, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = [{"name": "pushpin", "users": ["U0"], "count": 60}]
    monkeypatch.setattr("tests.stand_ins.slack.shapes.shown_reactions", lambda message: cut)
    slack.react("cy", channel, slack.say("ben", channel, "Rolled back"), "pushpin")
    work()
    assert texts() == ["Rolled back"]


def test_what_happens_to_a_message_while_it_waits_to_be_taken_is_heard(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    choose(on_deleted="drop")
    message = slack.say("ben", "incidents", "Checkout is slow here")
    ada, where = slack.workspace.find_user("ada").id, slack.workspace.find_channel("incidents").id
    slack.say("ben", "incidents", "Lunch?")
    capturing.ask(
        incident=Incident.objects.get(),
        channel=where,
        ts=message["ts"],
        thread="",
        reason=f"shortcut:{ada}",
        now=timezone.now(),
    )
    slack.say("ben", "incidents", "Dinner?")
    slack.delete("ben", "incidents", message)
    work()
    assert said() == []
    assert SlackMessage.objects.get(ts=message["ts"]).deleted_at is not None
    assert SlackRequest.objects.filter(kind="event:message", lane=f"channel:{where}").count() == 1
    assert "is not in Slack any more" in str(slack.seen_by("ada")[-1])


def test_what_stands_on_another_timeline_is_told_to_who_pinned_and_moves_once_hidden_there(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    here = Incident.objects.get()
    slack.close("ada")
    other = declare(slack, work, title="Other").incident
    message = slack.upload("ben", channel, slack.file("pods.txt", b"x", "text/plain"), "Rolled back")
    ada, where = slack.workspace.find_user("ada").id, slack.workspace.find_channel(channel).id
    told = {"channel": where, "ts": message["ts"], "thread": "", "reason": f"shortcut:{ada}"}
    capturing.ask(incident=other, now=timezone.now(), **told)
    work()
    slack.pin("cy", channel, message)
    work()
    assert [entry.incident for entry in said()] == [other]
    assert f"stands on the timeline of {other.key} already" in str(slack.seen_by("cy")[-1])
    change_entry(entry=said()[0], by=make_person("ada"), now=timezone.now(), hidden=True)
    slack.react("cy", channel, message, "pushpin")
    work()
    (entry,) = said()
    assert entry.incident == here
    assert entry.detail["files"][0]["address"].startswith(f"/incidents/{here.number}/")
    assert not TimelineEntry.objects.filter(incident=other, source="chat").exists()


def test_what_is_remembered_of_messages_on_no_timeline_is_forgotten(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    now, incident = timezone.now(), Incident.objects.get()
    old, fresh = (f"{int((now - timedelta(days=days)).timestamp())}.000100" for days in (8, 6))
    told = [
        {"ts": old},
        {"ts": fresh},
        {"ts": old[:-1] + "1", "version": fresh},
        {"ts": old[:-1] + "2", "deleted_at": now},
        {"ts": old[:-1] + "3", "reasons": ["pin"]},
        {"ts": old, "channel_id": "C0BUSY"},
    ]
    SlackMessage.objects.bulk_create(
        [SlackMessage(**{"incident": incident, "channel_id": "C0", "text": "", **one}) for one in told]
    )
    capturing.ask(incident=incident, channel="C0BUSY", ts=old, thread="", reason="shortcut:U0", now=now)
    inbox.prune(now)
    left = SlackMessage.objects.filter(channel_id__startswith="C0").order_by("pk").values_list("channel_id", "ts")
    assert list(left) == [(one.get("channel_id", "C0"), one["ts"]) for one in told[1:]]
