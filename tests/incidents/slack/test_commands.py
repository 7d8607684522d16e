"""`/incident …` with everything behind it: one deed, one answer that only who asked sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from incidents.actions.incident import assign_role
from incidents.models import FollowUp, Incident, IncidentUpdate, RoleAssignment, TimelineEntry
from incidents.slack.commands import told_time
from incidents.slack.driving import COMMANDS, parse
from incidents.slack.models import SlackChannel, SlackPerson
from knowledge.matching import match_incident
from tests.builders import make_incident, make_person
from tests.incidents.slack.fixtures import Work, declare, failed, headline_of
from tests.stand_ins.slack import SlackStandIn


@pytest.fixture
def channel(slack: SlackStandIn, work: Work) -> SlackChannel:
    found = declare(slack, work)
    slack.join("ben", found.name)
    slack.join("mallory", found.name)
    return found


def asked(slack: SlackStandIn, work: Work, text: str, who: str = "ada", where: str = "incidents") -> str:
    """What only `who` sees after the command was worked on."""
    before = len(slack.seen_by(who))
    assert slack.command(who, text, where=where).ok
    work()
    assert failed() == []
    return str(slack.seen_by(who)[before:])


@pytest.mark.parametrize(
    ("text", "name", "number", "rest"),
    [
        ("", "", None, ""),
        ("status INC-42 mitigated", "status", 42, "mitigated"),
        ("INC-42 status mitigated", "status", 42, "mitigated"),
        ("inc-42", "status", 42, ""),
        ("STATUS mitigated it is over", "status", None, "mitigated it is over"),
        ("update\u00a0now", "update", None, "now"),
        ("dance", "help", None, ""),
        ("x" * 40_000, "help", None, ""),
    ],
)
def test_a_command_is_read_whichever_way_it_is_put(text: str, name: str, number: int | None, rest: str) -> None:
    said = parse(text)
    assert (said.name, said.number, said.rest) == (name, number, rest)


def test_help_names_every_command(slack: SlackStandIn) -> None:
    answer = slack.command("mallory", "help", where="incidents")
    assert answer.ok
    shown = str(slack.seen_by("mallory"))
    assert all(f"/incident {name}" in shown for name in COMMANDS)


def test_status_moves_the_incident_and_the_headline_follows(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    told = asked(slack, work, "status identified the release was it", where=channel.name)
    assert "is identified" in told
    channel.incident.refresh_from_db()
    assert channel.incident.status == "identified"
    assert "Identified" in headline_of(slack, channel)
    assert "Status: *Identified*" in slack.workspace.find_channel(channel.name).texts()
    assert slack.workspace.find_channel(channel.name).topic.startswith("SEV3 | Identified")


def test_mitigated_resolved_and_reopening_keep_their_rules(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    assert "is mitigated" in asked(slack, work, "mitigated", where=channel.name)
    assert "is resolved" in asked(slack, work, "resolved", where=channel.name)
    assert "say why it is opened again" in asked(slack, work, "status investigating", where=channel.name)
    assert "is investigating" in asked(slack, work, "status investigating it came back", where=channel.name)
    assert channel.incident.timeline.filter(title__startswith="Reopened").exists()


def test_an_unknown_status_and_severity_say_what_was_expected(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    assert "expected one of investigating" in asked(slack, work, "status burning", where=channel.name)
    assert "expected one of SEV1" in asked(slack, work, "severity 9", where=channel.name)


def test_severity_is_changed_by_name_or_number(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    assert "is SEV1" in asked(slack, work, "severity 1", where=channel.name)
    channel.incident.refresh_from_db()
    assert channel.incident.severity.name == "SEV1"
    assert not channel.incident.severity_is_open
    assert "SEV1" in headline_of(slack, channel)


def test_a_role_is_taken_and_given(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    assert "is commander" in asked(slack, work, "role commander", where=channel.name)
    ben = slack.workspace.find_user("ben").id
    assert "is scribe" in asked(slack, work, f"role scribe <@{ben}|ben>", where=channel.name)
    assert set(RoleAssignment.objects.exclude(role="responder").values_list("role", "user__username")) == {
        ("commander", "ada"),
        ("scribe", "ben"),
    }
    mallory = slack.workspace.find_user("mallory").id
    assert "not linked" in asked(slack, work, f"role scribe <@{mallory}>", where=channel.name)
    assert "name somebody with @" in asked(slack, work, "role scribe Ben", where=channel.name)


def test_an_update_reaches_the_channel_the_announcement_and_the_timeline(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    asked(slack, work, "update We *know* the cause", where=channel.name)
    assert IncidentUpdate.objects.get().posted_by == make_person("ada")
    there = slack.workspace.find_channel(channel.name)
    assert any(text.startswith(f"Update on {channel.incident.key}") for text in there.texts())
    channel.refresh_from_db()
    replies = slack.workspace.find_channel("incidents").replies(channel.central_ts)
    assert [one["text"][:9] for one in replies] == ["Update on"]
    assert "We" in headline_of(slack, channel)


def test_a_line_is_added_at_its_own_time(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    asked(slack, work, "timeline 03:12 Paged the database team", where=channel.name)
    line = TimelineEntry.objects.get(text="Paged the database team")
    assert (line.occurred_at.hour, line.occurred_at.minute) in {(3, 12), (2, 12), (1, 12)}
    assert line.occurred_at <= timezone.now()
    assert line.actor == make_person("ada")
    assert "The whole timeline" in asked(slack, work, "timeline", where=channel.name)


def test_a_time_is_that_of_where_the_person_is() -> None:
    berlin = SlackPerson(slack_id="U1", name="x", zone="Europe/Berlin")
    now = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    assert told_time("03:12 x", berlin, now) == (datetime(2026, 11, 21, 2, 12, tzinfo=UTC), "x")
    assert told_time("03:45 x", berlin, now) == (datetime(2026, 11, 20, 2, 45, tzinfo=UTC), "x")
    assert told_time("no time", berlin, now) == (now, "no time")


def test_a_followup_is_created(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    told = asked(slack, work, "followup Two replicas at least", where=channel.name)
    made = FollowUp.objects.get()
    assert made.title == "Two replicas at least"
    assert made.key in told


def test_evidence_seen_and_postmortem_answer(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    assert "questions asked" in asked(slack, work, "evidence", where=channel.name)
    assert "on record" in asked(slack, work, "seen", where=channel.name)
    assert channel.incident.key in asked(slack, work, "postmortem", where=channel.name)


def test_seen_tells_what_it_has_in_common_with_earlier_ones(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    before = channel.incident.declared_at - timedelta(days=1)
    earlier = make_incident(title="Checkout once before", services=["checkout"], labels=["probes"], now=before)
    Incident.objects.filter(pk=channel.incident_id).update(services=["checkout"], labels=["probes"])
    for pk in (earlier.pk, channel.incident_id):
        match_incident(pk, channel.incident.declared_at)
    told = asked(slack, work, "seen", where=channel.name)
    assert f"{earlier.key} Checkout once before" in told
    assert "checkout" in told


def test_the_list_shows_what_this_person_may_see(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    hidden = make_incident(title="Keys leaked", visibility="restricted", by=make_person("ben"))
    assert "Keys leaked" not in asked(slack, work, "list", who="ada")
    assert "Keys leaked" in asked(slack, work, "list", who="ben")
    told = asked(slack, work, "list", who="mallory")
    assert "Checkout answers 503" in told
    assert "Keys leaked" not in told
    assert f"There is no {hidden.key} that you may see" in asked(slack, work, f"status {hidden.key}", who="ada")
    assert "There is no INC-999 that you may see" in asked(slack, work, "status INC-999", who="ada")


def test_without_an_incident_the_answer_says_how_to_name_one(slack: SlackStandIn, work: Work) -> None:
    assert "Name one" in asked(slack, work, "status mitigated")


def test_a_stranger_and_a_viewer_change_nothing(slack: SlackStandIn, work: Work, channel: SlackChannel) -> None:
    slack.join("cy", channel.name)
    assert "not linked" in asked(slack, work, "mitigated", who="mallory", where=channel.name)
    assert "needs the role responder" in asked(slack, work, "mitigated", who="cy", where=channel.name)
    channel.incident.refresh_from_db()
    assert channel.incident.status == "investigating"


@pytest.mark.parametrize("text", ["status", "timeline", "evidence", "seen", "postmortem", "role", "severity SEV1"])
def test_a_stranger_is_asked_for_a_linked_account(
    slack: SlackStandIn, work: Work, channel: SlackChannel, text: str
) -> None:
    told = asked(slack, work, text, who="mallory", where=channel.name)
    assert "is not linked" in told
    assert channel.incident.title not in told


def test_a_stranger_reads_the_list_and_a_viewer_everything(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    assert channel.incident.title in asked(slack, work, "list", who="mallory")
    assert channel.incident.title in asked(slack, work, f"status {channel.incident.key}", who="cy")


def test_hostile_words_call_nobody_and_format_nothing(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, title="<!channel> *bold* <http://evil|Slack> @here &lt;")
    shown = headline_of(slack, channel)
    assert "<!channel>" not in shown.replace("'text': 'INC-1 <!channel>", "")
    section = slack.workspace.find_channel("incidents").messages[channel.central_ts]["blocks"][0]["text"]["text"]
    assert "<!channel>" not in section
    assert "<http://evil" not in section


def test_the_commander_of_a_long_night_is_in_the_headline(
    slack: SlackStandIn, work: Work, channel: SlackChannel
) -> None:
    ada = make_person("ada")
    assign_role(incident=channel.incident, role="commander", user=ada, by=ada, now=timezone.now())
    work()
    assert f"{ada.display_name} (commander)" in headline_of(slack, channel)
