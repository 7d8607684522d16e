"""Files of captured messages: fetched, checked, stored; whatever is not kept says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents.chat import outbox
from incidents.models import Attachment, Delivery, Picture, PostMortem, TimelineEntry
from incidents.slack.models import SlackFile, SlackSettings
from incidents.slack.settings import PIN_EMOJI
from tests.builders import make_person, make_postmortem
from tests.fixtures import signed_in
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.stand_ins.server import Asked, Reply, StandIn
from tests.stand_ins.slack import SlackStandIn


@pytest.fixture
def channel(slack: SlackStandIn, work: Work) -> str:
    found = declare(slack, work)
    slack.join("ben", found.name)
    work()
    return found.name


def shared(slack: SlackStandIn, work: Work, channel: str, file: Any, text: str = "Look") -> list[dict[str, Any]]:
    """The files of the line that came of it."""
    slack.pin("ada", channel, slack.upload("ben", channel, file, text))
    work()
    return files()


def files() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = TimelineEntry.objects.get(source="chat").detail["files"]
    return found


def test_a_picture_is_drawn_anew_and_shown(slack: SlackStandIn, work: Work, channel: str) -> None:
    (told,) = shared(slack, work, channel, slack.file("latency.png"))
    picture = Picture.objects.get()
    assert told == {"name": "latency.png", "address": picture.get_absolute_url(), "is_picture": True, "reason": ""}
    page = signed_in(make_person("cy")).get("/incidents/1/").content.decode()
    assert f'src="{picture.get_absolute_url()}"' in page
    assert failed() == []


def test_other_files_are_kept_for_downloading(slack: SlackStandIn, work: Work, channel: str) -> None:
    file = slack.file("pods.txt", b"checkout-7d9 CrashLoopBackOff", "text/plain")
    (told,) = shared(slack, work, channel, file)
    kept = Attachment.objects.get()
    assert (bytes(kept.data), kept.given_by) == (b"checkout-7d9 CrashLoopBackOff", "Ben")
    assert told["address"] == kept.get_absolute_url()


def test_a_page_that_was_uploaded_is_a_file_and_not_a_sign_in_page(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    (told,) = shared(slack, work, channel, slack.file("report.html", b"<h1>x</h1>", "text/html"))
    assert told["address"] == Attachment.objects.get().get_absolute_url()


def test_what_calls_itself_a_picture_and_is_none_is_only_downloaded(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    (told,) = shared(slack, work, channel, slack.file("x.png", b"<svg onload=alert(1)>", "image/png"))
    assert not told["is_picture"]
    assert not Picture.objects.exists()
    answer = signed_in(make_person("cy")).get(told["address"])
    assert answer["Content-Disposition"].startswith("attachment")


def test_one_that_is_too_large_is_not_fetched(slack: SlackStandIn, work: Work, channel: str) -> None:
    (told,) = shared(slack, work, channel, slack.file("heap.bin", b"x", "application/zip", size=120 * 2**20))
    assert told["reason"] == "too large: 120 MB; at most 8 MB are kept"
    assert not [one for one in slack.requests if "files-pri" in one.path]


def test_one_that_lies_about_its_size_is_not_read_to_its_end(slack: SlackStandIn, work: Work, channel: str) -> None:
    (told,) = shared(slack, work, channel, slack.file("heap.bin", b"x" * (9 * 2**20), "application/zip", size=10))
    assert told["reason"] == "too large: more than 8 MB"


def test_without_the_scope_the_line_says_so(slack: SlackStandIn, work: Work, channel: str) -> None:
    slack.workspace.scopes.discard("files:read")
    (told,) = shared(slack, work, channel, slack.file("latency.png"))
    assert "lacks files:read" in told["reason"]
    assert not Picture.objects.exists()
    assert not Attachment.objects.exists()


def test_an_empty_file_says_so(slack: SlackStandIn, work: Work, channel: str) -> None:
    (told,) = shared(slack, work, channel, slack.file("empty.txt", b"", "text/plain"))
    assert told["reason"].startswith("is empty")


def test_one_that_was_deleted_meanwhile_says_so(slack: SlackStandIn, work: Work, channel: str) -> None:
    file = slack.file("pods.txt", b"x", "text/plain")
    slack.pin("ada", channel, slack.upload("ben", channel, file))
    slack.workspace.files[file.id].deleted = True
    work()
    assert files()[0]["reason"] == "is not there any more"


def test_a_file_of_elsewhere_stays_a_link(slack: SlackStandIn, work: Work, channel: str) -> None:
    outside = {"id": "F9", "mode": "external", "is_external": True, "title": "Plan", "url_private": "https://d.example/plan"}  # fmt: skip
    _say_with(slack, channel, [outside])
    work()
    entry = TimelineEntry.objects.get(source="chat")
    assert entry.text == "Look\n\n[Plan](https://d.example/plan)"
    assert entry.detail["files"] == []


def test_a_file_that_only_its_id_tells_of_is_asked_for(slack: SlackStandIn, work: Work, channel: str) -> None:
    file = slack.file("pods.txt", b"found", "text/plain")
    file.channels.append(slack.workspace.find_channel(channel).id)
    _say_with(slack, channel, [{"id": file.id, "mode": "file_access", "file_access": "check_file_info"}])
    work()
    assert bytes(Attachment.objects.get().data) == b"found"
    assert len(slack.called("files.info")) == 1


def _say_with(slack: SlackStandIn, channel: str, told: list[dict[str, Any]]) -> None:
    message = slack.say("ben", channel, "Look")
    slack.workspace.find_channel(channel).messages[message["ts"]]["files"] = told
    slack.pin("ada", channel, message)


class Elsewhere(StandIn):
    """Another server, which must not hear the token."""

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, b"got you", "text/plain")


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        yield server


def test_the_token_is_never_sent_elsewhere(slack: SlackStandIn, work: Work, channel: str, elsewhere: Elsewhere) -> None:
    told = {"id": "F9", "name": "x", "mode": "hosted", "size": 3, "url_private_download": f"{elsewhere.url}/x"}
    _say_with(slack, channel, [told])
    work()
    assert files()[0]["reason"] == "does not lie on Slack's servers"
    assert elsewhere.requests == []


def test_nor_is_it_sent_where_an_answer_points(
    slack: SlackStandIn, work: Work, channel: str, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Any, asked: Asked) -> Reply:
        return Reply(302, b"", "text/plain", headers={"Location": f"{elsewhere.url}/x"})

    monkeypatch.setattr("tests.stand_ins.slack.slack.answer_file", away)
    (told,) = shared(slack, work, channel, slack.file("pods.txt", b"x", "text/plain"))
    assert told["reason"] == "does not lie on Slack's servers"
    assert elsewhere.requests == []


def test_what_cannot_be_fetched_now_is_fetched_later(
    slack: SlackStandIn, work: Work, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = _answer_file(), [429, 503]

    def sometimes(stand_in: Any, asked: Asked) -> Reply:
        return Reply(left.pop(0), b"", headers={"Retry-After": "1"}) if left else real(stand_in, asked)

    monkeypatch.setattr("tests.stand_ins.slack.slack.answer_file", sometimes)
    (told,) = shared(slack, work, channel, slack.file("latency.png"))
    assert told["is_picture"]
    assert Delivery.objects.get(kind="files").attempts == 3


def _answer_file() -> Any:
    from tests.stand_ins.slack import slack as module

    return module.answer_file


def test_files_go_with_the_text_of_a_deleted_message_where_the_policy_says_so(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    SlackSettings.objects.create(pk=1, pin_emoji=PIN_EMOJI, on_deleted="drop")
    message = slack.upload("ben", channel, slack.file("latency.png"), "Look")
    more = slack.upload("ben", channel, slack.file("pods.txt", b"x", "text/plain"))
    for one in (message, more):
        slack.pin("ada", channel, one)
    work()
    assert Picture.objects.count() == Attachment.objects.count() == 1
    slack.delete("ben", channel, message)
    slack.delete("ben", channel, more)
    work()
    assert not Picture.objects.exists()
    assert not Attachment.objects.exists()
    assert not SlackFile.objects.exists()


def test_one_that_cannot_be_had_keeps_no_other_waiting_and_says_so_in_the_end(
    slack: SlackStandIn, work: Work, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_broken = _answer_file(), True

    def bad(stand_in: Any, asked: Asked) -> Reply:
        return Reply(503, b"", headers={}) if is_broken and "broken" in asked.path else real(stand_in, asked)

    monkeypatch.setattr("tests.stand_ins.slack.slack.answer_file", bad)
    for name in ("broken.txt", "whole.txt"):
        slack.pin("ada", channel, slack.upload("ben", channel, slack.file(name, name.encode(), "text/plain"), name))
    Delivery.objects.filter(kind="files").update(attempts=20)
    work()
    assert [bytes(one.data) for one in Attachment.objects.all()] == [b"whole.txt"]
    waiting = Delivery.objects.filter(kind="files", state="working")
    now = timezone.now()
    waiting.update(created_at=now - timedelta(days=2), due_at=now)
    work()
    entry = TimelineEntry.objects.get(source="chat", text="broken.txt")
    assert entry.detail["files"][0]["reason"] == "was not fetched: A file could not be fetched (503)."
    is_broken = False
    outbox.try_again(Delivery.objects.get(kind="files", state="failed"), now)
    work()
    entry.refresh_from_db()
    assert (entry.detail["files"][0]["reason"], Attachment.objects.count()) == ("", 2)


def _edited_to(slack: SlackStandIn, channel: str, message: Any, told: list[dict[str, Any]]) -> None:
    """What Slack says once the message's files are `told`."""
    kept = slack.workspace.find_channel(channel).messages[message["ts"]]
    kept["files"] = told
    slack.edit("ben", channel, message, f"{kept['text']}.")


@pytest.mark.parametrize("left", [[], [{"mode": "tombstone"}]])
@pytest.mark.parametrize("policy", ["keep", "drop"])
def test_a_file_deleted_in_slack_says_so_and_is_kept_or_dropped(
    slack: SlackStandIn, work: Work, channel: str, policy: str, left: list[dict[str, Any]]
) -> None:
    SlackSettings.objects.create(pk=1, pin_emoji=PIN_EMOJI, on_deleted=policy)
    message = slack.upload("ben", channel, slack.file("latency.png"), "Look")
    slack.pin("ada", channel, message)
    work()
    _edited_to(slack, channel, message, [one | {"id": SlackFile.objects.get().slack_id} for one in left])
    work()
    (told,) = files()
    assert told["reason"] == "was deleted in Slack"
    assert (Picture.objects.count(), bool(told["address"])) == ((1, True) if policy == "keep" else (0, False))
    assert "was deleted in Slack" in signed_in(make_person("cy")).get("/incidents/1/").content.decode()


def test_a_picture_that_people_use_stays(slack: SlackStandIn, work: Work, channel: str) -> None:
    SlackSettings.objects.create(pk=1, pin_emoji=PIN_EMOJI, on_deleted="drop")
    message = slack.upload("ben", channel, slack.file("latency.png"), "Look")
    slack.pin("ada", channel, message)
    work()
    picture = Picture.objects.get()
    written = make_postmortem(incident=picture.incident)
    PostMortem.objects.filter(pk=written.pk).update(body=f"![latency]({picture.get_absolute_url()})")
    slack.delete("ben", channel, message)
    work()
    assert Picture.objects.get() == picture
    assert not SlackFile.objects.exists()


def test_a_file_taken_over_twice_is_fetched_once(slack: SlackStandIn, work: Work, channel: str) -> None:
    message = slack.upload("ben", channel, slack.file("latency.png"), "Look")
    slack.pin("ada", channel, message)
    work()
    slack.edit("ben", channel, message, "Look here")
    slack.react("ada", channel, message, "pushpin")
    work()
    assert Picture.objects.count() == 1
    assert len([one for one in slack.requests if "files-pri" in one.path]) == 1
    assert timezone.now() > Picture.objects.get().created_at
