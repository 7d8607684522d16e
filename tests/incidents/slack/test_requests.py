"""What Slack sends, or somebody who says to be Slack: one effect, the right answer, nothing believed unchecked."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from incidents.models import Incident
from incidents.slack.models import SlackRequest
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn

FORM = "application/x-www-form-urlencoded"
COMMAND = urlencode(
    {"command": "/incident", "text": "list", "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2.a", "token": "t"}
).encode()


def kept() -> int:
    return SlackRequest.objects.count()


def test_the_address_is_confirmed(slack: SlackStandIn) -> None:
    answer = slack.verify_url()
    assert answer.status == 200
    assert "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7" in answer.text


@pytest.mark.parametrize(
    "how",
    [
        {"signature": "v0=" + "0" * 64},
        {"signature": ""},
        {"signature": "v0=é"},
        {"signature": "v1=abc"},
        {"timestamp": ""},
        {"timestamp": "soon"},
        {"timestamp": "9" * 400},
        {"timestamp": "-5"},
    ],
)
def test_what_is_not_signed_is_refused(slack: SlackStandIn, how: dict[str, str]) -> None:
    answer = slack.send("/slack/commands", COMMAND, content_type=FORM, **how)
    assert answer.status == 401
    assert kept() == 0


@pytest.mark.parametrize("away", [-301, 301, -86_400])
def test_a_late_or_early_request_is_refused_though_its_signature_fits(slack: SlackStandIn, away: int) -> None:
    answer = slack.send("/slack/commands", COMMAND, content_type=FORM, timestamp=int(time.time()) + away)
    assert answer.status == 401
    assert kept() == 0


def test_another_secret_is_refused(slack: SlackStandIn, settings: Any) -> None:
    settings.SLACK_SIGNING_SECRET = "another-secret-another-secret-ab"
    assert slack.send("/slack/commands", COMMAND, content_type=FORM).status == 401
    settings.SLACK_SIGNING_SECRET = ""
    assert slack.send("/slack/commands", COMMAND, content_type=FORM).status == 503


def test_without_a_token_slack_is_told_so(slack: SlackStandIn, settings: Any) -> None:
    settings.SLACK_BOT_TOKEN = ""
    assert slack.send("/slack/commands", COMMAND, content_type=FORM).status == 503


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"type": "event_callback", "event": {"type": "mess', "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"payload=%7B%22type%22%3A", FORM),
        (b"payload=[]", FORM),
        (b"nothing=here", FORM),
        (b"&".join(b"a%d=1" % place for place in range(1_000)), FORM),
        (b"hello", "text/plain"),
        (b'{"type": "event_callback", "event": {}}', "application/json"),
        (b'{"type": "event_callback", "event": 7}', "application/json"),
        (b'{"type": "block_actions", "actions": []}', "application/json"),
        (b'{"type": "block_actions", "actions": [7]}', "application/json"),
        (b'{"type": "view_submission", "view": {"callback_id": "x"}}', "application/json"),
    ],
)
def test_what_cannot_be_read_is_a_clear_400(slack: SlackStandIn, body: bytes, kind: str) -> None:
    for path in ("/slack/commands", "/slack/interactions", "/slack/events"):
        answer = slack.send(path, body, content_type=kind)
        assert answer.status == 400, path
        assert "cannot be read" in answer.text
    assert kept() == 0


@pytest.mark.parametrize(
    "text",
    ["payload too large", "payload={}", "a=1&payload=[]&b", "50% of 1+1 is + &amp; %41 %zz", "🔥 naïve – ", '{"a": 1}'],
)
def test_a_command_says_what_was_typed_whatever_signs_and_words_are_in_it(slack: SlackStandIn, text: str) -> None:
    assert slack.command("ada", f"status {text}", where="incidents").ok
    assert SlackRequest.objects.get().payload["text"] == f"status {text}"


def test_a_title_with_the_word_payload_opens_the_form(slack: SlackStandIn) -> None:
    assert slack.command("ada", "new payload too large").ok
    view = wait_for(lambda: slack.modal("ada"), "the form")
    assert "payload too large" in str(view)


def test_slacks_check_of_the_certificate_is_answered(slack: SlackStandIn) -> None:
    assert slack.send("/slack/commands", b"ssl_check=1&token=t", content_type=FORM).status == 200
    assert kept() == 0


@pytest.mark.parametrize("body", [b'{"a": "\xff"}', b"\xff\xfe"])
def test_what_is_not_even_text_is_refused(slack: SlackStandIn, body: bytes) -> None:
    assert slack.send("/slack/events", body).status == 401
    assert kept() == 0


def test_more_than_a_mebibyte_is_refused(slack: SlackStandIn) -> None:
    assert slack.send("/slack/events", b'{"a": "' + b"x" * 1_100_000 + b'"}').status == 413


def test_only_post_is_taken(slack: SlackStandIn) -> None:
    assert Client().get("/slack/events").status_code == 405


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "something_new", "user": {"id": "U1"}},
        {
            "type": "block_actions",
            "actions": [{"action_id": "nobody_knows"}],
            "user": {"id": "U1"},
            "trigger_id": "9.8.z",
        },
        {"type": "view_submission", "view": {"id": "V1", "type": "modal", "callback_id": "x"}, "user": {"id": "U1"}},
        {"type": "shortcut", "callback_id": "nobody_knows", "user": {"id": "U1"}, "trigger_id": "9.7.z"},
        {"type": "message_action", "callback_id": "x", "user": {"id": "U1"}, "trigger_id": "9.6.z", "message": {}},
    ],
)
def test_unknown_kinds_do_nothing_and_break_nothing(slack: SlackStandIn, work: Work, payload: dict[str, Any]) -> None:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    answer = slack.send("/slack/interactions", body, content_type=FORM)
    assert answer.status in {200, 404}
    work()
    assert failed() == []


def test_unknown_events_do_nothing_and_break_nothing(slack: SlackStandIn, work: Work) -> None:
    for event in ({"type": "star_added", "user": "U1"}, {"type": "message"}, {"type": ""}):
        assert slack.send_event(event).status in {200, 404}
    work()
    assert failed() == []


def test_the_same_command_sent_50_times_is_done_once(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    assert slack.command("ada", "timeline Paged the database team", where=channel.name).ok
    assert {answer.status for answer in slack.replay(times=50)} == {200}
    work()
    assert channel.incident.timeline.filter(text="Paged the database team").count() == 1
    assert len([one for one in slack.seen_by("ada") if "On the timeline" in one["text"]]) == 1


def test_a_button_pressed_once_and_sent_again_is_one_press(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    number = channel.incident.number
    assert slack.press("ada", channel.name, channel.headline_ts, "set_status", option=f"{number}:mitigated").ok
    slack.replay(times=5)
    work()
    lines = channel.incident.timeline.filter(title__contains="itigated")
    assert lines.count() == 1


def test_a_command_of_40_000_characters_is_taken_or_refused_in_words(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    assert slack.command("ada", "timeline " + "x" * 40_000, where=channel.name).ok
    work()
    assert failed() == []
    assert "expected at most 10,000" in str(slack.seen_by("ada"))


def test_nul_and_half_surrogates_do_no_harm(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.send_event({"type": "message", "channel": channel.channel_id, "user": "U1", "text": "a\x00b\ud800"})
    fields = {"command": "/incident", "text": "timeline a\x00b", "user_id": slack.workspace.find_user("ada").id}
    body = urlencode({**fields, "channel_id": channel.channel_id, "trigger_id": "5.5.x"}).encode()
    assert slack.send("/slack/commands", body, content_type=FORM).status == 200
    work()
    assert failed() == []


def test_slacks_old_token_and_what_was_worked_on_are_not_kept(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.command("ada", "timeline Nobody else may read this", where=channel.name)
    assert slack.workspace.verification_token not in str(list(SlackRequest.objects.values_list("payload", flat=True)))
    work()
    assert {str(payload) for payload in SlackRequest.objects.values_list("payload", flat=True)} == {"{}"}


def test_a_database_that_refuses_keeps_slack_trying(slack: SlackStandIn, work: Work) -> None:
    from django.db import connection

    channel = declare(slack, work)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE slack_slackrequest RENAME TO slack_slackrequest_away")
    try:
        answer = slack.command("ada", "mitigated", where=channel.name)
        sent = next(one for one in reversed(slack.deliveries) if one.path == "/slack/commands")
        assert answer.status == 500
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE slack_slackrequest_away RENAME TO slack_slackrequest")
    slack.replay(sent)
    work()
    assert Incident.objects.get().status == "mitigated"
