"""Words from the channel of a restricted incident come to nobody who may not read them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from incidents.actions.incident import assign_role
from incidents.models import Incident
from incidents.models.incident import IncidentRole
from incidents.slack import capturing
from incidents.slack.models import SlackChannel, SlackMessage
from tests.builders import make_person
from tests.incidents.slack.capture import said
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn


@pytest.fixture
def closed(slack: SlackStandIn, work: Work) -> SlackChannel:
    """Of a restricted incident of ada's; ben sits in the channel and takes no part."""
    found = declare(slack, work, title="Keys leaked", private=["private"])
    slack.join("ben", found.channel_id, invited_by="ada")
    work()
    slack.close("ada")
    return found


def add(slack: SlackStandIn, who: str, incident: Incident, channel: str, ts: str) -> None:
    reason = f"shortcut:{slack.workspace.find_user(who).id}"
    capturing.ask(incident=incident, channel=channel, ts=ts, thread="", reason=reason, now=timezone.now())


@pytest.mark.parametrize("who", ["ada", "ben"])
def test_they_go_onto_no_timeline_that_everybody_reads(
    slack: SlackStandIn, work: Work, closed: SlackChannel, who: str
) -> None:
    other = declare(slack, work, title="Other").incident
    root = slack.say("ada", closed.channel_id, "legal secret")
    add(slack, who, other, closed.channel_id, root["ts"])
    work()
    slack.say("ada", closed.channel_id, "more of the secret", thread_ts=root["ts"])
    work()
    assert said() == []
    assert f"nothing of it goes onto the timeline of {other.key}" in str(slack.seen_by(who)[-1])
    slack.pin("ada", closed.channel_id, root)
    work()
    assert {entry.incident for entry in said()} == {closed.incident}
    assert failed() == []


def test_onto_another_restricted_one_they_go_by_who_takes_part_in_both(
    slack: SlackStandIn, work: Work, closed: SlackChannel
) -> None:
    other = declare(slack, work, "ben", title="More keys", private=["private"]).incident
    root = slack.say("ada", closed.channel_id, "legal secret")
    add(slack, "ben", other, closed.channel_id, root["ts"])
    work()
    assert said() == []
    told = {"role": IncidentRole.RESPONDER, "user": make_person("ben"), "by": make_person("ada")}
    assign_role(incident=closed.incident, now=timezone.now(), **told)
    add(slack, "ben", other, closed.channel_id, root["ts"])
    work()
    assert [entry.incident for entry in said()] == [other]


def test_what_was_taken_before_it_was_restricted_gets_no_new_words(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    incident = Incident.objects.get()
    slack.close("ada")
    other = declare(slack, work, title="Other").incident
    where = SlackChannel.objects.get(incident=incident).channel_id
    root = slack.say("ben", channel, "harmless")
    add(slack, "ada", other, where, root["ts"])
    work()
    Incident.objects.filter(pk=incident.pk).update(visibility="restricted")
    slack.edit("ben", channel, root, "legal secret")
    slack.say("ada", channel, "more of it", thread_ts=root["ts"])
    work()
    assert [entry.text for entry in said()] == ["harmless"]
    slack.pin("ben", channel, root)
    work()
    assert [entry.incident for entry in said()] == [other]


def test_declaring_from_such_a_message_leaves_it_where_it_is(
    slack: SlackStandIn, work: Work, closed: SlackChannel
) -> None:
    root = slack.say("ada", closed.channel_id, "legal secret")
    assert slack.message_shortcut("ada", "declare_from_message", closed.channel_id, root).ok
    wait_for(lambda: slack.modal("ada"), "the form")
    assert slack.submit("ada", {"title": "Something else", "summary": ""}).ok
    work()
    made = Incident.objects.latest("number")
    assert (made.is_restricted, said()) == (False, [])
    assert "nothing of it goes onto the timeline" in str(slack.seen_by("ada"))
    assert SlackMessage.objects.get(ts=root["ts"]).text == ""


def test_forwarded_to_where_others_read_only_the_link_comes_along(
    slack: SlackStandIn, work: Work, closed: SlackChannel
) -> None:
    other = declare(slack, work, title="Other")
    for where, words in ((closed.channel_id, "legal secret"), (other.channel_id, "harmless")):
        forward(slack, other.channel_id, where, words)
    work()
    told = "\n".join(entry.text for entry in said())
    assert "legal secret" not in told
    assert told.count("forwarded [a message](https://stand-in.slack.com/archives/C1/p1)") == 2
    assert "> harmless" in told


def forward(slack: SlackStandIn, into: str, where: str, words: str) -> None:
    message = slack.say("ada", into, "x")
    card = {"is_share": True, "is_msg_unfurl": True, "channel_id": where, "text": words, "fallback": words}
    card["from_url"] = "https://stand-in.slack.com/archives/C1/p1"
    kept = slack.workspace.find_channel(into).messages[message["ts"]]
    kept.update({"text": "", "blocks": [], "attachments": [card]})
    slack.pin("ada", into, message)
