"""The people of the stand-in, with a real slack-bolt app as the receiver: signatures, modals, events, retries."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.stand_ins.slack import NotPossible, SlackStandIn
from tests.stand_ins.slack_app import LIVE, ListeningApp


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def app(slack: SlackStandIn) -> ListeningApp:
    listening = ListeningApp(slack)
    slack.deliver_with(listening.take)
    return listening


@pytest.mark.usefixtures("app")
def test_a_command_opens_a_modal_and_its_submission_a_channel(slack: SlackStandIn) -> None:
    assert slack.command("ada", "new").status == 200
    assert slack.modal("ada")["callback_id"] == "declare"  # type: ignore[index]
    assert slack.submit("ada", {"title": "no"}).errors == {"title": "Write at least three characters"}
    assert slack.suggest("ada", "workload")[0]["value"] == "shop/web"
    assert slack.submit("ada", {"title": "Checkout is down", "scope": "shop/web"}).ok
    assert slack.modal("ada") is None
    assert slack.workspace.find_channel("inc-42-checkout").texts() == ["Checkout is down"]


@pytest.mark.usefixtures("app")
def test_a_person_cannot_do_what_the_window_does_not_offer(slack: SlackStandIn) -> None:
    with pytest.raises(NotPossible, match="no modal"):
        slack.submit("ada")
    slack.command("ada", "new")
    with pytest.raises(NotPossible, match="must be filled"):
        slack.submit("ada")
    with pytest.raises(NotPossible, match="no field"):
        slack.submit("ada", {"title": "Checkout", "colour": "red"})
    with pytest.raises(NotPossible, match="not offered"):
        slack.submit("ada", {"title": "Checkout", "scope": "mine"})
    slack.channel("quiet", ["ben"])
    with pytest.raises(NotPossible, match="not in #quiet"):
        slack.say("ada", "quiet", "hello")


@pytest.mark.usefixtures("app")
def test_words_in_the_answer_are_shown_to_the_person_alone(slack: SlackStandIn) -> None:
    slack.command("ada", "help", where="incidents")
    assert [one["text"] for one in slack.seen_by("ada")] == ["Type new, list or status."]
    assert slack.seen_by("ben") == []
    assert slack.workspace.find_channel("incidents").messages == {}


@pytest.mark.parametrize(
    "fault", [{"signature": "v0=00"}, {"signature": ""}, {"timestamp": 1_500_000_000}], ids=["wrong", "none", "late"]
)
@pytest.mark.usefixtures("app")
def test_the_app_refuses_a_faulty_signature(slack: SlackStandIn, fault: dict[str, Any]) -> None:
    body = b"command=%2Fincident&text=help&team_id=T0STANDIN&user_id=U1&channel_id=C1"
    form = "application/x-www-form-urlencoded"
    assert slack.send("/slack/commands", body, content_type=form).status == 200
    assert slack.send("/slack/commands", body, content_type=form, **fault).status == 401


def test_a_button_is_pressed_as_it_was_posted(slack: SlackStandIn, app: ListeningApp) -> None:
    channel = slack.workspace.find_channel("incidents")
    ts = app.client.chat_postMessage(channel=channel.id, text="INC-42", blocks=[LIVE])["ts"]
    assert slack.press("ada", "incidents", ts, "status_open").ok
    assert app.bodies[-1]["actions"][0]["value"] == "42"
    assert slack.press("ada", "incidents", ts, "severity", option="SEV2").ok
    assert app.bodies[-1]["actions"][0]["selected_option"]["value"] == "SEV2"
    with pytest.raises(NotPossible, match="severity"):
        slack.press("ada", "incidents", ts, "close")


def test_what_people_do_is_told_in_order(slack: SlackStandIn, app: ListeningApp) -> None:
    said = slack.say("ada", "incidents", "first")
    slack.pin("ben", "incidents", said)
    slack.react("cy", "incidents", said, "pushpin")
    slack.edit("ada", "incidents", said, "second")
    slack.say("ben", "incidents", "reply", thread_ts=said["ts"])
    slack.delete("ada", "incidents", said)
    kinds = [(body["event"]["type"], body["event"].get("subtype")) for body in app.bodies]
    assert kinds == [
        ("message", None),
        ("pin_added", None),
        ("reaction_added", None),
        ("message", "message_changed"),
        ("message", None),
        ("message", "message_deleted"),
    ]
    edited = app.events("message")[1]
    assert (edited["previous_message"]["text"], edited["message"]["text"]) == ("first", "second")
    moments = [body["event"]["event_ts"] for body in app.bodies]
    assert moments == sorted(set(moments))


def test_a_mention_comes_as_a_message_too(slack: SlackStandIn, app: ListeningApp) -> None:
    slack.mention("ada", "incidents", "declare")
    [mention], [message] = app.events("app_mention"), app.events("message")
    assert mention["ts"] == message["ts"]
    assert mention["text"] == f"<@{slack.workspace.bot.id}> declare"


def test_the_app_hears_nothing_of_channels_it_is_not_in_nor_without_the_scope(
    slack: SlackStandIn, app: ListeningApp
) -> None:
    slack.say("ada", "general", "lunch?")
    slack.workspace.scopes.discard("channels:history")
    slack.say("ada", "incidents", "x")
    assert app.bodies == []


def test_typed_text_is_kept_escaped_with_rich_text_beside_it(slack: SlackStandIn) -> None:
    ben = slack.workspace.find_user("ben").id
    said = slack.say("ada", "incidents", f"*Bold _both_* <script> & `a<b` <@{ben}> see https://x.io/a?b=1&c=2. :fire:")
    assert said["text"] == (
        f"*Bold _both_* &lt;script&gt; &amp; `a&lt;b` <@{ben}> see <https://x.io/a?b=1&amp;c=2>. :fire:"
    )
    [block] = said["blocks"]
    assert block["elements"][0]["elements"] == [
        {"type": "text", "text": "Bold ", "style": {"bold": True}},
        {"type": "text", "text": "both", "style": {"bold": True, "italic": True}},
        {"type": "text", "text": " <script> & "},
        {"type": "text", "text": "a<b", "style": {"code": True}},
        {"type": "text", "text": " "},
        {"type": "user", "user_id": ben},
        {"type": "text", "text": " see "},
        {"type": "link", "url": "https://x.io/a?b=1&c=2"},
        {"type": "text", "text": ". "},
        {"type": "emoji", "name": "fire", "unicode": "1f525"},
    ]


def test_lists_quotes_and_code_are_elements_of_their_own(slack: SlackStandIn) -> None:
    said = slack.say(
        "ada", "incidents", "Steps:\n• one\n    ◦ inner\n1. first\n> quoted\nafter\n```kubectl get po\n<none>```"
    )
    elements = said["blocks"][0]["elements"]
    assert [(one["type"], one.get("style"), one.get("indent")) for one in elements] == [
        ("rich_text_section", None, None),
        ("rich_text_list", "bullet", 0),
        ("rich_text_list", "bullet", 1),
        ("rich_text_list", "ordered", 0),
        ("rich_text_quote", None, None),
        ("rich_text_section", None, None),
        ("rich_text_preformatted", None, None),
    ]
    assert elements[4]["elements"] == [{"type": "text", "text": "quoted"}]
    assert elements[6]["elements"] == [{"type": "text", "text": "kubectl get po\n<none>"}]


class Stubborn:
    """A real HTTP server that answers with the given statuses, then 200; keeps the retry headers."""

    def __init__(self, *statuses: int, no_retry: bool = False) -> None:
        self.retries: list[tuple[str | None, str | None]] = []
        left = list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_POST(handler) -> None:
                handler.rfile.read(int(handler.headers["Content-Length"]))
                headers = handler.headers
                self.retries.append((headers["X-Slack-Retry-Num"], headers["X-Slack-Retry-Reason"]))
                handler.send_response(left.pop(0) if left else 200)
                if no_retry:
                    handler.send_header("X-Slack-No-Retry", "1")
                handler.send_header("Content-Length", "0")
                handler.end_headers()

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Stubborn:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


def test_an_event_that_failed_is_sent_again_with_its_number_and_reason(slack: SlackStandIn) -> None:
    with Stubborn(500, 500) as server:
        slack.app = server.url
        slack.say("ada", "incidents", "x")
        slack.wait_sent()
    assert server.retries == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert (len(slack.outbox.sent), slack.outbox.undelivered) == (1, [])


def test_the_same_request_can_be_replayed_fifty_times_at_once(slack: SlackStandIn) -> None:
    with Stubborn() as server:
        slack.app = server.url
        slack.say("ada", "incidents", "x")
        slack.wait_sent()
        answers = slack.replay(times=50, at_once=True)
    assert [one.status for one in answers] == [200] * 50
    assert len({(one.body, one.headers["X-Slack-Signature"]) for one in slack.deliveries}) == 1


@pytest.mark.usefixtures("app")
def test_a_further_try_has_the_same_body_and_its_number(slack: SlackStandIn) -> None:
    slack.say("ada", "incidents", "x")
    assert slack.send_again(slack.deliveries[-1], 2).status == 200
    first, again = slack.deliveries
    assert first.body == again.body
    assert again.headers["X-Slack-Retry-Num"] == "2"


def test_held_events_go_out_when_they_are_let_go(slack: SlackStandIn, app: ListeningApp) -> None:
    slack.outbox.held = True
    slack.say("ada", "incidents", "x")
    assert app.bodies == []
    slack.outbox.held = False
    slack.wait_sent()
    assert [event["text"] for event in app.events("message")] == ["x"]


def test_an_event_is_given_up_after_three_retries_or_when_the_app_says_so(slack: SlackStandIn) -> None:
    with Stubborn(500, 500, 500, 500) as server:
        slack.app = server.url
        slack.say("ada", "incidents", "x")
        slack.wait_sent()
    assert len(server.retries) == 4
    with Stubborn(500, no_retry=True) as server:
        slack.app = server.url
        slack.say("ada", "incidents", "y")
        slack.wait_sent()
    assert [one["event"]["text"] for one in slack.outbox.undelivered] == ["x", "y"]


def test_an_app_that_is_away_is_tried_again(slack: SlackStandIn) -> None:
    with Stubborn() as server:
        address = server.url
    slack.outbox.retry_delays = (0.05, 0.05)
    slack.app = address
    slack.say("ada", "incidents", "x")
    slack.wait_sent()
    assert [one.answer.failure for one in slack.deliveries] == ["connection_failed"] * 3
