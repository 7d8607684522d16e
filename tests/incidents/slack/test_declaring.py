"""Declaring from Slack, whichever way it begins, and what stands in Slack a moment later."""

from __future__ import annotations

from incidents.models import Incident
from incidents.slack.models import SlackChannel
from tests.builders import make_snapshot
from tests.incidents.slack.fixtures import Work, failed
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn


def open_form(slack: SlackStandIn, who: str, title: str = "") -> None:
    assert slack.command(who, f"new {title}".strip()).ok
    wait_for(lambda: slack.modal(who), "the form")


def declare(slack: SlackStandIn, work: Work, who: str = "ada", **values: object) -> SlackChannel:
    open_form(slack, who)
    submitted = slack.submit(who, {"title": "Checkout answers 503", **values})
    assert submitted.ok
    work()
    return SlackChannel.objects.select_related("incident").latest("pk")


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
