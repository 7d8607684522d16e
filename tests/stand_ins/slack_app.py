"""A small app of slack-bolt's for the tests of the stand-in: it stands where Debrief will stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.stand_ins.slack import SlackStandIn

STATUS = {"type": "plain_text", "text": "Status", "emoji": True}
BUTTON = {"type": "button", "action_id": "status_open", "text": STATUS, "value": "42"}
SEVERITIES = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("SEV1", "SEV2")]
SELECT = {
    "type": "static_select",
    "action_id": "severity",
    "placeholder": {"type": "plain_text", "text": "Severity"},
    "options": SEVERITIES,
}
LIVE = {"type": "actions", "block_id": "live", "elements": [BUTTON, SELECT]}
WORKLOAD = {"text": {"type": "plain_text", "text": "shop/web"}, "value": "shop/web"}


def refused(call: Any, *values: Any, **fields: Any) -> dict[str, Any]:
    """The answer of a call that must be refused."""
    with pytest.raises(SlackApiError) as caught:
        call(*values, **fields)
    answer: dict[str, Any] = caught.value.response.data
    return answer


def plain(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


def declare_view(**more: Any) -> dict[str, Any]:
    title = {"type": "plain_text_input", "action_id": "typed"}
    workload = {"type": "external_select", "action_id": "workload", "min_query_length": 0}
    return {
        "type": "modal",
        "callback_id": "declare",
        "title": plain("Declare an incident"),
        "submit": plain("Declare"),
        "close": plain("Cancel"),
        "notify_on_close": True,
        "blocks": [
            {"type": "input", "block_id": "title", "label": plain("Title"), "element": title},
            {"type": "input", "block_id": "scope", "label": plain("Where"), "element": workload, "optional": True},
        ],
        **more,
    }


class ListeningApp:
    """A bolt app that opens the declare modal and keeps every body it is sent in `.bodies`."""

    def __init__(self, slack: SlackStandIn) -> None:
        self.slack = slack
        self.client = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
        self.bodies: list[dict[str, Any]] = []
        self.bolt = App(client=self.client, signing_secret=slack.workspace.signing_secret, process_before_response=True)
        self.bolt.middleware(self._keep)
        self.bolt.command("/incident")(self._command)
        self.bolt.view("declare")(self._declare)
        self.bolt.view_closed("declare")(_acknowledge)
        self.bolt.options("workload")(lambda ack: ack(options=[WORKLOAD]))
        for name in ("status_open", "severity"):
            self.bolt.action(name)(_acknowledge)
        for name in ("declare", "timeline"):
            self.bolt.shortcut(name)(_acknowledge)
        for kind in _EVENTS:
            self.bolt.event(kind)(lambda: None)

    def _keep(self, body: dict[str, Any], next: Any) -> None:
        self.bodies.append(body)
        next()

    def _command(self, ack: Any, body: dict[str, Any], client: WebClient) -> None:
        if body["text"] == "help":
            ack("Type new, list or status.")
            return
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=declare_view())

    def _declare(self, ack: Any, view: dict[str, Any], client: WebClient) -> None:
        title = view["state"]["values"]["title"]["typed"]["value"]
        if len(title) < 3:
            ack(response_action="errors", errors={"title": "Write at least three characters"})
            return
        ack()
        channel = client.conversations_create(name="inc-42-checkout")["channel"]["id"]
        client.chat_postMessage(channel=channel, text=title, blocks=[LIVE])

    def take(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        asked = BoltRequest(body=body.decode(), headers={name.lower(): [value] for name, value in headers.items()})
        answer = self.bolt.dispatch(asked)
        return answer.status, (answer.body or "").encode()

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [body["event"] for body in self.bodies if body.get("event", {}).get("type") == kind]


def _acknowledge(ack: Any) -> None:
    ack()


_EVENTS = (
    "message",
    "app_mention",
    "reaction_added",
    "reaction_removed",
    "pin_added",
    "pin_removed",
    "channel_rename",
    "channel_archive",
    "group_rename",
    "group_archive",
    "member_joined_channel",
    "app_home_opened",
    "tokens_revoked",
)
