"""Settings, Slack: what an admin sees and chooses, who is linked to whom, and what nobody else may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from incidents.models import Delivery
from incidents.slack import health
from incidents.slack.models import SlackPerson, SlackRequest, SlackSettings, Workspace
from incidents.slack.people import stand_in
from incidents.slack.settings import chosen
from telemetry.models import Heartbeat
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_incident, make_person
from tests.fixtures import signed_in
from tests.incidents.slack.fixtures import Work
from tests.stand_ins.slack import SlackStandIn

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"
CHOICES = {
    "central_channel": "#incidents",
    "channel_template": "inc-{number}-{title}",
    "invite": "@oncall\nben@example.org",
    "pin_emoji": ":pushpin:, eyes",
    "on_deleted": "drop",
    "update_template": "What is known:",
    "digest_hour": "8",
    "archive_after_days": "14",
}


@pytest.fixture
def boss(transactional_db: None) -> Client:
    """An admin, in tests whose rows are really committed."""
    return signed_in(make_person("root"))


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"/settings/slack/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def stranger(name: str = "Mila Novak", **overrides: Any) -> SlackPerson:
    fields = {"slack_id": f"U{SlackPerson.objects.count():08}", "email": "", "checked_at": NOW} | overrides
    return SlackPerson.objects.create(name=name, **fields)


def refused_request(**overrides: Any) -> SlackRequest:
    fields: dict[str, Any] = {"key": "E1", "kind": "event:pin_added", "lane": "C1", "payload": {"secret": "x"}}
    fields |= {"state": "failed", "attempts": 5, "problem": "The channel is gone.", "due_at": NOW, "created_at": NOW}
    return SlackRequest.objects.create(**(fields | overrides))


def test_without_a_token_the_page_tells_the_steps_and_gives_both_manifests(as_root: Client, settings: Any) -> None:
    settings.BASE_URL = "https://debrief.example.org"
    page = shown(as_root)
    assert "Connect Slack" in page
    assert "From a manifest" in page
    assert "https://debrief.example.org/slack/commands" in page
    assert "&quot;socket_mode_enabled&quot;: true" in page
    assert 'id="h-workspace"' not in page


def test_the_page_shows_which_variables_are_set_and_never_a_value(as_root: Client, settings: Any) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_SIGNING_SECRET = "xoxb-secret-of-the-bot", "signing-secret-value"
    page = shown(as_root)
    assert page.count("</svg>set</span>") == 2
    assert "secret-of-the-bot" not in page
    assert "signing-secret-value" not in page


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "test/result/"),
        ("get", "example/"),
        ("post", "save/"),
        ("post", "check/"),
        ("post", "test/"),
        ("post", "people/{person}/"),
        ("post", "requests/{request}/retry/"),
        ("post", "deliveries/{delivery}/retry/"),
    ],
)
def test_nobody_but_an_admin_comes_in(as_ada: Client, method: str, path: str) -> None:
    delivery = Delivery.objects.create(
        service="slack", kind="home", lane="x", state="failed", due_at=NOW, created_at=NOW
    )
    path = path.format(person=stranger().pk, request=refused_request().pk, delivery=delivery.pk)
    answer = getattr(as_ada, method)(f"/settings/slack/{path}", CHOICES | {"channel": "general", "user": "ada"})
    assert answer.status_code == 403
    assert not SlackSettings.objects.exists()
    assert not SlackPerson.objects.exclude(user=None).exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"failed"}


def test_choices_are_saved_as_they_were_typed(as_root: Client) -> None:
    assert as_root.post("/settings/slack/save/", CHOICES).status_code == 302
    row = chosen()
    assert (row.central_channel, row.on_deleted, row.digest_hour, row.archive_after_days) == (
        "incidents",
        "drop",
        8,
        14,
    )
    assert (row.invite, row.pin_emoji) == (["@oncall", "ben@example.org"], ["pushpin", "eyes"])
    assert AuditEvent.objects.get(verb="slack.settings").actor == make_person("root")
    as_root.post("/settings/slack/save/", CHOICES | {"digest_hour": "9"})
    assert AuditEvent.objects.filter(verb="slack.settings").latest("pk").detail == {"changed": ["digest_hour"]}
    assert SlackSettings.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"central_channel": "Two Words"}, "Expected the name of a channel in small letters"),
        ({"channel_template": "incident"}, "Lacks {number}"),
        ({"channel_template": "{number}-{secret}"}, "Knows no {secret}"),
        ({"channel_template": "{number"}, "Has a brace without its other half"),
        ({"channel_template": "{number.__class__}"}, "Knows no {number.__class__}"),
        ({"invite": "two@at@signs.example"}, "expected handles such as @oncall"),
        ({"invite": "\n".join(f"group{n}" for n in range(21))}, "Are 21; expected at most 20"),
        ({"pin_emoji": "<b>"}, "expected names such as pushpin"),
        ({"on_deleted": "burn"}, "not one of the available choices"),
        ({"update_template": "x" * 3_001}, "at most 3000 characters"),
        ({"digest_hour": "24"}, "less than or equal to 23"),
        ({"archive_after_days": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_refused_choice_says_why_and_keeps_all_that_was_typed(
    as_root: Client, wrong: dict[str, str], words: str
) -> None:
    answer = as_root.post("/settings/slack/save/", CHOICES | wrong)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    form = answer.context["form"]
    assert {name: form[name].value() for name in CHOICES} == CHOICES | wrong
    assert not SlackSettings.objects.exists()


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("inc-{number}-{title}", "#inc-42-checkout-answers-503 for Checkout answers 503"),
        ("{severity}-{number}", "#sev2-42 for Checkout answers 503"),
        ("x", "The template lacks {number}"),
        (f"{{number}}{HOSTILE}", "#42-script-alert-1-script"),
        (f"{{{HOSTILE}}}", "knows no {&lt;script&gt;"),
    ],
)
def test_the_example_follows_the_template(as_root: Client, template: str, words: str) -> None:
    answer = as_root.get("/settings/slack/example/", {"channel_template": template})
    assert words in answer.content.decode()
    assert HOSTILE not in answer.content.decode()


def test_check_tells_who_the_bot_is_and_what_each_missing_scope_breaks(boss: Client, slack: SlackStandIn) -> None:
    Workspace.objects.all().delete()
    assert "Nobody has asked Slack yet" in shown(boss)
    slack.workspace.scopes.discard("files:read")
    answer = boss.post("/settings/slack/check/", follow=True).content.decode()
    assert "1 scope is missing." in answer
    assert "Pictures and files of messages are not kept." in answer
    known = Workspace.objects.get()
    assert known.bot_user_id in answer
    slack.workspace.scopes.add("files:read")
    assert "Every scope is granted." in boss.post("/settings/slack/check/", follow=True).content.decode()
    assert "everything that is needed" in shown(boss)


def test_a_token_that_slack_does_not_know_is_said(boss: Client, slack: SlackStandIn, settings: Any) -> None:
    settings.SLACK_BOT_TOKEN = "xoxb-of-somebody-else"
    answer = boss.post("/settings/slack/check/", follow=True).content.decode()
    assert "Not connected. Slack does not know the bot token." in answer
    assert "of-somebody-else" not in answer


def test_a_test_message_arrives_and_the_page_says_so(boss: Client, slack: SlackStandIn, work: Work) -> None:
    assert boss.post("/settings/slack/test/", {"channel": "#general"}).status_code == 302
    under_way = boss.get("/settings/slack/test/result/").content.decode()
    assert "under way" in under_way
    assert 'hx-trigger="every 1s"' in under_way
    work()
    done = boss.get("/settings/slack/test/result/").content.decode()
    assert "#general: it arrived" in done
    assert "hx-trigger" not in done
    assert any("A test message of Debrief" in text for text in slack.workspace.find_channel("general").texts())


def test_a_test_message_that_cannot_arrive_says_why(boss: Client, slack: SlackStandIn, work: Work) -> None:
    boss.post("/settings/slack/test/", {"channel": "nowhere"})
    work()
    assert "Slack does not show this channel to the app" in shown(boss)


@pytest.mark.parametrize("channel", ["", "   ", "two words", "@here", "x" * 81, HOSTILE])
def test_a_test_goes_to_a_channel_alone(as_root: Client, channel: str) -> None:
    answer = as_root.post("/settings/slack/test/", {"channel": channel}, follow=True)
    assert "Not done. channel: expected the name of a channel" in answer.content.decode()
    assert not Delivery.objects.exists()
    assert HOSTILE not in answer.content.decode()


def test_somebody_in_slack_is_linked_searched_and_let_go(as_root: Client, ada: User) -> None:
    mila, other = stranger(email="mila@else.example"), stranger("Otto")
    stranger("A bot", is_bot=True)
    page = shown(as_root)
    assert "Mila Novak" in page
    assert "A bot" not in page
    assert "Otto" not in shown(as_root, "?q=else.example")
    answer = as_root.post(f"/settings/slack/people/{mila.pk}/", {"user": "@ADA"})
    assert answer.status_code == 302
    mila.refresh_from_db()
    assert mila.user == ada
    assert AuditEvent.objects.get(verb="slack.linked").detail == {"slack_id": mila.slack_id, "user": "ada"}
    shown(as_root)
    assert "Mila Novak" not in shown(as_root)
    assert 'value="ada"' in shown(as_root, "?linked=1")
    as_root.post(f"/settings/slack/people/{mila.pk}/", {"user": ""})
    mila.refresh_from_db()
    assert mila.user is None
    assert other.user is None


@pytest.mark.parametrize("name", ["nobody", "gone", "slack"])
def test_nobody_is_linked_to_who_may_not_sign_in(as_root: Client, name: str) -> None:
    make_person("gone", is_active=False)
    stand_in()
    mila = stranger()
    answer = as_root.post(f"/settings/slack/people/{mila.pk}/", {"user": name}, follow=True)
    assert "Not done." in answer.content.decode()
    mila.refresh_from_db()
    assert mila.user is None


def test_hostile_names_never_become_markup(as_root: Client) -> None:
    stranger(HOSTILE, email=HOSTILE)
    refused_request(kind=HOSTILE[:40], problem=HOSTILE)
    assert HOSTILE not in shown(as_root)


def test_what_failed_is_shown_with_its_reason_and_begins_anew(as_root: Client) -> None:
    request = refused_request()
    delivery = Delivery.objects.create(
        service="slack",
        kind="headline",
        lane="slack:incident:1",
        state="failed",
        attempts=9,
        problem="The channel is archived.",
        incident=make_incident(),
        due_at=NOW,
        created_at=NOW,
    )
    page = shown(as_root)
    assert "The channel is gone." in page
    assert "The channel is archived." in page
    assert ">INC-1</a>" in page
    as_root.post(f"/settings/slack/requests/{request.pk}/retry/")
    as_root.post(f"/settings/slack/deliveries/{delivery.pk}/retry/")
    for row in (request, delivery):
        row.refresh_from_db()
        assert (row.state, row.attempts < 2) == ("waiting", True)
    assert 'id="h-failed"' not in shown(as_root)


def test_what_is_not_failed_is_left_to_itself(as_root: Client) -> None:
    row = refused_request(state="done", problem="")
    as_root.post(f"/settings/slack/requests/{row.pk}/retry/")
    row.refresh_from_db()
    assert row.state == "done"


def test_a_delivery_of_another_service_is_not_retried_here(as_root: Client) -> None:
    row = Delivery.objects.create(service="teams", kind="x", lane="x", state="failed", due_at=NOW, created_at=NOW)
    assert as_root.post(f"/settings/slack/deliveries/{row.pk}/retry/").status_code == 404


def test_the_page_asks_no_more_for_more_people_and_failures(as_root: Client) -> None:
    def more(place: int) -> None:
        stranger(f"Stranger {place}")
        refused_request(key=f"E{place}")
        Delivery.objects.create(
            service="slack", kind="x", lane="x", state="failed", incident=make_incident(), due_at=NOW, created_at=NOW
        )

    more(0)
    few = queries_of(lambda: as_root.get("/settings/slack/"))
    for place in range(1, 6):
        more(place)
    assert queries_of(lambda: as_root.get("/settings/slack/")) == few


def test_people_come_page_by_page(as_root: Client) -> None:
    for place in range(35):
        stranger(f"Stranger {place:02}")
    page = shown(as_root)
    assert "Stranger 34" in page
    assert "Stranger 04" not in page
    assert page.count("before=") == 1


def test_the_doctor_says_nothing_of_slack_where_it_is_not_used() -> None:
    assert health.problem(timezone.now()) == ("", "")


def test_the_doctor_names_missing_scopes_refused_tokens_and_failures(slack: SlackStandIn, settings: Any) -> None:
    now = timezone.now()
    assert health.problem(now)[0] == "is not heard: no Socket Mode connection"
    Heartbeat.objects.create(name="slack-sockets", at=now)
    assert health.problem(now)[0] == ""
    refused_request(finished_at=now - timedelta(hours=1))
    refused_request(key="E2", finished_at=now - timedelta(days=2))
    assert health.problem(now)[0] == "failed 1 times within a day"
    slack.workspace.scopes.discard("pins:read")
    assert health.problem(now)[0] == "lacks the scopes pins:read"
    settings.SLACK_BOT_TOKEN = "xoxb-of-somebody-else"
    assert health.problem(now)[0].startswith("Slack does not know the bot token")
