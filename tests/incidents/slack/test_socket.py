"""Socket Mode over a line that breaks: the real SDK, the real command, nothing lost and nothing doubled."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from incidents.actions.incident import declare_incident
from incidents.models import Severity
from incidents.models.delivery import UNFINISHED
from incidents.slack import channels
from incidents.slack.models import SlackChannel, SlackRequest
from telemetry.models import Heartbeat
from tests import database, running
from tests.builders import make_person
from tests.incidents.slack.fixtures import Work
from tests.stand_ins.slack import SlackStandIn

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
LINES = 40


@pytest.fixture
def socket(slack: SlackStandIn, tmp_path: Path) -> Iterator[SlackStandIn]:
    """Slack's requests come over a socket alone, to `manage.py slack_socket`."""
    slack.courier.sender = None
    slack.use_sockets()
    environment = {**database.environment(), **slack.settings()}
    command = [sys.executable, "manage.py", "slack_socket"]
    with running.process(command, environment=environment, log=tmp_path / "socket.log"):
        slack.sockets.wait_connected(30)
        yield slack


def channel_of(work: Work) -> SlackChannel:
    incident = declare_incident(
        title="Checkout answers 503", severity=Severity.objects.get(rank=2), by=make_person("ada"), now=timezone.now()
    )
    work()
    return SlackChannel.objects.get(incident=incident)


def test_forms_and_commands_come_over_the_socket(socket: SlackStandIn, work: Work) -> None:
    assert socket.command("ada", "new Over the socket").ok
    running.wait_for(lambda: socket.modal("ada"), "the form")
    assert socket.submit("ada", {"title": "  "}).errors
    assert socket.submit("ada", {"title": "Over the socket"}).ok
    running.wait_for(lambda: SlackRequest.objects.filter(kind="view:declare_form").exists(), "the form's request")
    work()
    assert SlackChannel.objects.get().incident.title == "Over the socket"
    running.wait_for(lambda: Heartbeat.objects.filter(name="slack-sockets").exists(), "a sign of life", seconds=40)


def test_a_line_that_drops_again_and_again_loses_and_doubles_nothing(socket: SlackStandIn, work: Work) -> None:
    channel = channel_of(work)
    socket.drop_every(4, "refresh_requested", "abrupt", "refresh_requested")
    socket.sockets.lose_acknowledgements(2)
    for place in range(LINES):
        message = socket.say("ada", channel.channel_id, f"line {place}")
        socket.react("ada", channel.channel_id, message, "pushpin")
        # People type; the line has time to break again and again meanwhile.
        time.sleep(0.4)
    socket.wait_sent(150)
    running.wait_for(
        lambda: SlackRequest.objects.filter(kind="event:reaction_added").count() == LINES, "every reaction", seconds=60
    )
    assert SlackRequest.objects.filter(kind="event:message").count() == LINES
    work()
    assert not SlackRequest.objects.filter(state__in=UNFINISHED).exists()
    said = channel.incident.timeline.filter(source="chat").in_order().values_list("text", flat=True)
    assert list(said) == [f"line {place}" for place in range(LINES)]


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_without_its_tokens_the_command_says_which(settings: Any, name: str) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = "xoxb-a", "xapp-a"
    setattr(settings, name, "")
    with pytest.raises(CommandError, match=name):
        call_command("slack_socket")


def test_channels_are_asked_for_once_however_often(slack: SlackStandIn) -> None:
    incident = declare_incident(
        title="Asked twice", severity=Severity.objects.get(rank=2), by=make_person("ada"), now=timezone.now()
    )
    channels.ask(incident.pk, timezone.now())
    channels.ask(incident.pk, timezone.now())
    assert incident.deliveries.filter(kind="incident").count() == 1
