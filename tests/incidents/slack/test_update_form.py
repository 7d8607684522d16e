"""The form of an update: it changes what was chosen and nothing else, and no word typed into it is lost."""

from __future__ import annotations

import re

from django.utils import timezone

from incidents.actions.incident import change_incident, change_status
from incidents.models import IncidentUpdate, Severity
from incidents.slack import blocks, mrkdwn
from incidents.slack.models import SlackChannel
from tests.builders import make_person
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn

# Each sign of it needs another before it to be shown as typed.
SIGNS = ("pod a*b [x](y) #1 my_var > 2 " * 100)[:2900]


def opened(slack: SlackStandIn, work: Work, **values: object) -> SlackChannel:
    channel = declare(slack, work, who="ben", **values)
    assert slack.command("ada", f"update {channel.incident.key}", where="incidents").ok
    wait_for(lambda: slack.modal("ada"), "the form")
    return channel


def moved(channel: SlackChannel, status: str, **more: str) -> None:
    now = timezone.now()
    change_status(incident=channel.incident, status=status, by=make_person("ben"), now=now, **more)


def test_what_others_changed_meanwhile_stays_changed(slack: SlackStandIn, work: Work) -> None:
    channel = opened(slack, work, severity=str(Severity.objects.get(name="SEV3").pk))
    incident, sev1 = channel.incident, Severity.objects.get(name="SEV1")
    moved(channel, "mitigated")
    change_incident(incident=incident, severity=sev1, by=make_person("ben"), now=timezone.now())
    assert slack.submit("ada", {"text": "Only words"}).ok
    work()
    incident.refresh_from_db()
    assert (incident.status, incident.severity, IncidentUpdate.objects.get().text) == ("mitigated", sev1, "Only words")


def test_a_severity_that_nobody_chose_stays_open(slack: SlackStandIn, work: Work) -> None:
    channel = opened(slack, work)
    view = slack.modal("ada")
    assert view is not None
    shown = next(one for one in view["blocks"] if one["block_id"] == "severity")
    assert shown["optional"]
    assert "initial_option" not in shown["element"]
    assert slack.submit("ada", {"text": "Only words"}).ok
    work()
    channel.incident.refresh_from_db()
    assert channel.incident.severity_is_open


def test_what_was_chosen_is_done(slack: SlackStandIn, work: Work) -> None:
    channel = opened(slack, work)
    sev1 = Severity.objects.get(name="SEV1")
    assert slack.submit("ada", {"text": "Found", "status": "identified", "severity": str(sev1.pk)}).ok
    work()
    channel.incident.refresh_from_db()
    incident = channel.incident
    assert (incident.status, incident.severity, incident.severity_is_open) == ("identified", sev1, False)


def test_one_resolved_meanwhile_keeps_the_form_and_takes_the_words(slack: SlackStandIn, work: Work) -> None:
    channel = opened(slack, work)
    moved(channel, "resolved")
    told = slack.submit("ada", {"text": "Found the cause", "status": "identified"})
    assert "is resolved by now" in told.errors["status"]
    assert slack.modal("ada") is not None
    assert slack.submit("ada", {"text": "Found the cause", "status": "investigating"}).ok
    work()
    channel.incident.refresh_from_db()
    assert channel.incident.status == "resolved"
    assert IncidentUpdate.objects.get().text == "Found the cause"


def test_one_closed_between_the_form_and_the_deed_loses_no_word(slack: SlackStandIn, work: Work) -> None:
    channel = opened(slack, work)
    assert slack.submit("ada", {"text": "Found the cause", "status": "identified"}).ok
    moved(channel, "closed", closure_reason="false_positive")
    work()
    channel.incident.refresh_from_db()
    assert channel.incident.status == "closed"
    assert IncidentUpdate.objects.get().text == "Found the cause"
    assert failed() == []


def test_the_form_of_a_closed_one_asks_for_no_status(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work, who="ben")
    moved(channel, "resolved")
    assert slack.command("ada", f"update {channel.incident.key}", where="incidents").ok
    view = wait_for(lambda: slack.modal("ada"), "the form")
    assert [one["block_id"] for one in view["blocks"] if one["type"] == "input"] == ["text", "severity", "next_in"]


def test_one_too_long_as_markdown_keeps_the_form(slack: SlackStandIn, work: Work) -> None:
    opened(slack, work)
    told = slack.submit("ada", {"text": SIGNS})
    assert "3,000 are possible" in told.errors["text"]
    assert slack.submit("ada", {"text": SIGNS[:2000]}).errors == {}
    work()
    assert IncidentUpdate.objects.count() == 1


def test_a_long_update_reaches_the_channel_whole(slack: SlackStandIn, work: Work) -> None:
    channel = opened(slack, work)
    text = "\n".join(f"{number}: a < b && c > d" for number in range(130))
    assert slack.submit("ada", {"text": text}).errors == {}
    work()
    said = [one for one in slack.workspace.find_channel(channel.name).messages.values() if "Update on" in one["text"]]
    told = "\n".join(block["text"]["text"] for block in said[0]["blocks"][1:])
    assert [re.sub(r"\D.*", "", line) for line in told.splitlines()] == [str(number) for number in range(130)]
    assert told.count("a &lt; b &amp;&amp; c &gt; d") == 130


def test_a_long_text_is_parted_between_signs_and_links() -> None:
    for text in ("&amp;" * 2_000, "<https://example.org/|a link> " * 300, "word " * 2_000, "x" * 9_000):
        pieces = [one["text"]["text"] for one in blocks.sections(text)]
        assert "".join(pieces) == text
        assert all(len(one) <= blocks.SECTION for one in pieces)
        assert all(one.count("<") == one.count(">") and one.count("&") == one.count(";") for one in pieces)


def test_a_long_code_block_stays_one_in_each_piece() -> None:
    code = "\n".join(f"line {number}" for number in range(800))
    pieces = [one["text"]["text"] for one in blocks.sections(mrkdwn.from_markdown(f"```\n{code}\n```"))]
    assert len(pieces) > 2
    assert all(one.count("```") == 2 and len(one) <= blocks.SECTION for one in pieces)
    assert "".join(pieces).count("line ") == 800
