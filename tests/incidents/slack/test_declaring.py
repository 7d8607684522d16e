"""Declaring from Slack, whichever way it begins, and what stands in Slack a moment later."""

from __future__ import annotations

from accounts.models import User
from incidents import signals
from incidents.models import Incident, IncidentProposal
from incidents.slack.models import SlackChannel
from tests.builders import NOW, make_incident, make_proposal, make_snapshot
from tests.incidents.slack.fixtures import Work, declare, failed, open_form
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn


def test_the_form_declares_and_the_channel_stands(slack: SlackStandIn, work: Work) -> None:
    make_snapshot(kind="Deployment", namespace="shop", name="checkout")
    open_form(slack, "ada", "Checkout answers 503")
    chosen = slack.suggest("ada", "place", "check")
    value = next(one["value"] for one in chosen if one["value"].startswith("o:"))
    assert slack.submit("ada", {"place": [value], "summary": "Since the release."}).ok
    work()
    assert failed() == []
    incident = Incident.objects.get()
    assert (incident.title, incident.declared_by.username) == ("Checkout answers 503", "ada")
    assert incident.workloads == [{"kind": "Deployment", "namespace": "shop", "name": "checkout"}]
    assert incident.severity_is_open
    row = SlackChannel.objects.get()
    assert row.name == f"inc-{incident.number}-checkout-answers-503"
    channel = slack.workspace.find_channel(row.name)
    assert "Investigating" in str(channel.messages[row.headline_ts]["blocks"])
    assert list(channel.pins) == [row.headline_ts]
    assert channel.topic.startswith("SEV3 | Investigating | Checkout answers 503 | http")
    assert [one["title"] for one in channel.bookmarks] == ["Incident"]
    assert slack.workspace.find_user("ada").id in channel.members
    assert f"{incident.key} Checkout answers 503" in str(slack.workspace.find_channel("incidents").texts())


def test_the_form_shows_what_is_open_since_an_hour(slack: SlackStandIn, work: Work) -> None:
    make_incident(title="An old one", now=NOW)
    declare(slack, work, title="Payments time out")
    open_form(slack, "ben")
    shown = str(slack.modal("ben"))
    assert "Payments time out" in shown
    assert "An old one" not in shown


def test_a_title_of_blanks_is_refused_in_the_form_and_nothing_is_lost(slack: SlackStandIn, work: Work) -> None:
    open_form(slack, "ada")
    refused = slack.submit("ada", {"title": "   ", "summary": "Long and dear"})
    assert refused.errors == {"title": "Say in a few words what users notice."}
    assert slack.modal("ada") is not None
    work()
    assert not Incident.objects.exists()


def test_the_shortcut_opens_the_form(slack: SlackStandIn) -> None:
    assert slack.shortcut("ada", "declare").ok
    assert wait_for(lambda: slack.modal("ada"), "the form")


def test_a_message_becomes_the_incident_and_stands_on_its_timeline(slack: SlackStandIn, work: Work) -> None:
    said = slack.say("ben", "incidents", "Checkout answers 503\nsince the release of 1.42.0")
    assert slack.message_shortcut("ada", "declare_from_message", "incidents", said).ok
    wait_for(lambda: slack.modal("ada"), "the form")
    assert slack.submit("ada").ok
    work()
    incident = Incident.objects.get()
    assert incident.title == "Checkout answers 503"
    assert "1.42.0" in incident.summary


def test_the_bare_command_answers_with_buttons_that_open_the_form(slack: SlackStandIn) -> None:
    answer = slack.command("ada", "", where="incidents")
    assert answer.ok
    shown = slack.seen_by("ada")[-1]
    assert slack.press("ada", "incidents", shown["ts"], "open_declare").ok
    assert wait_for(lambda: slack.modal("ada"), "the form")


def test_the_button_under_a_proposal_declares(slack: SlackStandIn, work: Work) -> None:
    proposal = make_proposal(title="Crash loop: checkout in shop")
    signals.incident_proposed.send(IncidentProposal, proposal_id=proposal.pk, at=NOW)
    work()
    channel = slack.workspace.find_channel("incidents")
    ts = list(channel.messages)[-1]
    assert slack.press("ada", "incidents", ts, "proposal_declare").ok
    wait_for(lambda: slack.modal("ada"), "the form")
    assert slack.submit("ada").ok
    work()
    proposal.refresh_from_db()
    assert Incident.objects.get().title == "Crash loop: checkout in shop"
    assert proposal.incident == Incident.objects.get()


def test_a_stranger_may_declare_and_is_shown_as_one(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, who="mallory")
    incident = channel.incident
    assert incident.declared_by.display_name == "Slack user, not linked"
    assert incident.timeline.filter(title__icontains="mallory").exists()
    assert not User.objects.filter(email="mallory@example.org").exists()
    assert slack.workspace.find_user("mallory").id in slack.workspace.find_channel(channel.name).members


def test_a_viewer_declares_like_a_stranger(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, who="cy")
    assert channel.incident.declared_by.username == "slack"
    assert slack.workspace.find_user("cy").id in slack.workspace.find_channel(channel.name).members


def test_a_private_one_gets_a_private_channel_and_no_announcement(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, title="Keys leaked", private=["private"])
    assert failed() == []
    there = slack.workspace.find_channel(channel.name)
    assert there.private
    assert "keys" not in channel.name
    assert sorted(there.members) == sorted([slack.workspace.bot.id, slack.workspace.find_user("ada").id])
    assert "Keys leaked" not in str(slack.workspace.find_channel("incidents").messages)


def test_a_form_sent_again_declares_once(slack: SlackStandIn, work: Work) -> None:
    open_form(slack, "ada", "Checkout answers 503")
    assert slack.submit("ada").ok
    assert {answer.status for answer in slack.replay(times=3)} == {200}
    work()
    assert Incident.objects.count() == 1
    assert SlackChannel.objects.count() == 1
