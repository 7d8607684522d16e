"""Secrets do not come along with what was captured, however it was written."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.models import Attachment, Delivery
from incidents.slack import mrkdwn
from incidents.slack.models import SlackFile, SlackMessage
from tests.incidents.slack.capture import said, texts
from tests.incidents.slack.fixtures import Work
from tests.stand_ins.slack import SlackStandIn


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    """A message of one line."""
    section = {"type": "rich_text_section", "elements": list(elements)}
    return {"text": "", "blocks": [{"type": "rich_text", "elements": [section]}]}


def piece(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, "style": style}


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("password=ab*cd*ef_gh", ("ab", "cd", "ef")),
        ("DB_PASSWORD: p_*Sw0rd", ("p_", "Sw0rd")),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi_-Oi.abc_-def0123456789", ("Oi", "def0123")),
        ("glpat-abc_-defghijklmnopqrst", ("abc", "defgh")),
        ("token=abc~~def~~ghi", ("abc", "def", "ghi")),
        ("*password*: hunter2hunter", ("hunter",)),
        ("> psql password=s3cr*t!x", ("s3cr", "t!x")),
        ("<https://ada:s3cr_t@db.example/x|the page>", ("s3cr",)),
        ("```\nexport TOKEN=s3cr_t*\n```", ("s3cr",)),
    ],
)
def test_a_secret_with_marks_in_it_is_blacked_out_whole(written: str, left: tuple[str, ...]) -> None:
    for message in ({"text": written}, rich(piece(written)), {"text": "", "attachments": [{"text": written}]}):
        markdown = mrkdwn.of_message(message).replace("redacted", "").replace("assigned-secret", "")
        assert not [word for word in left if word in markdown], markdown


def test_one_that_slack_took_for_an_address_is_blacked_out_too() -> None:
    assert "s3cr" not in mrkdwn.of_message({"text": "• password=<http://s3cr.example|s3cr.example>"})


def test_what_is_typed_in_two_looks_is_read_as_one() -> None:
    markdown = mrkdwn.of_message(rich(piece("password: ", bold=True), piece("hunter2hunter2", code=True)))
    assert "hunter2" not in markdown
    fields = [{"title": "Password", "value": "hunter2hunter2"}]
    assert "hunter2" not in mrkdwn.of_message({"text": "", "attachments": [{"fields": fields}]})


def test_lines_without_a_secret_keep_their_look() -> None:
    markdown = mrkdwn.of_message(
        rich(piece("safe\n", bold=True), piece("password=", bold=True), piece("hunter2hunter2"))
    )
    assert markdown.startswith("**safe**")
    assert "hunter2" not in markdown


def test_neither_the_line_nor_its_answers_nor_its_file_names_have_it(
    slack: SlackStandIn, work: Work, channel: str
) -> None:
    file = slack.file("password=hunter2hunter2.txt", b"x", "text/plain")
    root = slack.upload("ben", channel, file, "psql password=s3cr*t!hunter2")
    slack.say("ada", channel, "oh", thread_ts=root["ts"])
    slack.pin("ada", channel, root)
    work()
    assert len(texts()) == 2
    kept = [SlackMessage.objects.values_list("text", flat=True), SlackFile.objects.values_list("name", flat=True)]
    kept += [Attachment.objects.values_list("name", flat=True), [one.detail for one in said()], texts()]
    assert "hunter2" not in str([list(one) for one in kept])
    assert "t!" not in str([list(one) for one in kept])
    assert not Delivery.objects.filter(kind="files", content__icontains="password=hunter2").exists()
