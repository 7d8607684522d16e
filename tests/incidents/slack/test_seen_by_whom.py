"""Who sees what of an incident in Slack: the channel, the central channel, answers, notices."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from incidents import signals
from incidents.actions.incident import assign_role, change_incident, remove_role
from incidents.actions.update import post_update
from incidents.chat import outbox
from incidents.models import Delivery, Incident, IncidentProposal
from incidents.notices import tell
from incidents.slack.models import SlackChannel
from tests.builders import NOW, make_incident, make_person, make_proposal
from tests.incidents.slack.fixtures import Work, declare, failed, headline_of
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn

SECRET = "the secret detail"


def restricted(slack: SlackStandIn, work: Work) -> SlackChannel:
    """Declared for all to see, restricted a moment later."""
    channel = declare(slack, work)
    post_update(incident=channel.incident, text="open words", by=make_person("ada"), now=timezone.now())
    work()
    change_incident(incident=channel.incident, visibility="restricted", by=make_person("ada"), now=timezone.now())
    work()
    channel.refresh_from_db()
    return channel


def test_a_restricted_incident_says_nothing_in_a_channel_that_everybody_reads(slack: SlackStandIn, work: Work) -> None:
    channel = restricted(slack, work)
    change_incident(incident=channel.incident, title=SECRET, by=make_person("ada"), now=timezone.now())
    post_update(incident=channel.incident, text=SECRET, by=make_person("ada"), now=timezone.now())
    work()
    there = slack.workspace.find_channel(channel.name)
    assert SECRET not in str(there.messages)
    assert SECRET not in there.topic
    assert "Checkout" not in there.topic
    assert "This incident is restricted" in headline_of(slack, channel)
    assert slack.workspace.find_channel("incidents").messages == {}
    assert any("only a person can make it private" in one for one in failed())


def test_once_a_person_made_it_private_the_channel_talks_again(slack: SlackStandIn, work: Work) -> None:
    channel = restricted(slack, work)
    slack.workspace.find_channel(channel.name).kind = "group"
    post_update(incident=channel.incident, text=SECRET, by=make_person("ada"), now=timezone.now())
    work()
    assert SECRET in str(slack.workspace.find_channel(channel.name).messages)
    assert "Checkout answers 503" in headline_of(slack, channel)


def test_strangers_and_others_read_nothing_of_it(slack: SlackStandIn, work: Work) -> None:
    channel = restricted(slack, work)
    for who in ("mallory", "ben"):
        slack.join(who, channel.name)
        for words in ("timeline", "status", "evidence", f"status {channel.incident.key}", "list"):
            slack.command(who, words, where=channel.name)
        work()
        assert "Checkout answers 503" not in str(slack.seen_by(who))


def test_who_was_deactivated_here_sees_no_more_than_a_stranger(slack: SlackStandIn, work: Work) -> None:
    declare(slack, work, title="Keys leaked", private=["private"])
    User.objects.filter(username="ada").update(is_active=False)
    slack.command("ada", "list", where="incidents")
    slack.open_home("ada")
    work()
    assert "Keys leaked" not in str(slack.seen_by("ada"))
    assert "Keys leaked" not in str(slack.home("ada"))


def test_a_notice_does_not_reach_who_may_no_longer_see_the_incident(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    ben = make_person("ben")
    tell([ben], incident=channel.incident, key="x", text=SECRET, address="/x/", now=timezone.now())
    Incident.objects.update(visibility="restricted")
    work()
    assert SECRET not in str(slack.workspace.direct(slack.workspace.find_user("ben").id).messages)


def test_who_leaves_a_restricted_incident_leaves_its_channel_and_may_come_back(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, title="Keys leaked", private=["private"])
    ada, ben = make_person("ada"), make_person("ben")
    there, member = slack.workspace.find_channel(channel.name), slack.workspace.find_user("ben").id
    for _ in range(2):
        assign_role(incident=channel.incident, role="scribe", user=ben, by=ada, now=timezone.now())
        work()
        assert member in there.members
        remove_role(incident=channel.incident, role="scribe", user=ben, by=ada, now=timezone.now())
        work()
        assert member not in there.members
    assert slack.workspace.find_user("ada").id in there.members
    assert failed() == []


def test_a_proposal_belongs_to_the_first_who_declares_it(slack: SlackStandIn, work: Work) -> None:
    proposal = make_proposal(title="Crash loop: checkout in shop")
    signals.incident_proposed.send(IncidentProposal, proposal_id=proposal.pk, at=NOW)
    work()
    ts = list(slack.workspace.find_channel("incidents").messages)[-1]
    for who in ("ada", "mallory"):
        assert slack.press(who, "incidents", ts, "proposal_declare").ok
        wait_for(lambda who=who: slack.modal(who), "the form")
    slack.submit("ada", {"title": "Keys leaked", "private": ["private"]})
    work()
    refused = slack.submit("mallory", {"title": "Mine now"})
    assert "Somebody was quicker" in refused.errors["title"]
    work()
    incident = Incident.objects.get()
    assert (incident.visibility, incident.title) == ("restricted", "Keys leaked")
    assert "Keys leaked" not in str(slack.workspace.find_channel("incidents").texts())


def test_trying_again_posts_only_what_is_missing(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.fail("chat.postMessage", "not_allowed_token_type", times=0)
    SlackChannel.objects.update(central_id="CNOWHERE1")
    post_update(incident=channel.incident, text="twice?", by=make_person("ada"), now=timezone.now())
    work()
    SlackChannel.objects.update(central_id=channel.central_id)
    for row in Delivery.objects.filter(state="failed"):
        outbox.try_again(row, timezone.now())
    work()
    texts = slack.workspace.find_channel(channel.name).texts()
    assert sum(text.startswith("Update on") for text in texts) == 1
    assert len(slack.workspace.find_channel("incidents").replies(channel.central_ts)) == 1


def test_one_thing_that_slack_refuses_keeps_no_other_from_being_done(slack: SlackStandIn, work: Work) -> None:
    slack.workspace.scopes -= {"bookmarks:write", "pins:write"}
    channel = declare(slack, work)
    assert slack.workspace.find_channel("incidents").messages
    assert slack.workspace.find_user("ada").id in slack.workspace.find_channel(channel.name).members
    assert any("pins:write" in one for one in failed())


def test_an_archived_channel_of_what_is_open_is_told_and_heard_again_once_it_is_back(
    slack: SlackStandIn, work: Work
) -> None:
    channel = declare(slack, work)
    SlackChannel.objects.update(archived_at=timezone.now())
    slack.workspace.find_channel(channel.name).archived = True
    post_update(incident=channel.incident, text="hear me", by=make_person("ada"), now=timezone.now())
    work()
    assert any("archived" in one for one in failed())
    slack.workspace.find_channel(channel.name).archived = False
    for row in Delivery.objects.filter(state="failed"):
        outbox.try_again(row, timezone.now())
    work()
    assert failed() == []
    assert sum(text.startswith("Update on") for text in slack.workspace.find_channel(channel.name).texts()) == 1


def test_a_lost_answer_doubles_no_announcement(slack: SlackStandIn, work: Work) -> None:
    slack.lose_answer("chat.postMessage", times=2)
    channel = declare(slack, work)
    assert len(slack.workspace.find_channel("incidents").messages) == 1
    assert headline_of(slack, channel)
    assert failed() == []


def test_closing_at_once_says_resolved_and_closed_once_each(slack: SlackStandIn, work: Work) -> None:
    from incidents.actions.incident import change_status

    channel = declare(slack, work)
    change_status(
        incident=channel.incident,
        status="closed",
        closure_reason="resolved",
        by=make_person("ada"),
        now=timezone.now(),
    )
    work()
    said = [text for text in slack.workspace.find_channel(channel.name).texts() if text.startswith("Status")]
    assert said == ["Status: *Resolved*", "Status: *Closed*"]


def test_what_is_internal_may_be_listed_by_anybody(slack: SlackStandIn, work: Work) -> None:
    make_incident(title="Open to all")
    slack.command("mallory", "list", where="incidents")
    work()
    assert "Open to all" in str(slack.seen_by("mallory"))
