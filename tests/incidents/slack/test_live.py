"""The channel while the incident goes on, and what Slack being slow, full or away does to it: nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents import signals
from incidents.actions.incident import assign_role, change_incident, change_status, declare_incident
from incidents.actions.update import post_update
from incidents.chat import lanes, outbox
from incidents.lacks import remind_of_lacks
from incidents.models import Delivery, Incident, Severity
from incidents.slack import naming
from incidents.slack.models import SlackChannel, SlackSettings
from incidents.slack.settings import PIN_EMOJI
from tests.builders import make_incident, make_person
from tests.incidents.slack.fixtures import Work, declare, failed, headline_of, unfinished
from tests.stand_ins.slack import SlackStandIn


def declared_here(**more: Any) -> Incident:
    """On the page, not in Slack."""
    ada = make_person("ada")
    fields = {"title": "Checkout answers 503", "severity": Severity.objects.get(rank=2)} | more
    return declare_incident(by=ada, now=timezone.now(), **fields)


def choose(**fields: Any) -> None:
    SlackSettings.objects.update_or_create(pk=1, defaults={"pin_emoji": PIN_EMOJI, **fields})


def test_what_is_declared_on_the_page_gets_its_channel_too(slack: SlackStandIn, work: Work) -> None:
    incident = declared_here()
    work()
    channel = SlackChannel.objects.get(incident=incident)
    assert slack.workspace.find_user("ada").id in slack.workspace.find_channel(channel.name).members


def test_the_headline_is_edited_and_never_posted_again(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    incident, ada = channel.incident, make_person("ada")
    for status in ("identified", "mitigated", "resolved"):
        change_status(incident=incident, status=status, by=ada, now=timezone.now())
        work()
    change_incident(incident=incident, title="Checkout answered 503", by=ada, now=timezone.now())
    work()
    there = slack.workspace.find_channel(channel.name)
    marks = [one.get("metadata", {}).get("event_payload", {}).get("name") for one in there.messages.values()]
    assert marks.count("headline") == 1
    assert "Resolved" in headline_of(slack, channel)
    assert "Checkout answered 503" in headline_of(slack, channel)
    assert len(slack.called("chat.update")) >= 4
    assert len(there.pins) == 1


def test_the_menus_and_buttons_of_the_headline_drive_the_incident(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    there, ts = channel.name, channel.headline_ts
    number = channel.incident.number
    assert slack.press("ada", there, ts, "set_status", option=f"{number}:mitigated").ok
    assert slack.press("ada", there, ts, "set_severity", option=f"{number}:{Severity.objects.get(rank=1).pk}").ok
    assert slack.press("ada", there, ts, "take_command").ok
    work()
    channel.incident.refresh_from_db()
    assert (channel.incident.status, channel.incident.severity.name) == ("mitigated", "SEV1")
    assert channel.incident.roles.get(role="commander").user == make_person("ada")
    assert "commander" in headline_of(slack, channel)
    assert failed() == []


def test_a_deleted_headline_comes_back_once(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.workspace.find_channel(channel.name).messages.pop(channel.headline_ts)
    change_status(incident=channel.incident, status="identified", by=make_person("ada"), now=timezone.now())
    work()
    assert "Identified" in headline_of(slack, channel)


def test_slack_being_down_keeps_nothing_from_happening_and_is_caught_up(slack: SlackStandIn, work: Work) -> None:
    slack.down()
    incident, ada = declared_here(), make_person("ada")
    change_status(incident=incident, status="mitigated", by=ada, now=timezone.now())
    post_update(incident=incident, text="We are on it", by=ada, now=timezone.now())
    for lane in lanes.waiting_lanes(Delivery, timezone.now()):
        lanes.work(Delivery, lane, _deliver)
    assert not SlackChannel.objects.exists()
    assert any("Slack" in one for one in unfinished())
    slack.up()
    Delivery.objects.update(due_at=timezone.now())
    work()
    channel = SlackChannel.objects.get(incident=incident)
    assert "Mitigated" in headline_of(slack, channel)
    texts = slack.workspace.find_channel(channel.name).texts()
    assert next(text for text in texts if text.startswith(("Status", "Update"))) == "Status: *Mitigated*"
    assert sum(text.startswith("Update on") for text in texts) == 1
    assert failed() == []


def _deliver(delivery: Delivery) -> None:
    from incidents.chat import registry

    registry.deliver(delivery)


@pytest.mark.parametrize(
    "method",
    ["conversations.create", "chat.postMessage", "conversations.setTopic", "pins.add", "bookmarks.add", "chat.update"],
)
def test_an_answer_that_got_lost_doubles_nothing(slack: SlackStandIn, work: Work, method: str) -> None:
    slack.lose_answer(method)
    channel = declare(slack, work)
    change_status(incident=channel.incident, status="identified", by=make_person("ada"), now=timezone.now())
    work()
    assert failed() == []
    assert unfinished() == []
    names = [one.name for one in slack.workspace.channels.values()]
    assert sum(name.startswith("inc-") for name in names) == 1
    there = slack.workspace.find_channel(channel.name)
    assert sum("blocks" in one and "header" in str(one["blocks"]) for one in there.messages.values()) == 1
    assert len(there.bookmarks) == 1
    assert len(slack.workspace.find_channel("incidents").messages) == 1


def test_being_asked_to_wait_is_respected_and_loses_nothing(slack: SlackStandIn, work: Work) -> None:
    slack.limit("chat.postMessage", times=2, retry_after=1)
    channel = declare(slack, work)
    assert failed() == []
    assert headline_of(slack, channel)
    posts = [one for one in slack.calls if one.method == "chat.postMessage"]
    assert [one.status for one in posts[:3]] == [429, 429, 200]
    assert slack.trouble.too_early == []


def test_what_can_never_be_done_is_shown_with_its_reason_and_can_be_tried_again(
    slack: SlackStandIn, work: Work
) -> None:
    slack.workspace.scopes.discard("channels:manage")
    incident = declared_here()
    work()
    row = Delivery.objects.get(kind="incident")
    assert row.state == "failed"
    assert "channels:manage" in row.problem
    slack.workspace.scopes.add("channels:manage")
    outbox.try_again(row, timezone.now())
    work()
    assert SlackChannel.objects.get(incident=incident)


def test_a_taken_name_gets_a_number(slack: SlackStandIn, work: Work) -> None:
    slack.channel("inc-1-checkout-answers-503", ["ben"], bot=False)
    channel = declare(slack, work)
    assert channel.name == "inc-1-checkout-answers-503-2"


def test_who_gets_a_role_and_the_groups_of_the_settings_are_invited(slack: SlackStandIn, work: Work) -> None:
    slack.group("oncall", users=["cy"])
    choose(invite=["@oncall", "nobody@example.org"])
    channel = declare(slack, work)
    there = slack.workspace.find_channel(channel.name)
    assert slack.workspace.find_user("cy").id in there.members
    ada, ben = make_person("ada"), make_person("ben")
    assign_role(incident=channel.incident, role="scribe", user=ben, by=ada, now=timezone.now())
    work()
    assert slack.workspace.find_user("ben").id in there.members


def test_becoming_restricted_takes_the_announcement_away_and_says_what_a_person_must_do(
    slack: SlackStandIn, work: Work
) -> None:
    channel = declare(slack, work)
    change_incident(incident=channel.incident, visibility="restricted", by=make_person("ada"), now=timezone.now())
    work()
    assert slack.workspace.find_channel("incidents").messages == {}
    assert any("only a person can make it private" in one for one in failed())


def test_closing_again_moves_the_day_of_archiving(slack: SlackStandIn, work: Work) -> None:
    choose(archive_after_days=2)
    incident, ada, now = declare(slack, work).incident, make_person("ada"), timezone.now()
    closed = {"incident": incident, "status": "closed", "closure_reason": "false_positive", "by": ada}
    change_status(**closed, now=now)
    change_status(incident=incident, status="investigating", reason="It is back.", by=ada, now=now)
    change_status(**closed, now=now + timedelta(days=1))
    row = Delivery.objects.get(kind="archive")
    assert row.due_at == now + timedelta(days=3)


def test_without_a_central_channel_nothing_is_announced(slack: SlackStandIn, work: Work) -> None:
    choose(central_channel="")
    declare(slack, work)
    assert failed() == []
    assert slack.workspace.find_channel("incidents").messages == {}


def test_reminders_come_with_buttons_and_are_snoozed(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    there = slack.workspace.find_channel(channel.name)
    now = timezone.now()
    Incident.objects.update(declared_at=now - timedelta(minutes=6))
    remind_of_lacks(now)
    work()
    ts, message = list(there.messages.items())[-1]
    assert message["text"] == "Nobody commands this incident yet."
    assert slack.press("ada", there, ts, "snooze_reminder:30").ok
    work()
    assert channel.incident.reminders.get(kind="commander").snoozed_until is not None
    assert failed() == []


def test_seen_before_is_said_once_matching_has_something(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    match = {"title": "INC-17 Checkout fell", "address": "https://d.example/incidents/17/", "reason": "same workload"}
    signals.incident_matched.send(Incident, incident_id=channel.incident_id, at=timezone.now(), matches=[match])
    work()
    shown = str(list(slack.workspace.find_channel(channel.name).messages.values())[-1])
    assert "INC-17 Checkout fell" in shown
    assert "same workload" in shown


def test_a_closed_incidents_channel_is_archived_with_the_last_word(slack: SlackStandIn, work: Work) -> None:
    choose(archive_after_days=3)
    channel = declare(slack, work)
    ada = make_person("ada")
    change_status(incident=channel.incident, status="closed", closure_reason="cancelled", by=ada, now=timezone.now())
    work()
    there = slack.workspace.find_channel(channel.name)
    assert not there.archived
    Delivery.objects.filter(kind="archive").update(due_at=timezone.now())
    work()
    assert there.archived
    assert any(text.startswith("This channel is archived now.") for text in there.texts())


def test_slack_switched_off_leaves_everything_as_it_was(settings: Any, db: None) -> None:
    settings.SLACK_BOT_TOKEN = ""
    make_incident()
    assert not Delivery.objects.filter(service="slack").exists()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Checkout answers 503", "inc-7-checkout-answers-503"),
        ("Größe ändern: 100 % weg!", "inc-7-grosse-andern-100-weg"),
        ("結帳失敗", "inc-7"),
        ("--- ___ ...", "inc-7-___"),
        ("x" * 200, "inc-7-" + "x" * 74),
        ("<script>alert(1)</script>", "inc-7-script-alert-1-script"),
    ],
)
def test_names_are_what_slack_takes(title: str, name: str) -> None:
    incident = Incident(number=7, title=title, severity=Severity(name="SEV2"), declared_at=timezone.now())
    assert naming.channel_name(incident, "inc-{number}-{title}") == name


@pytest.mark.parametrize(
    "template", ["inc-{title}", "{number", "{number.__class__}", "{nobody}-{number}", "{number!r:{x}}"]
)
def test_templates_that_cannot_be_used_are_told_and_do_no_harm(template: str) -> None:
    incident = Incident(number=7, title="A", severity=Severity(name="SEV2"), declared_at=timezone.now())
    assert naming.check_template(template)
    assert naming.channel_name(incident, template) == "inc-7-a"


def test_a_topic_is_cut_but_its_address_never() -> None:
    incident = Incident(number=7, title="x" * 200, severity=Severity(name="SEV2"), declared_at=timezone.now())
    address = "https://debrief.example.org/incidents/7/" + "y" * 60
    topic = naming.topic(incident, address)
    assert len(topic) <= 250
    assert topic.endswith(address)
