"""Block Kit's limits as the stand-in keeps them: what is refused, and the place that the answer names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.stand_ins.slack import SlackStandIn
from tests.stand_ins.slack_app import declare_view, plain, refused


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(slack: SlackStandIn) -> WebClient:
    return WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)


def incidents(slack: SlackStandIn) -> str:
    return slack.workspace.find_channel("incidents").id


def section(words: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words}}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def button(action_id: str = "a", words: str = "Go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain(words), **more}


def select(count: int, words: str = "one") -> dict[str, Any]:
    options = [{"text": plain(words), "value": str(number)} for number in range(count)]
    return {"type": "static_select", "action_id": "s", "placeholder": plain("Choose"), "options": options}


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section("x")] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters [json-pointer:/blocks/0/text/text]"),
        ([actions(button(words="x" * 76))], "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
        ([actions(button(value="x" * 2001))], "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"),
        ([actions(button("x" * 256))], "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"),
        ([actions(button(), button())], "`action_id` a already exists [json-pointer:/blocks/0/elements/1/action_id]"),
        ([actions(*(button(str(n)) for n in range(26)))], "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
        ([actions(select(101))], "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]"),
        ([actions(select(0))], "must provide at least 1 items [json-pointer:/blocks/0/elements/0/options]"),
        ([actions(select(1, "x" * 76))], "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]"),
        ([{**section("x"), "block_id": "b"}] * 2, "`block_id` b already exists [json-pointer:/blocks/1/block_id]"),
        ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
        ([{"type": "section", "fields": [plain("x")] * 11}], "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
        ([{"type": "blink"}], "unsupported type: blink [json-pointer:/blocks/0/type]"),
    ],
)  # fmt: skip
def test_blocks_beyond_the_limits_are_refused_with_the_place(
    slack: SlackStandIn, client: WebClient, blocks: list[dict[str, Any]], problem: str
) -> None:
    answer = refused(client.chat_postMessage, channel=incidents(slack), text="x", blocks=blocks)
    assert answer["error"] == "invalid_blocks"
    assert f"[ERROR] {problem}" in answer["response_metadata"]["messages"]


def test_text_topic_and_purpose_have_their_limits(slack: SlackStandIn, client: WebClient) -> None:
    channel = incidents(slack)
    client.chat_postMessage(channel=channel, text="x" * 40_000)
    assert refused(client.chat_postMessage, channel=channel, text="x" * 40_001)["error"] == "msg_too_long"
    assert refused(client.api_call, "chat.postMessage", params={"channel": channel})["error"] == "no_text"
    assert refused(client.conversations_setTopic, channel=channel, topic="x" * 251)["error"] == "too_long"
    assert refused(client.conversations_setPurpose, channel=channel, purpose="x" * 251)["error"] == "too_long"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"title": plain("x" * 25)}, "/view/title/text"),
        ({"submit": plain("x" * 25)}, "/view/submit/text"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        ({"blocks": [section("x")] * 101}, "/view/blocks"),
        ({"submit": None}, "/view"),
    ],
)
def test_a_modal_beyond_the_limits_is_refused(
    slack: SlackStandIn, client: WebClient, change: dict[str, Any], place: str
) -> None:
    trigger = slack.workspace.issue_trigger(slack.workspace.find_user("ada").id)
    answer = refused(client.views_open, trigger_id=trigger, view=declare_view(**change))
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"][0].endswith(f"[json-pointer:{place}]")
