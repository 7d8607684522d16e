"""Socket Mode of the stand-in, with slack_sdk's own client: hello, acknowledgements, dropped lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.stand_ins.slack import SlackStandIn


class Listener:
    """Connects, keeps each request, and acknowledges it (with words for a command)."""

    def __init__(self, slack: SlackStandIn) -> None:
        web = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
        self.requests: list[SocketModeRequest] = []
        self.client = SocketModeClient(app_token=slack.workspace.app_token, web_client=web, ping_interval=0.5)
        self.client.socket_mode_request_listeners.append(self.take)
        self.client.connect()
        slack.sockets.wait_connected()

    def take(self, client: Any, request: SocketModeRequest) -> None:
        self.requests.append(request)
        payload = {"text": "Type new."} if request.type == "slash_commands" else None
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))

    def texts(self) -> list[str]:
        return [one.payload["event"]["text"] for one in self.requests if one.type == "events_api"]


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def listener(slack: SlackStandIn) -> Iterator[Listener]:
    listening = Listener(slack)
    yield listening
    # The client would wait for its next packet before it closes a line that is up.
    slack.sockets.drop()
    listening.client.close()


def test_only_the_app_token_opens_a_connection(slack: SlackStandIn) -> None:
    web = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        web.apps_connections_open(app_token=slack.workspace.bot_token)


def test_events_and_commands_come_over_the_socket(slack: SlackStandIn, listener: Listener) -> None:
    slack.say("ada", "incidents", "hello")
    slack.wait_sent()
    assert listener.texts() == ["hello"]
    assert slack.command("ada", "help").json() == {"text": "Type new."}
    assert listener.requests[-1].accepts_response_payload
    assert [one["text"] for one in slack.seen_by("ada")] == ["Type new."]


def test_an_event_whose_acknowledgement_is_lost_is_sent_again(slack: SlackStandIn, listener: Listener) -> None:
    slack.sockets.ack_within = 0.3
    slack.sockets.lose_acknowledgements(1)
    slack.say("ada", "incidents", "twice")
    slack.wait_sent()
    assert listener.texts() == ["twice", "twice"]
    assert [one.retry_attempt for one in listener.requests] == [0, 1]
    assert len({one.payload["event_id"] for one in listener.requests}) == 1


@pytest.mark.parametrize("how", ["abrupt", "warning", "refresh_requested"])
def test_nothing_is_lost_when_lines_are_dropped(slack: SlackStandIn, listener: Listener, how: str) -> None:
    slack.drop_every(1, how)
    for number in range(30):
        slack.say("ada", "incidents", f"message {number}")
        threading.Event().wait(0.05)
    slack.wait_sent(60)
    assert list(dict.fromkeys(listener.texts())) == [f"message {number}" for number in range(30)]
    assert slack.sockets.opened > 1


def test_a_person_is_told_when_nobody_is_connected(slack: SlackStandIn) -> None:
    slack.sockets.ack_within = 0.2
    slack.use_sockets()
    answer = slack.command("ada", "help")
    assert (answer.status, answer.failure) == (0, "timeout")
