"""What was answered to a captured message comes along, says what it answers, and is no burden."""

from __future__ import annotations

import pytest

from incidents.chat_line import marks
from incidents.slack import lines
from incidents.slack.models import SlackMessage
from tests.builders import make_person
from tests.incidents.slack.capture import choose, said, texts
from tests.incidents.slack.fixtures import Work
from tests.stand_ins.slack import SlackStandIn


def test_answers_come_along_at_their_own_times_and_say_what_they_answer(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    root = slack.say("ben", channel, "Rolling back")
    early = slack.say("ada", channel, "Which version?", thread_ts=root["ts"])
    slack.pin("cy", channel, root)
    work()
    late = slack.say("ben", channel, "1.41.7", thread_ts=root["ts"])
    work()
    assert texts() == ["Rolling back", "Which version?", "1.41.7"]
    assert [entry.occurred_at for entry in said()[1:]] == [lines.moment(one["ts"]) for one in (early, late)]
    assert said()[1].detail["thread"] == f"{make_person('ben').display_name}: Rolling back"
    slack.edit("ben", channel, late, "1.41.8")
    slack.delete("ada", channel, early)
    work()
    assert texts() == ["Rolling back", "Which version?", "1.41.8"]
    assert said()[1].detail["deleted"] == "Slack"
    slack.unpin("cy", channel, root)
    work()
    assert said() == []


def test_long_threads_are_read_page_by_page(
    slack: SlackStandIn, work: Work, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.slack.threads.PAGE", 3)
    root = slack.say("ben", channel, "Rolling back")
    for number in range(8):
        slack.say("ada", channel, f"Step {number}", thread_ts=root["ts"])
    slack.react("cy", channel, root, "pushpin")
    work()
    assert texts() == ["Rolling back", *[f"Step {number}" for number in range(8)]]


def test_an_answer_alone_may_be_marked(slack: SlackStandIn, work: Work, channel: str) -> None:
    root = slack.say("ben", channel, "Anybody?")
    answer = slack.say("ada", channel, "It is the pool", thread_ts=root["ts"])
    slack.say("cy", channel, "Thanks", thread_ts=root["ts"])
    slack.react("cy", channel, answer, "pushpin")
    work()
    assert texts() == ["It is the pool"]


def test_answers_name_their_root_as_it_reads_now(slack: SlackStandIn, work: Work, channel: str) -> None:
    choose(on_deleted="drop")
    root = slack.say("ben", channel, "the customer is Jane Doe")
    slack.say("ada", channel, "ok", thread_ts=root["ts"])
    slack.pin("ada", channel, root)
    work()
    slack.edit("ben", channel, root, "the customer is J. D.")
    work()
    ben = make_person("ben").display_name
    assert said()[1].detail["thread"] == f"{ben}: the customer is J. D."
    slack.delete("ben", channel, root)
    work()
    assert said()[1].detail["thread"] == ben


def test_of_a_huge_thread_the_last_come_in_short_transactions_and_the_rest_is_counted(
    slack: SlackStandIn, work: Work, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.slack.threads.MOST_REPLIES", 5)
    monkeypatch.setattr("incidents.slack.keeping.AT_ONCE", 2)
    root = slack.say("ben", channel, "Rolling back")
    for number in range(8):
        slack.say("ada", channel, f"Step {number}", thread_ts=root["ts"])
    slack.react("cy", channel, root, "pushpin")
    work()
    assert texts() == ["Rolling back", *[f"Step {number}" for number in range(3, 8)]]
    slack.edit("ben", channel, root, "Rolling back now")
    work()
    assert "and 3 earlier replies in Slack" in marks(said()[0].detail)
    slack.unreact("cy", channel, root, "pushpin")
    work()
    assert said() == []
    assert not SlackMessage.objects.exclude(reasons=[]).exists()


def test_a_root_that_slack_keeps_as_a_tombstone_is_not_there(slack: SlackStandIn, work: Work, channel: str) -> None:
    root = slack.say("ben", channel, "Rolling back")
    slack.say("ada", channel, "Good", thread_ts=root["ts"])
    slack.pin("cy", channel, root)
    kept = slack.workspace.find_channel(channel).messages[root["ts"]]
    kept.update({"subtype": "tombstone", "text": "This message was deleted.", "blocks": [], "user": "USLACKBOT"})
    work()
    assert texts() == ["Rolling back", "Good"]
    assert said()[0].detail["deleted"] == "Slack"


def test_names_that_slack_does_not_tell_are_asked_for_once(slack: SlackStandIn, work: Work, channel: str) -> None:
    other = slack.channel("closed", ["ada"], private=True, bot=False).id
    root = slack.say("ben", channel, "Rolling back")
    for _ in range(3):
        slack.say("ben", channel, f"see <#{other}> <!subteam^S0DEADBEEF>", thread_ts=root["ts"])
    slack.pin("ada", channel, root)
    work()
    slack.say("ben", channel, f"and <#{other}> <!subteam^S0DEADBEEF>", thread_ts=root["ts"])
    work()
    assert texts()[-1] == f"and #{other} @S0DEADBEEF"
    asked = [call.method for call in slack.calls]
    assert (asked.count("conversations.info"), asked.count("usergroups.list")) == (1, 1)
