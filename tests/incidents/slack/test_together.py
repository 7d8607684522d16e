"""Many at once, with a real web process and a real worker: one effect, everything in order, whatever Slack answers."""

from __future__ import annotations

import threading
from collections import defaultdict

import pytest
from django.utils import timezone

from incidents.actions.incident import declare_incident
from incidents.actions.update import post_update
from incidents.models import Delivery, Incident, Severity, TimelineEntry
from incidents.models.delivery import UNFINISHED
from incidents.slack.models import SlackChannel, SlackRequest
from tests.builders import make_person
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
CHANNELS, EACH = 20, 10


def all_done() -> bool:
    waiting = SlackRequest.objects.filter(state__in=UNFINISHED).exists()
    return not waiting and not Delivery.objects.filter(state__in=UNFINISHED).exists()


def incidents(count: int) -> list[Incident]:
    ada, severity = make_person("ada"), Severity.objects.get(rank=3)
    return [
        declare_incident(title=f"Night {place}", severity=severity, by=ada, now=timezone.now())
        for place in range(count)
    ]


def test_the_same_request_fifty_times_at_once_is_done_once(running_slack: SlackStandIn) -> None:
    slack = running_slack
    (incident,) = incidents(1)
    channel = wait_for(lambda: SlackChannel.objects.filter(incident=incident).first(), "the channel")
    assert slack.command("ada", "timeline Paged the database team", where=channel.channel_id).ok
    sent = next(one for one in reversed(slack.deliveries) if one.path == "/slack/commands")
    answers = slack.replay(sent, times=50, at_once=True)
    assert {answer.status for answer in answers} == {200}
    wait_for(all_done, "everything")
    assert incident.timeline.filter(text="Paged the database team").count() == 1


def test_within_ten_seconds_the_channel_the_headline_and_the_first_progress_are_there(
    running_slack: SlackStandIn,
) -> None:
    slack = running_slack
    assert slack.command("ada", "new").ok
    wait_for(lambda: slack.modal("ada"), "the form", seconds=3)
    assert slack.submit("ada", {"title": "Checkout answers 503"}).ok
    row = wait_for(lambda: SlackChannel.objects.exclude(headline_ts="").first(), "the headline", seconds=10)
    shown = wait_for(
        lambda: slack.workspace.find_channel(row.channel_id).messages.get(row.headline_ts), "the message", seconds=10
    )
    assert "Evidence" in str(shown)


def test_commands_in_twenty_channels_keep_their_order_while_slack_asks_to_wait(running_slack: SlackStandIn) -> None:
    slack = running_slack
    rows = incidents(CHANNELS)
    wait_for(lambda: SlackChannel.objects.exclude(headline_ts="").count() == CHANNELS, "the channels", seconds=60)
    slack.limit_every(25, retry_after=1)
    places = {row.incident_id: row.channel_id for row in SlackChannel.objects.all()}

    def talk(mine: list[Incident]) -> None:
        for number in range(EACH):
            for incident in mine:
                assert slack.command("ada", f"timeline line {number}", where=places[incident.pk]).ok

    people = [threading.Thread(target=talk, args=[rows[start::4]]) for start in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    ada = make_person("ada")
    for number in range(3):
        for incident in rows:
            post_update(incident=incident, text=f"update {number}", by=ada, now=timezone.now())
    wait_for(all_done, "everything", seconds=150)

    said: dict[int, list[str]] = defaultdict(list)
    for incident_id, text in (
        TimelineEntry.objects.filter(text__startswith="line ").order_by("id").values_list("incident_id", "text")
    ):
        said[incident_id].append(text)
    assert dict(said) == {incident.pk: [f"line {number}" for number in range(EACH)] for incident in rows}
    for channel_id in places.values():
        shown = [str(one.get("blocks")) for one in slack.workspace.find_channel(channel_id).messages.values()]
        order = [number for text in shown for number in range(3) if f"update {number}" in text and "Update on" in text]
        assert order == [0, 1, 2]
    assert not Delivery.objects.filter(state="failed").exists()
    # A call that was on its way when another was asked to wait cannot be taken back; none starts afterwards.
    limited = sum(one.status == 429 for one in slack.calls)
    assert limited >= 3
    assert len(slack.trouble.too_early) <= limited
