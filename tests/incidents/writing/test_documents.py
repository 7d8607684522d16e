"""The text of a post-mortem and the document behind it are one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.problems import InvalidInput, StaleWrite
from incidents.actions.postmortem import save_postmortem, set_aside, settle_aside
from incidents.drafting import redraft_untouched
from incidents.models import Edit, PostMortem, Revision, SetAside, SharedDocument, SharedUpdate
from incidents.tasks import settle_texts
from incidents.writing import documents
from incidents.writing.crdt import SharedText
from tests.builders import NOW, make_brownbag, make_incident, make_person, make_postmortem

pytestmark = pytest.mark.django_db
BODY = "## Summary\n\nCheckout failed.\n\n## Impact\n\nNobody paid.\n"


@pytest.fixture
def row() -> PostMortem:
    return documents.rewrite(postmortem_id=make_postmortem().pk, body=BODY, by=None, via="draft", now=NOW)


def typed(row: PostMortem, old: str, new: str, by: User) -> None:
    """An edit as a socket stores it: an update that no text has taken over yet."""
    document = documents.open_document(row.pk, NOW)
    shared = documents.load(document)
    update = shared.rewrite(body=shared.body.replace(old, new))
    SharedUpdate.objects.create(document=document, payload=update, author=by, created_at=NOW)


def save(row: PostMortem, body: str, based_on: int | None, by: str = "ben", **more: Any) -> PostMortem:
    fields = {"title": row.title, "by": make_person(by), "now": NOW + timedelta(minutes=1)} | more
    return save_postmortem(postmortem=row, based_on=based_on, body=body, **fields)


def test_what_was_typed_is_taken_over_with_an_edit_for_each_person(row: PostMortem, ada: User, ben: User) -> None:
    typed(row, "failed", "failed for six minutes", ada)
    typed(row, "Nobody", "Hardly anybody", ben)
    settled = documents.current_text(row.pk, NOW)
    assert settled.body == "## Summary\n\nCheckout failed for six minutes.\n\n## Impact\n\nHardly anybody paid.\n"
    assert settled.resource_version == row.resource_version + 1
    assert settled.edited_by == ben
    edits = Edit.objects.filter(version=settled.resource_version)
    assert {edit.author for edit in edits} == {ada, ben}
    assert documents.text_at(settled, row.resource_version) == (row.title, BODY)
    assert documents.unsettled() == []


@pytest.mark.parametrize("page", ["", "history/", "compare/?from=1&to=now", "publish/"])
def test_who_reads_sees_what_open_editors_sent_a_moment_ago(
    row: PostMortem, ada: User, as_ada: Client, page: str
) -> None:
    typed(row, "failed", "failed twice", ada)
    as_ada.get(f"/incidents/{row.incident.number}/postmortem/{page}")
    assert "failed twice" in PostMortem.objects.get().body


def test_a_report_holds_what_open_editors_sent_a_moment_ago(row: PostMortem, ada: User, as_ada: Client) -> None:
    session = make_brownbag(items=[{"postmortem": row}])
    typed(row, "failed", "failed twice", ada)
    assert "failed twice" in as_ada.get(f"/brown-bags/{session.pk}/export/md/").content.decode()


def test_what_a_dead_process_left_is_taken_over_by_the_beat(row: PostMortem, ada: User) -> None:
    typed(row, "failed", "failed badly", ada)
    assert documents.unsettled() == [row.pk]
    assert settle_texts() == 1
    assert "failed badly" in PostMortem.objects.get().body
    assert settle_texts() == 0


def test_a_write_finds_what_was_typed_and_both_stay(row: PostMortem, ada: User) -> None:
    typed(row, "failed", "failed badly", ada)
    saved = save(row, BODY.replace("Nobody", "Few"), row.resource_version)
    assert saved.body == "## Summary\n\nCheckout failed badly.\n\n## Impact\n\nFew paid.\n"
    shared = documents.load(SharedDocument.objects.get())
    assert (shared.body, shared.title) == (saved.body, saved.title)


def test_what_cannot_be_merged_is_refused_and_may_be_set_aside_once(row: PostMortem, ada: User, ben: User) -> None:
    typed(row, "Nobody", "Half", ada)
    mine = BODY.replace("Nobody", "Few")
    with pytest.raises(StaleWrite) as stale:
        save(row, mine, row.resource_version)
    assert "Half paid" in stale.value.current.body
    for _ in range(2):
        set_aside(postmortem=row, based_on=row.resource_version, title=row.title, body=mine, by=ben, via="api", now=NOW)
    kept = SetAside.objects.get()
    assert (kept.sections, kept.body, kept.author) == (["Impact"], mine, ben)


def test_a_text_set_aside_is_merged_by_hand_once(row: PostMortem, ada: User, ben: User) -> None:
    typed(row, "Nobody", "Half", ada)
    mine = BODY.replace("Nobody", "Few")
    kept = set_aside(
        postmortem=row, based_on=row.resource_version, title=row.title, body=mine, by=ben, via="api", now=NOW
    )
    assert kept is not None
    current = documents.current_text(row.pk, NOW)
    settled = settle_aside(
        aside=kept, outcome="merged", by=ada, now=NOW, based_on=current.resource_version, body="## Both\n"
    )
    assert settled.body == "## Both\n"
    with pytest.raises(InvalidInput, match="already"):
        settle_aside(aside=kept, outcome="dismissed", by=ada, now=NOW)


def test_a_draft_that_moved_on_gives_way_to_a_person(row: PostMortem) -> None:
    version = row.resource_version
    documents.rewrite(postmortem_id=row.pk, body=BODY.replace("Nobody", "Half"), by=None, via="draft", now=NOW)
    assert "Few paid" in save(row, BODY.replace("Nobody", "Few"), version).body


def test_a_text_stays_touched_when_its_writer_is_gone(row: PostMortem) -> None:
    cleo = make_person("cleo")
    typed(row, "failed", "failed badly", cleo)
    assert not documents.current_text(row.pk, NOW).is_untouched
    cleo.delete()
    redraft_untouched(row.incident, NOW)
    assert "failed badly" in PostMortem.objects.get().body


def test_every_version_can_be_read_back(row: PostMortem, ada: User) -> None:
    texts = {row.resource_version: row.body}
    for number in range(1, 8):
        row = save(row, f"{row.body}\nLine {number} é😀", row.resource_version, by="ada" if number % 2 else "ben")
        texts[row.resource_version] = row.body
    for version, body in texts.items():
        assert documents.text_at(row, version) == (row.title, body)
    assert documents.text_at(row, row.resource_version + 1) is None
    assert documents.text_at(row, 0) is None


def test_many_updates_are_folded_and_the_text_stays(row: PostMortem, ada: User) -> None:
    for number in range(documents.TAIL + 5):
        typed(row, "Checkout", f"{number} Checkout", ada)
    settled = documents.current_text(row.pk, NOW)
    document = SharedDocument.objects.get()
    assert document.snapshot_through == document.written_through
    assert not document.updates.exists()
    assert documents.load(document).body == settled.body
    typed(row, "Nobody", "Few", ada)
    assert "Few paid" in documents.current_text(row.pk, NOW).body


def test_a_published_text_that_is_edited_is_reopened(row: PostMortem, ada: User) -> None:
    PostMortem.objects.update(state="published", published_at=NOW)
    typed(row, "Nobody", "Few", ada)
    assert documents.current_text(row.pk, NOW).state == "reopened"


def test_a_revision_names_all_who_wrote_since_the_one_before(row: PostMortem, ada: User, ben: User) -> None:
    row = save(row, row.body + "by ada\n", None, by="ada")
    typed(row, "Nobody", "Few", ben)
    row = documents.current_text(row.pk, NOW + timedelta(minutes=2))
    save(row, row.body + "by cleo\n", None, by="ada", now=NOW + timedelta(minutes=40))
    newest = Revision.objects.first()
    assert newest is not None
    assert set(newest.authors.values_list("username", flat=True)) == {"ada", "ben"}


def test_an_anchor_follows_its_words_and_says_when_they_are_gone(row: PostMortem, ada: User, ben: User) -> None:
    start = BODY.index("Nobody")
    anchor = documents.anchor_of(row.pk, start, start + len("Nobody"), NOW)
    typed(row, "Checkout", "In the morning é😀 checkout", ada)
    row = documents.current_text(row.pk, NOW)
    place = documents.places(row.pk, [anchor])[0]
    assert place is not None
    assert row.body[place[0] : place[1]] == "Nobody"
    row = documents.replace_anchored(
        postmortem_id=row.pk, anchor=anchor, quote="Nobody", replacement="Few", by=ben, via="suggestion", now=NOW
    )
    assert "Few paid." in row.body
    with pytest.raises(documents.AnchorLost):
        documents.replace_anchored(
            postmortem_id=row.pk, anchor=anchor, quote="Nobody", replacement="x", by=ben, via="suggestion", now=NOW
        )


@pytest.mark.parametrize("anchor", [None, {}, {"start": 1, "end": 2}, {"start": {"item": "x"}, "end": {}}, "text"])
def test_an_anchor_that_is_none_has_no_place(row: PostMortem, anchor: Any) -> None:
    documents.open_document(row.pk, NOW)
    assert documents.places(row.pk, [anchor]) == [None]


def test_a_text_seeded_twice_is_not_doubled() -> None:
    once, again = (SharedText.seeded("g", title="T", body=BODY) for _ in range(2))
    once.doc.apply_update(again.state())
    assert (once.title, once.body) == ("T", BODY)


def test_two_documents_share_no_client_and_no_text() -> None:
    first = documents.open_document(make_postmortem(make_incident(title="one")).pk, NOW)
    second = documents.open_document(make_postmortem(make_incident(title="two")).pk, NOW)
    assert first.guid != second.guid
    assert documents.load(first).vector() != documents.load(second).vector()
