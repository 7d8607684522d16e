"""Teams and Mattermost: what they are told, how hostile text is shown, and what comes of each answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from accounts.models import User
from incidents.actions.incident import assign_role, change_incident, change_status
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.update import post_update
from incidents.chat import card_text, lanes, registry, webhooks
from incidents.chat.lanes import Later, Never
from incidents.chat.mattermost import NOTHING, Mattermost, escaped
from incidents.chat.news import News
from incidents.chat.teams import Teams
from incidents.models import Delivery, Incident, Severity
from tests.builders import NOW, make_incident, make_person, make_postmortem
from tests.stand_ins.server import Reply
from tests.stand_ins.webhooks import MattermostStandIn, TeamsStandIn, WebhookStandIn

pytestmark = pytest.mark.django_db
KINDS = {"teams": (TeamsStandIn, "TEAMS_WEBHOOK_URL"), "mattermost": (MattermostStandIn, "MATTERMOST_WEBHOOK_URL")}
NEWS = News("Update", "INC-1 Checkout", "http://debrief.example/incidents/1/", (("Severity", "SEV2"),), "Text.", 2)
PAYLOADS = Path(__file__).parents[2] / "payloads" / "markdown"
HOSTILE = "@channel @here @all <!channel> <@U1> [x](http://evil.example) **b** `c` :bomb: ~town # <at>Ada</at>"


@pytest.fixture(params=["teams", "mattermost"])
def chat(request: pytest.FixtureRequest, settings: Any) -> Iterator[WebhookStandIn]:
    stand_in, name = KINDS[request.param]
    with stand_in() as server:
        setattr(settings, name, f"{server.url}/hooks/secret-of-the-hook")
        yield server


@pytest.fixture
def both(settings: Any) -> Iterator[tuple[TeamsStandIn, MattermostStandIn]]:
    with TeamsStandIn() as teams, MattermostStandIn() as mattermost:
        settings.TEAMS_WEBHOOK_URL = f"{teams.url}/workflows/1"
        settings.MATTERMOST_WEBHOOK_URL = f"{mattermost.url}/hooks/1"
        yield teams, mattermost


def work() -> None:
    for lane in lanes.waiting_lanes(Delivery, timezone.now() + timedelta(days=1)):
        lanes.work(Delivery, lane, registry.deliver)


def words(message: dict[str, Any]) -> str:
    """Everything that a reader of a message sees, in either shape."""
    return json.dumps(message, ensure_ascii=False)


def runs(message: dict[str, Any]) -> list[str]:
    body = message["attachments"][0]["content"]["body"]
    return ["".join(run["text"] for run in block["inlines"]) for block in body]


@pytest.fixture
def said(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_one_night_is_told_to_both_in_its_order(both: Any, ada: User, said: Any) -> None:
    teams, mattermost = both
    with said():
        incident = make_incident()
    with said():
        change_status(incident=incident, status="identified", by=ada, now=NOW + timedelta(minutes=1))
    with said():
        sev1 = Severity.objects.get(name="SEV1")
        change_incident(incident=incident, by=ada, now=NOW + timedelta(minutes=2), severity=sev1)
    with said():
        post_update(incident=incident, text="The pool\nis full.", by=ada, now=NOW + timedelta(minutes=3))
    with said():
        assign_role(incident=incident, role="scribe", user=ada, by=ada, now=NOW + timedelta(minutes=4))
    work()
    told = ["Incident declared", "Status is now identified", "Severity is now SEV1", "Update"]
    assert [runs(message)[0] for message in teams.messages] == told
    assert [message["text"].split("**")[1] for message in mattermost.messages] == told
    assert {"The pool", "is full.", "Severity: SEV1", "Status: Identified"} <= set(runs(teams.messages[-1]))
    assert mattermost.messages[-1]["attachments"][0]["text"] == "The pool\nis full."
    assert "/incidents/1/" in words(teams.messages[0])
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_an_update_that_changes_the_status_is_told_once(both: Any, ada: User, said: Any) -> None:
    incident = make_incident()
    with said():
        post_update(incident=incident, text="It is over.", by=ada, now=NOW, status="resolved")
    assert set(Delivery.objects.values_list("service", "kind")) == {("teams", "update"), ("mattermost", "update")}
    assert Delivery.objects.count() == 2
    work()
    assert "Status: Resolved" in runs(both[0].messages[0])


def test_a_published_post_mortem_is_told_with_its_address(both: Any, said: Any) -> None:

    ben, postmortem = make_person("ben"), make_postmortem()
    postmortem = save_postmortem(
        postmortem=postmortem,
        based_on=postmortem.resource_version,
        title=postmortem.title,
        body="# What happened",
        by=ben,
        now=NOW,
    )
    with said():
        publish_postmortem(postmortem=postmortem, by=ben, now=NOW)
    work()
    assert runs(both[0].messages[0])[0] == "Post-mortem published"
    assert "/incidents/1/postmortem/" in words(both[1].messages[0])


def test_a_restricted_incident_is_told_to_nobody(both: Any, ada: User, said: Any) -> None:
    with said():
        incident = make_incident(visibility="restricted")
        change_status(incident=incident, status="resolved", by=ada, now=NOW)
        post_update(incident=incident, text="Secret.", by=ada, now=NOW)
    assert not Delivery.objects.exists()


def test_what_became_restricted_while_it_waited_stays_here(chat: WebhookStandIn, said: Any) -> None:
    with said():
        incident = make_incident()
    assert Delivery.objects.count() == 1
    Incident.objects.filter(pk=incident.pk).update(visibility="restricted")
    work()
    assert chat.requests == []


def test_without_an_address_nothing_is_enqueued(said: Any) -> None:
    with said():
        make_incident()
    assert not Delivery.objects.exists()


def test_a_service_that_was_taken_away_says_so(chat: WebhookStandIn, settings: Any, said: Any) -> None:
    with said():
        make_incident()
    settings.TEAMS_WEBHOOK_URL = settings.MATTERMOST_WEBHOOK_URL = ""
    work()
    assert Delivery.objects.get().problem.endswith("is not configured any more.")


def test_hostile_text_calls_nobody_in_mattermost_and_stays_readable() -> None:
    message = Mattermost().message(
        News(HOSTILE, f"INC-1 {HOSTILE}", "https://d.example/", ((HOSTILE, HOSTILE),), HOSTILE)
    )
    shown = words(message)
    for call in ("@channel", "@here", "@all", "<!channel>", "<@U1>", "<at>"):
        assert call not in shown
    formatted = [message["text"], message["attachments"][0]["fields"][0]["value"]]
    assert not [text for text in formatted if "](http://evil.example" in text]
    assert escaped("a_b @all") == f"a\\_b @{NOTHING}all"


def test_addresses_in_a_text_stay_links_in_mattermost() -> None:
    assert escaped("See https://x.example/a_b?c=*d now.") == "See https://x.example/a_b?c=%2Ad now\\."
    assert escaped("(https://x.example/a(b)c).") == "\\(https://x.example/a%28b%29c\\)\\."
    assert escaped("https://x.example/@all") == "https://x.example/%40all"


def test_hostile_text_is_no_markdown_in_teams() -> None:
    """Only TextRuns hold what people typed: TextBlocks and facts would read Markdown."""
    message = Teams().message(News("Update", f"INC-1 {HOSTILE}", "https://d.example/", ((HOSTILE, HOSTILE),), HOSTILE))
    card = message["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert "entities" not in card["msteams"]
    assert f"INC-1 {HOSTILE}" in runs(message)
    shown = [run for block in card["body"] for run in block["inlines"]]
    assert {key for run in shown for key in run} <= {"type", "text", "weight", "color", "size", "fontType", "italic"}


MARKED = (
    "pod a\\*b is **full**, see `a\\*b` and [the graph](https://x.example/a_b?c=@d)\n\n- one\n- two \\< 3\n1. third"
)


def test_an_update_keeps_its_markdown_in_mattermost_and_shows_no_escape() -> None:
    text = Mattermost().message(replace(NEWS, text=MARKED))["attachments"][0]["text"]
    assert text == (
        "pod a\\*b is **full**, see `a\\*b` and [the graph](https://x.example/a_b?c=%40d)"
        f"\n\n- one\n- two <{NOTHING} 3\n1. third"
    )


def test_code_in_mattermost_calls_nobody_and_pictures_are_links() -> None:
    text = Mattermost().message(replace(NEWS, text="`@all` ![x](https://evil.example/p.png)"))["attachments"][0]["text"]
    assert text == f"`@{NOTHING}all` [x](https://evil.example/p.png)"


def test_an_update_has_its_looks_in_teams_and_shows_no_escape() -> None:
    message = Teams().message(replace(NEWS, text=MARKED))
    lines = ["pod a*b is full, see a\\*b and the graph (https://x.example/a_b?c=@d)", "• one", "• two < 3", "1. third"]
    assert runs(message)[2:6] == lines
    first = message["attachments"][0]["content"]["body"][2]["inlines"]
    looks = {run["text"]: set(run) - {"type", "text"} for run in first}
    assert looks["full"] == {"weight"}
    assert looks["a\\*b"] == {"fontType"}


def test_nothing_hostile_becomes_more_than_text_in_teams() -> None:
    scripts = PAYLOADS.joinpath("scripts.txt").read_text().splitlines()
    assert len(scripts) > 20
    for text in [*scripts, *json.loads(PAYLOADS.joinpath("fragments.json").read_text())]:
        found = [run for line in card_text.lines_of(f"kept {text}\n{text}") for run in line]
        assert found[0]["text"].startswith("kept")
        assert all(run["type"] == "TextRun" and run["text"] for run in found)


@pytest.mark.parametrize("letter", ["x", "é", "🔥", '"', "\\", "\n🔥"])
def test_the_longest_update_fits(chat: WebhookStandIn, letter: str) -> None:
    text = (letter * 3_000)[:3_000]
    for webhook in webhooks.turned_on():
        webhook.post(webhook.message(News("Update", "t" * 200, "https://d.example/", (("a", "b"),), text)))
    (message,) = chat.messages
    content = message["attachments"][0].get("content")
    shown = "".join(runs(message)) if content else message["attachments"][0]["text"]
    assert shown.count(letter.strip()) >= 250


@pytest.mark.parametrize(
    ("code", "raised", "words", "after"),
    [
        ("429", Later, "asked to wait", 7.0),
        ("503", Later, "answered 503", 7.0),
        ("500", Later, "answered 500", None),
        ("404", Never, "the webhook is gone", None),
        ("401", Never, "the webhook is gone", None),
        ("400", Never, "refused the message with 400", None),
        ("413", Never, "refused the message with 413", None),
        ("redirect", Never, "sent us elsewhere (302)", None),
        ("reset", Later, "could not be reached", None),
    ],
)
def test_each_answer_is_tried_again_or_shown_and_the_address_stays_secret(
    chat: WebhookStandIn, code: str, raised: type[Exception], words: str, after: float | None
) -> None:
    (webhook,) = webhooks.turned_on()
    chat.fault("/hooks", code, retry_after="7")
    with pytest.raises(raised) as problem:
        webhook.post(webhook.message(NEWS))
    assert words in str(problem.value)
    assert "secret-of-the-hook" not in str(problem.value)
    assert getattr(problem.value, "after", None) == after
    assert len(chat.requests) == 1


def test_a_service_that_says_nothing_is_asked_again_later(
    chat: WebhookStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(webhooks, "TIMEOUT", httpx.Timeout(0.3))
    (webhook,) = webhooks.turned_on()
    chat.fault("/hooks", "hang")
    with pytest.raises(Later, match="did not answer"):
        webhook.post(webhook.message(NEWS))


def test_an_endless_answer_is_not_read_to_its_end(chat: WebhookStandIn) -> None:
    (webhook,) = webhooks.turned_on()
    chat.fault("/hooks", "huge")
    webhook.post(webhook.message(NEWS))


def test_what_was_busy_is_told_later_and_in_order(chat: WebhookStandIn, ada: User, said: Any) -> None:
    chat.fault("/hooks", "429", times=2, retry_after="0")
    with said():
        incident = make_incident(now=timezone.now())
        change_status(incident=incident, status="identified", by=ada, now=timezone.now())
    work()
    assert len(chat.messages) == 2
    assert "declared" in words(chat.messages[0])
    assert set(Delivery.objects.values_list("state", "attempts")) == {("done", 3), ("done", 1)}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
            "asked to wait",
        ),
        ("Webhook message delivery failed with error: something else", "could not show it"),
    ],
)
def test_a_failure_that_teams_tells_with_200_is_tried_again(body: str, words: str, settings: Any) -> None:
    class Old(TeamsStandIn):
        def taken(self) -> Reply:
            return Reply(200, body.encode(), "text/plain")

    with Old() as server:
        settings.TEAMS_WEBHOOK_URL = f"{server.url}/webhook"
        with pytest.raises(Later, match=words):
            Teams().post(Teams().message(NEWS))


@pytest.mark.parametrize("code", [400, 403, 404, 413])
def test_a_refusal_that_teams_tells_with_200_is_not_tried_again(code: int) -> None:
    body = f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {code} with id 1"
    assert isinstance(Teams().refusal(body), Never)
    assert str(code) in str(Teams().refusal(body))


def test_one_that_a_service_stumbles_on_gives_way_after_20_tries(chat: WebhookStandIn, ada: User, said: Any) -> None:
    chat.fault("/hooks", "500", times=webhooks.MOST_STUMBLES)
    with said():
        incident = make_incident(now=timezone.now())
    with said():
        change_status(incident=incident, status="identified", by=ada, now=timezone.now())
    for _ in range(webhooks.MOST_STUMBLES):
        Delivery.objects.update(due_at=timezone.now())
        work()
    assert list(Delivery.objects.values_list("state", flat=True)) == ["failed", "done"]
    assert "20 times" in Delivery.objects.filter(state="failed").get().problem
    assert "identified" in words(chat.messages[0])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("99999999999", 3_600.0),
        ("Sat, 21 Nov 2026 06:38:42 GMT", 30.0),
        ("Sat, 21 Nov 2026 06:00:00 GMT", 0.0),
    ],
)
def test_how_long_to_wait_is_read_from_seconds_and_dates(value: str | None, seconds: float | None) -> None:
    assert webhooks.retry_after(value, datetime(2026, 11, 21, 6, 38, 12, tzinfo=UTC)) == seconds
