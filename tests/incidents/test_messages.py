"""Messages of a chat as lines of the timeline, and the files that came with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.problems import InvalidInput
from incidents.actions import attachment as attachments
from incidents.actions.attachment import store_attachment
from incidents.actions.timeline import TEXT_LIMIT, change_entry, put_message
from incidents.models import Attachment, Incident, TimelineEntry
from tests.builders import NOW, make_incident, make_person

pytestmark = pytest.mark.django_db
EARLIER = NOW - timedelta(minutes=4)


def put(incident: Incident, **overrides: Any) -> TimelineEntry:
    fields = {
        "key": "slack:C1:1.1",
        "occurred_at": EARLIER,
        "title": "Ben Lindqvist",
        "text": "The pool is exhausted.",
        "actor": make_person("ben"),
        "now": NOW,
        "detail": {"service": "Slack"},
    }
    return put_message(incident=incident, **(fields | overrides))


def keep(incident: Incident, **overrides: Any) -> Attachment:
    fields = {"name": "heap.hprof", "data": b"JAVA PROFILE", "given_by": "Ben Lindqvist", "now": NOW}
    return store_attachment(incident=incident, **(fields | overrides))


def test_a_message_is_one_line_at_its_own_time(ben: User) -> None:
    entry = put(make_incident(), pinned=True)
    assert (entry.source, entry.dedup_key, entry.occurred_at) == ("chat", "chat:slack:C1:1.1", EARLIER)
    assert (entry.title, entry.text, entry.actor, entry.pinned) == (
        "Ben Lindqvist",
        "The pool is exhausted.",
        ben,
        True,
    )


def test_the_same_message_again_brings_its_line_up_to_date() -> None:
    incident = make_incident()
    first = put(incident)
    again = put(incident, text="The pool is full.", detail={"edited": True})
    assert (again.pk, again.text, again.detail) == (first.pk, "The pool is full.", {"edited": True})


def test_what_people_chose_of_a_line_stays_when_the_message_is_edited(ada: User) -> None:
    incident = make_incident()
    change_entry(entry=put(incident, pinned=True), by=ada, now=NOW, pinned=False, hidden=True)
    change_entry(entry=put(incident), by=ada, now=NOW, occurred_at=EARLIER - timedelta(minutes=1))
    again = put(incident, pinned=True, text="Edited.")
    assert (again.pinned, again.hidden, again.text) == (False, True, "Edited.")
    assert again.occurred_at == EARLIER - timedelta(minutes=1)
    assert not put(incident, hidden=False).hidden


def test_a_text_over_the_limit_says_how_much_is_not_shown() -> None:
    entry = put(make_incident(), text="x" * 40_000)
    assert len(entry.text) <= TEXT_LIMIT
    assert entry.text.endswith("… 30,080 of 40,000 characters are not shown here.")
    assert entry.text.startswith("x" * 9_920)


def test_the_text_of_a_message_is_not_changed_here(ada: User) -> None:
    entry = put(make_incident())
    for change in ({"text": "Mine."}, {"text": "Mine.", "occurred_at": EARLIER}):
        with pytest.raises(InvalidInput):
            change_entry(entry=entry, by=ada, now=NOW, **change)
    entry.refresh_from_db()
    assert entry.text == "The pool is exhausted."


@pytest.mark.parametrize("at", [NOW + timedelta(hours=1), NOW.replace(year=1970)])
def test_the_time_of_a_message_lies_in_the_past_of_this_century(ada: User, at: Any) -> None:
    incident = make_incident()
    with pytest.raises(InvalidInput) as refused:
        put(incident, occurred_at=at)
    assert list(refused.value.errors) == ["occurred_at"]
    with pytest.raises(InvalidInput):
        change_entry(entry=put(incident), by=ada, now=NOW, occurred_at=at)


def test_the_same_file_twice_is_kept_once() -> None:
    incident = make_incident()
    assert keep(incident).pk == keep(incident, name="again.hprof").pk
    assert keep(make_incident()).incident != incident


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\dumps\\heap.hprof", "heap.hprof"),
        ("a\x00b\r\nSet-Cookie: x\u202e.txt", "a b Set-Cookie: x .txt"),
        ("", "file"),
        (".env", "env"),
        (f"{'x' * 300}.tar.gz", f"{'x' * 197}.gz"),
    ],
)
def test_a_file_has_a_plain_name(name: str, kept: str) -> None:
    assert keep(make_incident(), name=name).name == kept


@pytest.mark.parametrize(("data", "words"), [(b"", "is empty"), (b"x" * (8 * 2**20 + 1), "expected at most 8 MiB")])
def test_a_file_is_bounded(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        keep(make_incident(), data=data)
    assert words in refused.value.errors["file"]


def test_an_incident_keeps_so_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "ATTACHMENTS", 2)
    incident = make_incident()
    for place in range(2):
        keep(incident, data=b"%d" % place)
    with pytest.raises(InvalidInput) as refused:
        keep(incident, data=b"one more")
    assert "at most 2" in refused.value.errors["file"]
