"""The stand-in sends what Slack's documentation shows: the same keys, the same kinds of values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.stand_ins.slack import SlackStandIn
from tests.stand_ins.slack_app import LIVE, ListeningApp, declare_view

PAYLOADS = Path(__file__).parent.parent / "payloads" / "slack"


def documented(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """Keys and kinds of values; of a list the first element, of an id its letter."""
    if isinstance(value, dict):
        named_by_id = {"values"} & value.keys()
        return {name: ("by id" if name in named_by_id else shape(one)) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    return type(value).__name__


class Sent:
    """What came to the app: parsed bodies, newest last."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.forms: list[dict[str, str]] = []

    def take(self, path: str, body: bytes, headers: Any) -> tuple[int, bytes]:
        if path == "/slack/events":
            self.bodies.append(json.loads(body))
            return 200, b""
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        self.forms.append(form)
        self.bodies.append(json.loads(form["payload"]) if "payload" in form else form)
        return 200, json.dumps({"options": []}).encode() if self.bodies[-1].get("type") == "block_suggestion" else b""


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def slack(sent: Sent) -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        stand_in.deliver_with(sent.take)
        stand_in.occurred.subscribed |= {"group_rename", "group_archive"}
        stand_in.channel("secret", ["ada", "ben"], private=True)
        yield stand_in


class Happenings:
    """Makes the stand-in send the payload of a name; most are one thing that a person does."""

    def __init__(self, slack: SlackStandIn) -> None:
        self.slack = slack
        self.client = ListeningApp(slack).client
        self.ada = slack.user("ada").id
        self.channel = slack.workspace.find_channel("incidents").id
        self.said = slack.say("ada", "incidents", "The checkout returns 502")
        self.ts = self.client.chat_postMessage(channel=self.channel, text="x", blocks=[LIVE])["ts"]

    def make(self, name: str) -> None:
        how = self.spoken() | self.marked() | self.changed() | self.pressed()
        how[name]()
        self.slack.wait_sent()

    def spoken(self) -> dict[str, Callable[[], Any]]:
        slack, said = self.slack, self.said
        reply = {"thread_ts": said["ts"]}
        block = {"type": "section", "text": {"type": "mrkdwn", "text": "*INC-42*"}}
        return {
            "event_message": lambda: slack.say("ada", "incidents", "The checkout returns 502"),
            "event_message_private": lambda: slack.say("ada", "secret", "Only for us"),
            "event_message_reply": lambda: slack.say("ben", "incidents", "Rolled back", **reply),
            "event_message_thread_broadcast": lambda: slack.say("ben", "incidents", "Done", broadcast=True, **reply),
            "event_message_changed": lambda: slack.edit("ada", "incidents", said, "The checkout returns 503"),
            "event_message_deleted": lambda: slack.delete("ada", "incidents", said),
            "event_message_file_share": lambda: slack.upload("ada", "incidents", slack.file("a.png"), "The latency"),
            "event_message_of_the_app": lambda: self.client.chat_postMessage(
                channel=self.channel, text="INC-42", blocks=[block]
            ),
            "event_message_bot_message": lambda: slack.integration_says("incidents", "[FIRING:1] CheckoutErrors"),
            "event_app_mention": lambda: slack.mention("ada", "incidents", "declare"),
        }

    def marked(self) -> dict[str, Callable[[], Any]]:
        slack, said = self.slack, self.said

        def pin_and_unpin() -> None:
            slack.pin("ben", "incidents", said)
            slack.unpin("ben", "incidents", said)

        def react_and_take_back() -> None:
            slack.react("ben", "incidents", said, "pushpin")
            slack.unreact("ben", "incidents", said, "pushpin")

        return {
            "event_pin_added": lambda: slack.pin("ben", "incidents", said),
            "event_pin_removed": pin_and_unpin,
            "event_reaction_added": lambda: slack.react("ben", "incidents", said, "pushpin"),
            "event_reaction_removed": react_and_take_back,
        }

    def changed(self) -> dict[str, Callable[[], Any]]:
        slack = self.slack
        dora = slack.person("dora")
        return {
            "event_channel_rename": lambda: slack.rename("ada", "incidents", "outages"),
            "event_channel_archive": lambda: slack.archive("ada", "incidents"),
            "event_group_rename": lambda: slack.rename("ada", "secret", "hidden"),
            "event_group_archive": lambda: slack.archive("ada", "secret"),
            "event_member_joined_channel": lambda: slack.join(dora, "incidents", invited_by="ada"),
            "event_app_home_opened": lambda: slack.open_home("ada"),
            "event_tokens_revoked": slack.occurred.tokens_revoked,
            "url_verification": slack.verify_url,
            "app_rate_limited": slack.rate_limit_events,
        }

    def pressed(self) -> dict[str, Callable[[], Any]]:
        slack = self.slack
        return {
            "block_actions_button": lambda: slack.press("ada", "incidents", self.ts, "status_open"),
            "block_actions_select": lambda: slack.press("ada", "incidents", self.ts, "severity", option="SEV1"),
            "block_actions_ephemeral": self.press_ephemeral,
            "block_actions_home": self.press_home,
            "view_submission": self.submit,
            "view_closed": lambda: [self.open_modal(), slack.close("ada")],
            "block_suggestion": lambda: [self.open_modal(), slack.suggest("ada", "workload", "sho")],
            "shortcut": lambda: slack.shortcut("ada", "declare"),
            "message_action": lambda: slack.message_shortcut("ada", "timeline", "incidents", self.said),
        }

    def press_ephemeral(self) -> None:
        only = self.client.chat_postEphemeral(channel=self.channel, user=self.ada, text="x", blocks=[LIVE])
        self.slack.press("ada", "incidents", only["message_ts"], "status_open")

    def press_home(self) -> None:
        self.client.views_publish(user_id=self.ada, view={"type": "home", "callback_id": "home", "blocks": [LIVE]})
        self.slack.press_home("ada", "status_open")

    def open_modal(self) -> None:
        self.client.views_open(trigger_id=self.slack.workspace.issue_trigger(self.ada), view=declare_view())

    def submit(self) -> None:
        self.open_modal()
        self.slack.suggested[("scope", "workload")] = [
            {"text": {"type": "plain_text", "text": "shop"}, "value": "shop"}
        ]
        self.slack.submit("ada", {"title": "Checkout", "scope": "shop"})


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.json")))
def test_the_stand_in_sends_what_is_documented(slack: SlackStandIn, sent: Sent, name: str) -> None:
    Happenings(slack).make(name)
    kind = documented(name).get("event", {}).get("type") or documented(name)["type"]
    ours = [body for body in sent.bodies if kind in {body["type"], body.get("event", {}).get("type")}][-1]
    assert shape(ours) == shape(documented(name))


def test_a_command_has_the_documented_fields(slack: SlackStandIn, sent: Sent) -> None:
    slack.command("ada", "status mitigated", where="incidents")
    shown = parse_qs((PAYLOADS / "command.form").read_text().strip())
    assert sent.forms[-1].keys() == shown.keys()
    assert sent.forms[-1]["channel_name"] == "incidents"
