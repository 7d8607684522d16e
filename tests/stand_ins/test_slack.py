"""The stand-in's Web API, driven with the real slack_sdk: tokens, scopes, names, limits, pages, bad days."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from tests.stand_ins.slack import SlackStandIn
from tests.stand_ins.slack_app import LIVE, declare_view, plain, refused


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(slack: SlackStandIn) -> WebClient:
    return WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)


def incidents(slack: SlackStandIn) -> str:
    return slack.workspace.find_channel("incidents").id


def test_a_wrong_token_a_missing_one_and_a_revoked_one_are_told_apart(slack: SlackStandIn) -> None:
    assert refused(WebClient(token="xoxb-other", base_url=slack.api_url).auth_test)["error"] == "invalid_auth"
    assert refused(WebClient(base_url=slack.api_url).auth_test)["error"] == "not_authed"
    slack.workspace.revoked = True
    revoked = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
    assert refused(revoked.auth_test)["error"] == "token_revoked"


def test_the_granted_scopes_stand_in_the_header(slack: SlackStandIn, client: WebClient) -> None:
    slack.workspace.scopes = {"chat:write", "commands"}
    assert client.auth_test().headers["X-OAuth-Scopes"] == "chat:write,commands"


@pytest.mark.parametrize(
    ("scope", "call"),
    [
        ("chat:write", lambda client, slack: client.chat_postMessage(channel=incidents(slack), text="x")),
        ("channels:manage", lambda client, slack: client.conversations_create(name="inc-1")),
        ("groups:write", lambda client, slack: client.conversations_create(name="inc-1", is_private=True)),
        ("channels:history", lambda client, slack: client.conversations_history(channel=incidents(slack))),
        ("users:read.email", lambda client, slack: client.users_lookupByEmail(email="ada@example.org")),
        ("im:write", lambda client, slack: client.conversations_open(users=[slack.workspace.find_user("ada").id])),
    ],
)
def test_a_missing_scope_is_named(slack: SlackStandIn, client: WebClient, scope: str, call: Any) -> None:
    slack.workspace.scopes.discard(scope)
    answer = refused(call, client, slack)
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)
    assert scope not in answer["provided"].split(",")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("Checkout", "invalid_name_specials"),
        ("two words", "invalid_name_specials"),
        ("a.b", "invalid_name_specials"),
        ("---", "invalid_name_punctuation"),
        ("incidents", "name_taken"),
    ],
)
def test_channel_names_follow_the_rules(client: WebClient, name: str, error: str) -> None:
    assert refused(client.conversations_create, name=name)["error"] == error


def test_a_private_channel_does_not_exist_for_those_outside(slack: SlackStandIn, client: WebClient) -> None:
    secret = slack.channel("secret", ["ada"], private=True, bot=False)
    assert refused(client.conversations_info, channel=secret.id)["error"] == "channel_not_found"
    named = client.conversations_list(types="public_channel,private_channel")["channels"]
    assert [one["name"] for one in named] == ["general", "incidents"]


def test_members_archives_and_invitations_are_checked(slack: SlackStandIn, client: WebClient) -> None:
    ada = slack.workspace.find_user("ada").id
    assert refused(client.conversations_invite, channel=incidents(slack), users=ada)["error"] == "already_in_channel"
    assert refused(client.conversations_invite, channel=incidents(slack), users="U0NOBODY")["error"] == "user_not_found"
    general = slack.workspace.find_channel("general").id
    assert refused(client.conversations_history, channel=general)["error"] == "not_in_channel"
    client.conversations_archive(channel=incidents(slack))
    assert refused(client.chat_postMessage, channel=incidents(slack), text="x")["error"] == "is_archived"


def test_a_trigger_opens_one_modal_within_three_seconds(slack: SlackStandIn, client: WebClient) -> None:
    ada = slack.workspace.find_user("ada").id
    trigger = slack.workspace.issue_trigger(ada)
    client.views_open(trigger_id=trigger, view=declare_view())
    assert refused(client.views_open, trigger_id=trigger, view=declare_view())["error"] == "exchanged_trigger_id"
    assert refused(client.views_open, trigger_id="1.2.3", view=declare_view())["error"] == "invalid_trigger_id"
    late = slack.workspace.issue_trigger(ada)
    slack.workspace.clock = lambda: time.time() + 3.5
    assert refused(client.views_open, trigger_id=late, view=declare_view())["error"] == "expired_trigger_id"


def test_a_view_that_changed_meanwhile_is_not_overwritten(slack: SlackStandIn, client: WebClient) -> None:
    trigger = slack.workspace.issue_trigger(slack.workspace.find_user("ada").id)
    view = client.views_open(trigger_id=trigger, view=declare_view())["view"]
    client.views_update(view_id=view["id"], hash=view["hash"], view=declare_view(title=plain("Again")))
    answer = refused(client.views_update, view_id=view["id"], hash=view["hash"], view=declare_view())
    assert answer["error"] == "hash_conflict"
    assert slack.modal("ada")["title"]["text"] == "Again"  # type: ignore[index]


def test_only_the_apps_own_messages_can_be_changed(slack: SlackStandIn, client: WebClient) -> None:
    said = slack.say("ada", "incidents", "mine")
    channel = incidents(slack)
    assert refused(client.chat_update, channel=channel, ts=said["ts"], text="x")["error"] == "cant_update_message"
    assert refused(client.chat_update, channel=channel, ts="1.2", text="x")["error"] == "message_not_found"
    posted = client.chat_postMessage(channel=channel, text="a", blocks=[LIVE])
    client.chat_update(channel=channel, ts=posted["ts"], text="b", blocks=[LIVE])
    assert client.conversations_history(channel=channel, limit=1)["messages"][0]["text"] == "b"


def test_marks_are_set_once_and_taken_away_once(slack: SlackStandIn, client: WebClient) -> None:
    slack.workspace.scopes.add("bookmarks:read")
    where = {"channel": incidents(slack), "timestamp": slack.say("ada", "incidents", "x")["ts"]}
    client.pins_add(**where)
    assert refused(client.pins_add, **where)["error"] == "already_pinned"
    assert client.pins_list(channel=where["channel"])["items"][0]["message"]["text"] == "x"
    client.pins_remove(**where)
    assert refused(client.pins_remove, **where)["error"] == "no_pin"
    client.reactions_add(name="eyes", **where)
    assert refused(client.reactions_add, name="eyes", **where)["error"] == "already_reacted"
    client.reactions_remove(name="eyes", **where)
    assert refused(client.reactions_remove, name="eyes", **where)["error"] == "no_reaction"
    mark = client.bookmarks_add(
        channel_id=where["channel"], title="INC-42", type="link", link="https://debrief.example"
    )
    client.bookmarks_edit(bookmark_id=mark["bookmark"]["id"], channel_id=where["channel"], title="INC-43")
    assert [one["title"] for one in client.bookmarks_list(channel_id=where["channel"])["bookmarks"]] == ["INC-43"]


def test_history_comes_in_pages_with_metadata_on_request(slack: SlackStandIn, client: WebClient) -> None:
    metadata = {"event_type": "headline", "event_payload": {"incident": 42}}
    for number in range(25):
        client.chat_postMessage(channel=incidents(slack), text=str(number), metadata=metadata)
    history = client.conversations_history(channel=incidents(slack), limit=10, include_all_metadata=True)
    # The SDK's iterator gives the same object for every page.
    pages = [page["messages"] for page in history]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [one["text"] for page in pages for one in page] == [str(n) for n in reversed(range(25))]
    assert pages[0][0]["metadata"] == metadata
    assert "metadata" not in client.conversations_history(channel=incidents(slack))["messages"][0]
    answer = refused(client.chat_postMessage, channel=incidents(slack), text="x", metadata={"event_type": "headline"})
    assert answer["error"] == "invalid_metadata_schema"


def test_threads_are_read_with_their_root(slack: SlackStandIn, client: WebClient) -> None:
    root = slack.say("ada", "incidents", "root")
    slack.say("ben", "incidents", "reply", thread_ts=root["ts"])
    read = client.conversations_replies(channel=incidents(slack), ts=root["ts"])["messages"]
    assert [(one["text"], one.get("reply_count")) for one in read] == [("root", 1), ("reply", None)]
    assert [one["text"] for one in client.conversations_history(channel=incidents(slack))["messages"]] == ["root"]
    link = client.chat_getPermalink(channel=incidents(slack), message_ts=root["ts"])["permalink"]
    assert link == f"https://stand-in.slack.com/archives/{incidents(slack)}/p{root['ts'].replace('.', '')}"


def test_limits_answer_429_and_the_sdk_waits_as_told(slack: SlackStandIn, client: WebClient) -> None:
    slack.limit("chat.postMessage", times=1, retry_after=1)
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    started = time.perf_counter()
    client.chat_postMessage(channel=incidents(slack), text="x")
    assert time.perf_counter() - started >= 1
    assert [call.status for call in slack.calls] == [429, 200]
    assert len(slack.called("chat.postMessage")) == 1
    assert slack.trouble.too_early == []


def test_who_comes_back_too_soon_is_noted_and_if_strict_refused(slack: SlackStandIn, client: WebClient) -> None:
    slack.limit("auth.test", times=1, retry_after=30)
    assert refused(client.auth_test)["error"] == "ratelimited"
    assert client.auth_test()["ok"]
    slack.trouble.strict = True
    assert refused(client.auth_test)["error"] == "ratelimited"
    assert slack.trouble.too_early == ["auth.test"] * 2
    assert client.users_info(user=slack.user("ada").id)["ok"]


def test_every_nth_call_can_be_limited(slack: SlackStandIn, client: WebClient) -> None:
    slack.limit_every(3, retry_after=7)
    statuses = []
    for _ in range(6):
        try:
            statuses.append(client.auth_test().status_code)
        except SlackApiError as error:
            statuses.append(int(error.response.headers["Retry-After"]))
    assert statuses == [200, 200, 7, 200, 200, 7]


def test_a_lost_answer_leaves_the_message_posted(slack: SlackStandIn, client: WebClient) -> None:
    slack.lose_answer("chat.postMessage")
    client.retry_handlers.clear()
    with pytest.raises(OSError, match=r"Remote end closed|reset"):
        client.chat_postMessage(channel=incidents(slack), text="x")
    assert [message["text"] for message in slack.messages("incidents")] == ["x"]
    assert [call.error for call in slack.calls] == ["answer lost"]


def test_errors_and_an_outage_come_on_demand(slack: SlackStandIn, client: WebClient) -> None:
    slack.fail("auth.test", "internal_error")
    assert refused(client.auth_test)["error"] == "internal_error"
    slack.down()
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert caught.value.response.status_code == 503
    slack.up()
    assert client.auth_test()["ok"]


def test_a_file_is_read_with_the_token_and_otherwise_is_a_sign_in_page(slack: SlackStandIn) -> None:
    file = slack.upload("ada", "incidents", slack.file("latency.png"), "look")["files"][0]
    with urllib.request.urlopen(file["url_private_download"]) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    headers = {"Authorization": f"Bearer {slack.workspace.bot_token}"}
    with urllib.request.urlopen(urllib.request.Request(file["url_private_download"], headers=headers)) as answer:
        assert answer.headers["Content-Type"] == "image/png"
        assert len(answer.read()) == file["size"]


def test_a_response_address_takes_five_answers(slack: SlackStandIn) -> None:
    ada = slack.workspace.find_user("ada").id
    address = slack.workspace.issue_address(ada, incidents(slack))
    hook = WebhookClient(f"{slack.url}/response/{address.id}")
    assert [hook.send(text=f"answer {n}").status_code for n in range(6)] == [200] * 5 + [404]
    assert [one["text"] for one in slack.seen_by("ada")] == [f"answer {n}" for n in range(5)]
