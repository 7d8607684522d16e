"""What is pinned, marked or added in Slack stands on the timeline, and follows what becomes of it there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents.actions.timeline import change_entry
from incidents.models import Delivery, Incident, TimelineEntry
from incidents.slack import capturing, lines
from incidents.slack.models import SlackChannel, SlackMessage, SlackRequest
from tests.builders import make_person
from tests.incidents.slack.capture import choose, events, later, said, texts
from tests.incidents.slack.fixtures import Work, declare, failed, unfinished
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn


def test_a_pinned_message_is_a_line_at_its_own_time_by_its_author(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    message = slack.say("ben", channel, "Rolled *back* to `1.41.7`")
    slack.pin("ada", channel, message)
    work()
    (entry,) = said()
    assert (entry.title, entry.actor) == (make_person("ben").display_name, make_person("ben"))
    assert entry.text == "Rolled **back** to `1.41.7`"
    assert entry.occurred_at == lines.moment(message["ts"])
    where = slack.workspace.find_channel(channel).id
    assert entry.detail["link"] == f"https://stand-in.slack.com/archives/{where}/p{message['ts'].replace('.', '')}"
    assert slack.workspace.find_channel(channel).messages[message["ts"]]["reactions"] == [
        ["eyes", slack.workspace.bot.id]
    ]
    assert failed() == []


def test_the_headline_that_the_app_pins_is_no_line(slack: SlackStandIn, work: Work, channel: str) -> None:
    assert said() == []


@pytest.mark.parametrize("name", ["pushpin", "round_pushpin", "pushpin::skin-tone-4"])
def test_a_reaction_puts_it_there_and_taking_it_back_hides_it(
    slack: SlackStandIn, work: Work, channel: str, name: str
) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.react("cy", channel, message, name)
    work()
    assert texts() == ["Rolled back"]
    slack.unreact("cy", channel, message, name)
    work()
    assert said() == []
    assert TimelineEntry.objects.get(source="chat").text == "Rolled back"
    slack.react("cy", channel, message, name)
    work()
    assert texts() == ["Rolled back"]
    assert len(slack.called("reactions.add")) == 1


def test_other_reactions_and_other_channels_are_nobodys_business(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.react("cy", channel, message, "tada")
    elsewhere = slack.say("ben", "incidents", "Lunch?")
    slack.react("cy", "incidents", elsewhere, "pushpin")
    slack.pin("cy", "incidents", elsewhere)
    work()
    assert said() == []
    assert SlackMessage.objects.count() == 0
    assert not SlackRequest.objects.filter(payload__icontains="Lunch").exists()


def test_pinned_and_marked_by_three_it_is_one_line_until_the_last_lets_go(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.pin("ada", channel, message)
    slack.react("cy", channel, message, "pushpin")
    slack.react("mallory", channel, message, "pushpin")
    work()
    assert texts() == ["Rolled back"]
    slack.unpin("ada", channel, message)
    slack.unreact("cy", channel, message, "pushpin")
    work()
    assert texts() == ["Rolled back"]
    slack.unreact("mallory", channel, message, "pushpin")
    work()
    assert said() == []


def test_a_line_that_somebody_hid_here_stays_hidden(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.pin("ada", channel, message)
    work()
    change_entry(entry=said()[0], by=make_person("ada"), now=timezone.now(), hidden=True)
    slack.edit("ben", channel, message, "Rolled back to 1.41.7")
    slack.react("cy", channel, message, "pushpin")
    work()
    assert said() == []
    assert TimelineEntry.objects.get(source="chat").text == "Rolled back to 1.41.7"


def test_an_edit_is_followed(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.pin("ada", channel, message)
    work()
    slack.edit("ben", channel, message, "Rolled back to _1.41.7_")
    work()
    (entry,) = said()
    assert entry.text == "Rolled back to _1.41.7_"
    assert entry.detail["edited"] is True
    assert entry.occurred_at == lines.moment(message["ts"])


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1]])
def test_the_last_edit_wins_in_whatever_order_things_arrive(
    slack: SlackStandIn, work: Work, channel: str, order: list[int]
) -> None:
    message = slack.say("ben", channel, "first")
    told = events(slack, lambda: slack.pin("ada", channel, message))
    told += events(slack, lambda: slack.edit("ben", channel, message, "second"))
    real = slack.workspace.clock
    later(slack, 2)
    told += events(slack, lambda: slack.edit("ben", channel, message, "third"))
    slack.workspace.clock = real
    for place in order:
        assert slack.send_event(told[place]).ok
        work()
    assert texts() == ["third"]
    assert failed() == []


def test_two_edits_within_a_second_end_with_the_last(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "first")
    slack.pin("ada", channel, message)
    work()
    moment = slack.workspace.clock()
    slack.workspace.clock = lambda: moment
    told = events(slack, lambda: slack.edit("ben", channel, message, "second"))
    told += events(slack, lambda: slack.edit("ben", channel, message, "third"))
    for event in (told[1], told[0]):
        slack.send_event(event)
        work()
    assert texts() == ["third"]


@pytest.mark.parametrize(("policy", "text"), [("keep", "Rolled back"), ("drop", "")])
def test_a_deleted_message_says_so_and_is_kept_or_dropped(
    slack: SlackStandIn, work: Work, channel: str, policy: str, text: str
) -> None:
    choose(on_deleted=policy)
    message = slack.say("ben", channel, "Rolled back")
    slack.pin("ada", channel, message)
    work()
    told = events(slack, lambda: slack.edit("ben", channel, message, "Rolled forward"))
    slack.delete("ben", channel, message)
    work()
    slack.send_event(told[0])
    work()
    (entry,) = said()
    assert (entry.text, entry.detail["deleted"]) == (text, "Slack")
    assert SlackMessage.objects.get(ts=message["ts"]).text == text


def test_deleted_before_the_pin_was_worked_on_it_is_kept_as_it_was(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.pin("ada", channel, message)
    slack.delete("ben", channel, message)
    work()
    (entry,) = said()
    assert (entry.text, entry.detail["deleted"]) == ("Rolled back", "Slack")
    assert failed() == []


def test_strangers_apps_people_groups_and_channels_have_names(slack: SlackStandIn, work: Work, channel: str) -> None:
    slack.person("mia", "Mia Novak")
    slack.join("mia", channel)
    group = slack.group("oncall", users=["ada"])
    there, ben = slack.workspace.find_channel(channel), slack.workspace.find_user("ben")
    one = slack.say("mia", channel, f"<@{ben.id}> <!subteam^{group.id}> <#{there.id}> <!here>")
    two = slack.integration_says(channel, "5xx is high")
    for message in (one, two):
        slack.pin("ada", channel, message)
    work()
    assert [entry.title for entry in said()] == ["Mia Novak (Slack user, not linked)", "alertmanager"]
    assert texts() == [f"@ben @oncall #{channel} @here", "5xx is high"]


def test_secrets_do_not_come_along(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "password=hunter2hunter2 ok?")
    slack.pin("ada", channel, message)
    work()
    assert "hunter2" not in said()[0].text
    assert "hunter2" not in SlackMessage.objects.get(ts=message["ts"]).text


def test_a_message_of_forty_thousand_characters_is_whole_and_its_line_says_what_is_cut(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    message = slack.say("ben", channel, "word " * 7_999 + "end")
    slack.pin("ada", channel, message)
    work()
    kept = SlackMessage.objects.get(ts=message["ts"]).text
    assert (len(kept), kept[-3:]) == (39_998, "end")
    assert "of 39,998 characters are not shown here" in said()[0].text


def test_add_to_timeline_takes_the_chosen_time_and_edits_do_not_move_it(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.close("ada")
    assert slack.message_shortcut("ada", "add_to_timeline", channel, message).ok
    wait_for(lambda: slack.modal("ada"), "the form")
    at = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=40)
    assert slack.submit("ada", {"at": int(at.timestamp())}).ok
    work()
    slack.edit("ben", channel, message, "Rolled back to 1.41.7")
    work()
    (entry,) = said()
    assert (entry.occurred_at, entry.text) == (at, "Rolled back to 1.41.7")


def test_a_message_of_another_channel_comes_by_the_shortcut_and_is_followed(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    message = slack.say("ben", "general", "Checkout is slow here")
    incident = Incident.objects.get()
    told = {"channel": slack.workspace.find_channel("general").id, "ts": message["ts"], "thread": ""}
    ada = slack.workspace.find_user("ada").id
    capturing.ask(incident=incident, reason=f"shortcut:{ada}", now=timezone.now(), **told)
    work()
    assert texts() == ["Checkout is slow here"]
    slack.edit("ben", "general", message, "Checkout is down here")
    work()
    assert texts() == ["Checkout is down here"]


def test_a_message_that_cannot_be_read_is_told_to_who_asked(slack: SlackStandIn, work: Work, channel: str) -> None:
    secret = slack.channel("secret", ["ada"], private=True, bot=False)
    message = slack.say("ada", secret, "psst")
    ada = slack.workspace.find_user("ada").id
    capturing.ask(
        incident=Incident.objects.get(),
        channel=secret.id,
        ts=message["ts"],
        thread="",
        reason=f"shortcut:{ada}",
        now=timezone.now(),
    )
    work()
    assert said() == []
    shown = str(slack.messages(slack.direct("ada"))[-1])
    assert "could not be put on the timeline" in shown
    assert "psst" not in shown


def test_a_mention_in_the_channel_puts_the_message_there(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.mention("ben", channel, "the pool is full")
    work()
    assert texts() == ["@Debrief the pool is full"]
    assert slack.workspace.find_channel(channel).messages[message["ts"]]["reactions"][0][0] == "eyes"


def test_a_mention_elsewhere_is_answered_with_buttons_and_one_to_declare_is_prefilled(
    slack: SlackStandIn, work: Work
) -> None:
    slack.mention("ben", "incidents", "hello")
    work()
    assert "What do you want to do?" in str(slack.seen_by("ben")[-1])
    slack.mention("ben", "incidents", "declare Checkout answers 503 &amp; more")
    work()
    shown = slack.seen_by("ben")[-1]
    assert slack.press("ben", "incidents", shown["ts"], "open_declare").ok
    view = wait_for(lambda: slack.modal("ben"), "the form")
    assert "Checkout answers 503" in str(view)
    assert not SlackMessage.objects.exists()


def test_renaming_and_archiving_are_followed(slack: SlackStandIn, work: Work, channel: str) -> None:
    slack.rename("ada", channel, "inc-1-payments")
    slack.archive("ada", "inc-1-payments")
    work()
    row = SlackChannel.objects.get()
    assert row.name == "inc-1-payments"
    assert row.archived_at is not None


def test_who_joins_a_restricted_channel_is_granted_nothing(slack: SlackStandIn, work: Work) -> None:
    found = declare(slack, work, title="Keys leaked", private=["private"])
    slack.join("ben", found.name, invited_by="ada")
    work()
    assert not Incident.objects.visible_to(make_person("ben")).exists()
    assert failed() == []


def test_opening_the_home_tab_asks_for_it_once(slack: SlackStandIn, work: Work) -> None:
    slack.open_home("ada")
    slack.open_home("ada")
    slack.open_home("ada", "messages")
    assert SlackRequest.objects.filter(kind="event:app_home_opened").count() == 3
    work()
    assert Delivery.objects.filter(kind="home").count() == 1
    assert slack.home("ada")


@pytest.mark.parametrize("trouble", ["limit", "lose", "fail", "down"])
def test_slacks_bad_days_lose_and_double_nothing(slack: SlackStandIn, work: Work, channel: str, trouble: str) -> None:
    root = slack.say("ben", channel, "Rolling back")
    slack.say("ada", channel, "Good", thread_ts=root["ts"])
    bad = {
        "limit": lambda: slack.limit("conversations.replies", times=2, retry_after=1),
        "lose": lambda: slack.lose_answer("conversations.replies"),
        "fail": lambda: slack.fail("conversations.replies", 500, times=2),
        "down": slack.down,
    }
    bad[trouble]()
    slack.pin("cy", channel, root)
    slack.react("cy", channel, root, "pushpin")
    if trouble == "down":
        for _ in range(2):
            work_once()
        assert said() == []
        slack.up()
        SlackRequest.objects.update(due_at=timezone.now())
    work()
    assert texts() == ["Rolling back", "Good"]
    assert (failed(), unfinished()) == ([], [])


def work_once() -> None:
    from incidents.chat import lanes
    from incidents.slack import handling

    for lane in lanes.waiting_lanes(SlackRequest, timezone.now()):
        row = lanes._next(SlackRequest, lane)
        assert row is not None
        lanes._attempt(row, handling.handle)


def test_events_sent_fifty_times_have_one_effect(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.say("ben", channel, "Rolled back")
    slack.pin("ada", channel, message)
    assert {answer.status for answer in slack.replay(times=50)} == {200}
    work()
    assert texts() == ["Rolled back"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "pin_added"},
        {"type": "pin_added", "item": {"type": "file", "file": {"id": "F1"}}, "channel_id": "HERE"},
        {"type": "reaction_added", "reaction": "pushpin", "item": {"type": "file", "file": "F1"}},
        {"type": "reaction_added", "reaction": "pushpin", "item": {"channel": "HERE", "ts": "1.000001"}, "user": "U0"},
        {"type": "reaction_removed", "reaction": "pushpin", "item": {"channel": "HERE", "ts": "1.000001"}},
        {"type": "message", "channel": "HERE", "subtype": "message_changed"},
        {"type": "message", "channel": "HERE", "subtype": "message_deleted"},
        {"type": "message", "channel": "HERE", "subtype": "message_deleted", "deleted_ts": "1.000001"},
        {"type": "message", "channel": "HERE", "thread_ts": "x", "ts": "y"},
        {"type": "message", "channel": "HERE", "subtype": "never_heard_of", "ts": "1.000002"},
        {"type": "channel_rename", "channel": "HERE"},
        {"type": "tokens_revoked", "tokens": {"bot": ["U0"]}},
        {"type": "member_joined_channel", "channel": "C0", "user": ""},
        {"type": "never_heard_of"},
    ],
)
def test_odd_events_do_no_harm(slack: SlackStandIn, work: Work, channel: str, event: dict[str, Any]) -> None:
    here = slack.workspace.find_channel(channel).id
    event = {name: here if value == "HERE" else value for name, value in event.items()}
    if (item := event.get("item")) and item.get("channel") == "HERE":
        event["item"] = item | {"channel": here}
    assert slack.send_event(event).ok
    work()
    assert said() == []
    assert failed() == []
