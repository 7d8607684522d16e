"""The whole night, with everything real but Slack and the sources: from a form at 03:12 to the digest next week."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from incidents.chat import outbox
from incidents.models import Attachment, Delivery, FollowUp, Incident, Picture, Severity, TimelineEntry
from incidents.slack import digest
from incidents.slack.lines import moment
from incidents.slack.models import SlackChannel, SlackMessage, SlackRequest
from tests import database, running
from tests.builders import make_cluster, make_person, make_snapshot, make_source
from tests.incidents.slack.fixtures import failed, headline_of
from tests.running import wait_for
from tests.stand_ins.outage_series import Measured
from tests.stand_ins.prometheus import PrometheusStandIn
from tests.stand_ins.server import Reply
from tests.stand_ins.slack import SlackStandIn

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(240)]
ALERT = {"__name__": "ALERTS", "alertname": "CheckoutErrors", "alertstate": "firing", "namespace": "shop"}


class Alerting(PrometheusStandIn):
    """One alert that has been firing for three minutes; nothing else was measured."""

    def __init__(self) -> None:
        super().__init__()
        since = time.time() - 180
        self.alert = Measured(ALERT, lambda at: 1.0 if since <= at <= time.time() else None)

    def range(self, fields: dict[str, str]) -> Reply:
        self.series = [self.alert] if "ALERTS" in fields.get("query", "") else []
        return super().range(fields)


@pytest.fixture
def night(running_slack: SlackStandIn, tmp_path: Path) -> Iterator[SlackStandIn]:
    """With the clock's process as well, and a Prometheus whose alert is firing."""
    environment = {**database.environment(), **running_slack.settings()}
    with (
        Alerting() as prometheus,
        running.process(running.beat_command(tmp_path), environment=environment, log=tmp_path / "beat.log"),
    ):
        cluster = make_cluster()
        make_source(url=prometheus.url, cluster=cluster, allow_private=True, options={"scrape_seconds": 20})
        make_snapshot(cluster=cluster, kind="Deployment", namespace="shop", name="checkout")
        yield running_slack


def settled(slack: SlackStandIn, seconds: float = 60) -> None:
    """Until Slack has sent everything and Debrief has done everything that is due."""
    slack.wait_sent()
    wait_for(lambda: not waiting(), "everything to be done", seconds)


def waiting() -> list[str]:
    now = timezone.now()
    due = [*SlackRequest.objects.filter(state="waiting"), *Delivery.objects.filter(state="waiting", due_at__lte=now)]
    under_way = [*SlackRequest.objects.filter(state="working"), *Delivery.objects.filter(state="working")]
    return [str(row) for row in [*due, *under_way]]


def seen(slack: SlackStandIn, who: str, words: str) -> str:
    """What only they see, as soon as it holds `words`."""
    return wait_for(lambda: next((str(one) for one in slack.seen_by(who) if words in str(one)), ""), words)


def form(slack: SlackStandIn, who: str, open_it: Callable[[], Any], field: str) -> None:
    """Opens a form, until it is there with this field."""
    assert open_it().ok
    wait_for(lambda: field in str(slack.modal(who)), f"a form with {field}")


def declared(slack: SlackStandIn) -> SlackChannel:
    form(slack, "ada", lambda: slack.command("ada", "new Checkout answers 503", where="general"), "places")
    assert "Checkout answers 503" in str(slack.modal("ada"))
    value = next(one["value"] for one in slack.suggest("ada", "place", "check") if one["value"].startswith("o:"))
    assert slack.submit("ada", {"place": [value], "summary": "Since the release of 1.42.0"}).ok
    channel = wait_for(lambda: SlackChannel.objects.exclude(headline_ts="").first(), "the channel", 10)
    slack.close("ada")
    return channel


def test_the_whole_night(night: SlackStandIn) -> None:
    slack = night
    # 03:12: declared from the form.
    channel = declared(slack)
    incident = channel.incident
    where, there = channel.name, slack.workspace.find_channel(channel.channel_id)
    assert incident.workloads == [{"kind": "Deployment", "namespace": "shop", "name": "checkout"}]
    wait_for(lambda: channel.headline_ts in there.pins, "the pinned headline")
    ada_there = slack.workspace.find_user("ada").id
    wait_for(lambda: ada_there in there.members, "ada's invitation")
    wait_for(lambda: "INC-1" in str(slack.messages("incidents")), "the announcement")
    first_headline = channel.headline_ts

    # The alert attaches by itself.
    alert = wait_for(lambda: TimelineEntry.objects.filter(incident=incident, source="alert").first(), "the alert")
    assert "CheckoutErrors" in alert.title
    wait_for(lambda: "1 items" in headline_of(slack, channel), "the evidence in the headline", 30)

    # People talk; some of it belongs on the timeline.
    slack.join("ben", where)
    slack.join("mallory", where)
    one = slack.say("ben", where, "Since 03:07, *checkout* answers `503`")
    two = slack.say("mallory", where, "Payments as well?")
    slack.say("ben", where, "coffee first")
    reply = slack.say("ada", where, "No, <@U0> only checkout".replace("<@U0>", f"<@{slack.user('ben').id}>"), thread_ts=two["ts"])  # fmt: skip
    wrong = slack.say("ben", where, "It is the database")
    slack.pin("ada", where, one)
    slack.react("ben", where, two, "pushpin")
    slack.pin("ada", where, wrong)
    picture = slack.upload("ben", where, slack.file("latency.png"), "p99 over 4 s")
    logs = slack.upload("ben", where, slack.file("pods.txt", b"CrashLoopBackOff", "text/plain"), "the pods")
    slack.pin("ada", where, picture)
    slack.react("ada", where, logs, "round_pushpin")
    settled(slack)
    slack.edit("ben", where, one, "Since *03:09*, checkout answers `503`")
    slack.delete("ben", where, wrong)
    later = slack.say("mallory", where, "Then it is the release", thread_ts=two["ts"])
    settled(slack)

    # The headline's menus and buttons drive it.
    number = incident.number
    assert slack.press("ada", where, first_headline, "take_command").ok
    sev1 = Severity.objects.get(rank=1)
    assert slack.press("ada", where, first_headline, "set_severity", option=f"{number}:{sev1.pk}").ok
    assert slack.press("ada", where, first_headline, "set_status", option=f"{number}:mitigated").ok
    settled(slack)
    form(slack, "ada", lambda: slack.press("ada", where, first_headline, "open_update"), "next_in")
    assert slack.submit("ada", {"text": "Rolled back to *1.41.7*; checkout answers again."}).ok
    settled(slack)
    form(slack, "ada", lambda: slack.press("ada", where, first_headline, "open_followup"), "What will be done?")
    assert slack.submit("ada", {"title": "Alert on the pool", "owner": slack.user("ada").id}).ok
    settled(slack)
    assert slack.command("ada", "resolved", where=where).ok
    settled(slack)
    incident.refresh_from_db()
    assert (incident.status, incident.severity) == ("resolved", sev1)
    assert "Resolved" in headline_of(slack, channel)
    assert slack.command("ada", "postmortem", where=where).ok
    assert f"/incidents/{number}/postmortem/" in seen(slack, "ada", "post-mortem")
    wait_for(lambda: "Post-mortem" in [one["title"] for one in there.bookmarks], "the post-mortem's bookmark")

    # Next week: what is overdue comes in the morning.
    followup = FollowUp.objects.get(incident=incident)
    FollowUp.objects.update(due_at=timezone.now() - timedelta(days=1))
    assert digest.due(datetime(2026, 11, 30, 9, 30, tzinfo=UTC)) >= 1
    Delivery.objects.filter(kind="digest").update(due_at=timezone.now(), created_at=timezone.now())
    for lane in Delivery.objects.filter(kind="digest").values_list("lane", flat=True):
        outbox.ask(lane)
    wait_for(lambda: followup.key in str(slack.messages(slack.direct("ada"))), "the digest")

    settled(slack)
    assert failed() == []
    _check_timeline(slack, incident, one, two, reply, later, wrong, picture, logs)
    _check_headline(slack, channel, first_headline)


def _check_timeline(
    slack: SlackStandIn,
    incident: Incident,
    one: dict[str, Any],
    two: dict[str, Any],
    reply: dict[str, Any],
    later: dict[str, Any],
    wrong: dict[str, Any],
    picture: dict[str, Any],
    logs: dict[str, Any],
) -> None:
    """Complete, in order, with right times and names."""
    ada, ben = make_person("ada").display_name, make_person("ben").display_name
    stranger = "Mallory (Slack user, not linked)"
    lines = list(incident.timeline.filter(source="chat", hidden=False).in_order())
    assert [(entry.title, entry.text, entry.occurred_at) for entry in lines] == [
        (ben, "Since **03:09**, checkout answers `503`", moment(one["ts"])),
        (stranger, "Payments as well?", moment(two["ts"])),
        (ada, "No, @ben only checkout", moment(reply["ts"])),
        (ben, "It is the database", moment(wrong["ts"])),
        (ben, "p99 over 4 s", moment(picture["ts"])),
        (ben, "the pods", moment(logs["ts"])),
        (stranger, "Then it is the release", moment(later["ts"])),
    ]
    assert [bool(entry.detail.get("edited")) for entry in lines] == [True, *[False] * 6]
    assert [entry.detail.get("deleted", "") for entry in lines] == ["", "", "", "Slack", "", "", ""]
    assert lines[4].detail["files"][0]["address"] == Picture.objects.get().get_absolute_url()
    assert lines[5].detail["files"][0]["address"] == Attachment.objects.get().get_absolute_url()
    assert SlackMessage.objects.filter(incident=incident).exclude(entry=None).count() == 7
    titles = list(incident.timeline.filter(source__in=["milestone", "note"]).in_order().values_list("title", flat=True))
    for words in ("declared", "mitigated", "resolved", "commander", "sev1"):
        assert any(words in title.lower() for title in titles), (words, titles)
    moments = list(incident.timeline.in_order().values_list("occurred_at", flat=True))
    assert moments == sorted(moments)


def _check_headline(slack: SlackStandIn, channel: SlackChannel, first: str) -> None:
    """Edited on every change, never posted again."""
    channel.refresh_from_db()
    assert channel.headline_ts == first
    posted = [call.arguments for call in slack.called("chat.postMessage")]
    named = [one["metadata"]["event_payload"]["name"] for one in posted if isinstance(one.get("metadata"), dict)]
    assert named.count("headline") == 1
    assert named.count("announcement") <= 1
    updates = [call for call in slack.called("chat.update") if call.arguments.get("ts") == first]
    # Changes of one moment are told together.
    assert len(updates) >= 2
