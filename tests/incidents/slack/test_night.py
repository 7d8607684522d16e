"""The whole night, with everything real but Slack and the sources: from a form at 03:12 to the digest next week."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
from tests.stand_ins.slack.workspace import Channel, Message

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


def form(slack: SlackStandIn, who: str, open_it: Callable[[], Any], name: str) -> None:
    """Opens a form, until it is there with this in it."""
    assert open_it().ok
    wait_for(lambda: name in str(slack.modal(who)), f"a form with {name}")


def declared(slack: SlackStandIn) -> SlackChannel:
    form(slack, "ada", lambda: slack.command("ada", "new Checkout answers 503", where="general"), "places")
    assert "Checkout answers 503" in str(slack.modal("ada"))
    value = next(one["value"] for one in slack.suggest("ada", "place", "check") if one["value"].startswith("o:"))
    assert slack.submit("ada", {"place": [value], "summary": "Since the release of 1.42.0"}).ok
    channel = wait_for(lambda: SlackChannel.objects.exclude(headline_ts="").first(), "the channel", 10)
    slack.close("ada")
    return channel


@dataclass(slots=True)
class Night:
    """An incident's channel with what was said in it."""

    slack: SlackStandIn
    channel: SlackChannel
    headline: str
    said: dict[str, Message] = field(default_factory=dict)

    @property
    def there(self) -> Channel:
        return self.slack.workspace.find_channel(self.channel.channel_id)

    @property
    def incident(self) -> Incident:
        return self.channel.incident


def test_the_whole_night(night: SlackStandIn) -> None:
    channel = declared(night)
    found = Night(night, channel, channel.headline_ts)
    _stands_in_slack(found)
    _alert_attaches(found)
    _people_talk(found)
    _what_was_said_changes(found)
    _headline_drives(found)
    _resolved_with_a_postmortem(found)
    _digest_next_week(found)
    settled(night)
    assert failed() == []
    _check_timeline(found)
    _check_headline(found)


def _stands_in_slack(night: Night) -> None:
    """Pinned headline, the invitation, the announcement."""
    assert night.incident.workloads == [{"kind": "Deployment", "namespace": "shop", "name": "checkout"}]
    wait_for(lambda: night.headline in night.there.pins, "the pinned headline")
    wait_for(lambda: night.slack.user("ada").id in night.there.members, "ada's invitation")
    wait_for(lambda: "INC-1" in str(night.slack.messages("incidents")), "the announcement")


def _alert_attaches(night: Night) -> None:
    """By itself."""
    alerts = TimelineEntry.objects.filter(incident=night.incident, source="alert")
    assert "CheckoutErrors" in wait_for(lambda: alerts.first(), "the alert").title
    wait_for(lambda: "1 items" in headline_of(night.slack, night.channel), "the evidence in the headline")


def _people_talk(night: Night) -> None:
    """Some of it belongs on the timeline."""
    slack, where, said = night.slack, night.channel.name, night.said
    slack.join("ben", where)
    slack.join("mallory", where)
    said["first"] = slack.say("ben", where, "Since 03:07, *checkout* answers `503`")
    said["asked"] = slack.say("mallory", where, "Payments as well?")
    slack.say("ben", where, "coffee first")
    answer = f"No, <@{slack.user('ben').id}> only checkout"
    said["answer"] = slack.say("ada", where, answer, thread_ts=said["asked"]["ts"])
    said["wrong"] = slack.say("ben", where, "It is the database")
    said["picture"] = slack.upload("ben", where, slack.file("latency.png"), "p99 over 4 s")
    pods = slack.file("pods.txt", b"CrashLoopBackOff", "text/plain")
    said["pods"] = slack.upload("ben", where, pods, "the pods")
    for name in ("first", "wrong", "picture"):
        slack.pin("ada", where, said[name])
    slack.react("ben", where, said["asked"], "pushpin")
    slack.react("ada", where, said["pods"], "round_pushpin")
    settled(slack)


def _what_was_said_changes(night: Night) -> None:
    slack, where, said = night.slack, night.channel.name, night.said
    slack.edit("ben", where, said["first"], "Since *03:09*, checkout answers `503`")
    slack.delete("ben", where, said["wrong"])
    said["late"] = slack.say("mallory", where, "Then it is the release", thread_ts=said["asked"]["ts"])
    settled(slack)


def _headline_drives(night: Night) -> None:
    """Its menus and buttons, and the forms behind them."""
    slack, where, ts, number = night.slack, night.channel.name, night.headline, night.incident.number
    severity = Severity.objects.get(rank=1)
    assert slack.press("ada", where, ts, "take_command").ok
    assert slack.press("ada", where, ts, "set_severity", option=f"{number}:{severity.pk}").ok
    assert slack.press("ada", where, ts, "set_status", option=f"{number}:mitigated").ok
    settled(slack)
    form(slack, "ada", lambda: slack.press("ada", where, ts, "open_update"), "next_in")
    assert slack.submit("ada", {"text": "Rolled back to *1.41.7*; checkout answers again."}).ok
    settled(slack)
    form(slack, "ada", lambda: slack.press("ada", where, ts, "open_followup"), "What will be done?")
    assert slack.submit("ada", {"title": "Alert on the pool", "owner": slack.user("ada").id}).ok
    settled(slack)
    texts = night.there.texts()
    assert any(text.startswith("Update on INC-1 by") for text in texts)
    assert "Status: *Mitigated*" in texts


def _resolved_with_a_postmortem(night: Night) -> None:
    slack, where = night.slack, night.channel.name
    assert slack.command("ada", "resolved", where=where).ok
    settled(slack)
    night.incident.refresh_from_db()
    assert (night.incident.status, night.incident.severity.rank) == ("resolved", 1)
    assert "Resolved" in headline_of(slack, night.channel)
    assert slack.command("ada", "postmortem", where=where).ok
    assert "/incidents/1/postmortem/" in seen(slack, "ada", "post-mortem")
    wait_for(lambda: "Post-mortem" in [one["title"] for one in night.there.bookmarks], "the post-mortem's bookmark")


def _digest_next_week(night: Night) -> None:
    """What is overdue, in the morning, to whom it belongs."""
    FollowUp.objects.update(due_at=timezone.now() - timedelta(days=1))
    assert digest.due(datetime(2026, 11, 30, 9, 30, tzinfo=UTC)) >= 1
    rows = Delivery.objects.filter(kind="digest")
    rows.update(due_at=timezone.now(), created_at=timezone.now())
    for lane in rows.values_list("lane", flat=True):
        outbox.ask(lane)
    key = FollowUp.objects.get(incident=night.incident).key
    wait_for(lambda: key in str(night.slack.messages(night.slack.direct("ada"))), "the digest")


def _check_timeline(night: Night) -> None:
    """Complete, in order, with right times and names."""
    ada, ben = make_person("ada").display_name, make_person("ben").display_name
    stranger, said, incident = "Mallory (Slack user, not linked)", night.said, night.incident
    lines = list(incident.timeline.filter(source="chat", hidden=False).in_order())
    assert [(entry.title, entry.text, entry.occurred_at) for entry in lines] == [
        (ben, "Since **03:09**, checkout answers `503`", moment(said["first"]["ts"])),
        (stranger, "Payments as well?", moment(said["asked"]["ts"])),
        (ada, "No, @ben only checkout", moment(said["answer"]["ts"])),
        (ben, "It is the database", moment(said["wrong"]["ts"])),
        (ben, "p99 over 4 s", moment(said["picture"]["ts"])),
        (ben, "the pods", moment(said["pods"]["ts"])),
        (stranger, "Then it is the release", moment(said["late"]["ts"])),
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


def _check_headline(night: Night) -> None:
    """Edited on every change, never posted again."""
    night.channel.refresh_from_db()
    assert night.channel.headline_ts == night.headline
    posted = [call.arguments for call in night.slack.called("chat.postMessage")]
    named = [one["metadata"]["event_payload"]["name"] for one in posted if isinstance(one.get("metadata"), dict)]
    assert named.count("headline") == 1
    assert named.count("announcement") <= 1
    updates = [call for call in night.slack.called("chat.update") if call.arguments.get("ts") == night.headline]
    # Changes of one moment are told together.
    assert len(updates) >= 2
