"""Comments: anchored to the text, answered, settled; suggestions that one press takes over or that have been overtaken."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.comment import (
    AnchorLost,
    accept_suggestion,
    add_comment,
    answer_comment,
    change_comment,
    delete_comment,
    reopen_comment,
    resolve_comment,
)
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.models import Comment, Edit, Notice, PostMortem
from incidents.remarks import threads_of
from incidents.writing.documents import places
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_incident, make_person, make_postmortem
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
TEXT = "## Impact\n\nMany customers could not pay. Many customers called.\n"
CORPUS = Path(__file__).parents[1] / "payloads" / "markdown"


def written(body: str = TEXT, **incident: Any) -> PostMortem:
    postmortem = make_postmortem(make_incident(**incident))
    return rewrite(postmortem, body)


def rewrite(postmortem: PostMortem, body: str, *, minutes: int = 1) -> PostMortem:
    at, ben = NOW + timedelta(minutes=minutes), make_person("ben")
    return save_postmortem(postmortem=postmortem, based_on=None, title="T", body=body, by=ben, now=at)


def comment(postmortem: PostMortem, body: str = "How many?", *, by: str = "cy", **more: Any) -> Comment:
    return add_comment(postmortem=postmortem, body=body, by=make_person(by), now=NOW, **more)


def where(row: Comment) -> str | None:
    body = PostMortem.objects.get(pk=row.postmortem_id).body
    place = places(row.postmortem_id, [row.anchor])[0]
    return body[place[0] : place[1]] if place else None


def test_a_viewer_comments_on_the_words_that_are_meant_and_they_are_followed_through_edits() -> None:
    postmortem = written()
    row = comment(postmortem, quote="Many customers", occurrence=2)
    rewrite(postmortem, "## Summary\n\nNew words before.\n\n" + TEXT.replace("called", "rang"), minutes=2)
    place = places(postmortem.pk, [row.anchor])[0]
    body = PostMortem.objects.get().body
    assert where(row) == "Many customers"
    assert place is not None
    assert body[place[0] :].startswith("Many customers rang")


def test_words_that_are_gone_leave_the_comment_with_its_quote() -> None:
    postmortem = written()
    row = comment(postmortem, quote="Many customers called.")
    rewrite(postmortem, TEXT.replace(" Many customers called.", ""), minutes=2)
    thread = threads_of(PostMortem.objects.get(), make_person("cy")).open[0]
    assert (where(row), thread.is_gone, thread.row.quote) == (None, True, "Many customers called.")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"body": "  "}, "body"),
        ({"body": "x" * 10_001}, "body"),
        ({"quote": "not in the text"}, "quote"),
        ({"quote": "Many customers", "occurrence": 3}, "quote"),
        ({"quote": "x" * 5_001}, "quote"),
        ({"replacement": "new"}, "quote"),
        ({"quote": "Many customers", "replacement": "Many customers"}, "replacement"),
        ({"quote": "Many customers", "replacement": "x" * 20_001}, "replacement"),
        ({"quote": "Many customers", "anchor": {"start": 1, "end": 2}}, "anchor"),
        ({"quote": "Many customers", "anchor": {"start": {}}}, "anchor"),
        ({"quote": "Many customers", "anchor": {"start": {"item": "x" * 2_000}, "end": {}}}, "anchor"),
    ],
)
def test_what_cannot_be_taken_is_named(given: dict[str, Any], field: str) -> None:
    postmortem = written()
    with pytest.raises(InvalidInput) as refused:
        comment(postmortem, **({"body": "Why?"} | given))
    assert field in refused.value.errors
    assert not Comment.objects.exists()


SOMEWHERE = {"item": {"client": 7, "clock": 3}, "assoc": 0}


@pytest.mark.parametrize(
    "item", [{"client": -1}, {"client": "7", "clock": 3}, {"client": 7, "clock": 3, "x": 1}, 5, []]
)
def test_an_anchor_that_no_editor_could_read_is_refused(item: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        comment(written(), quote="Many customers", anchor={"start": {"item": item}, "end": SOMEWHERE})
    assert "anchor" in refused.value.errors


def test_an_anchor_of_another_document_is_kept_as_a_place_that_is_gone() -> None:
    row = comment(written(), quote="Many customers", anchor={"start": SOMEWHERE, "end": SOMEWHERE})
    assert where(row) is None
    assert threads_of(row.postmortem, make_person("cy")).open[0].is_gone


@pytest.mark.parametrize("start", [{}, {"type": None, "tname": "guid", "item": None, "assoc": 0}])
def test_an_anchor_without_items_is_none_and_the_quote_says_where(start: dict[str, Any]) -> None:
    row = comment(written(), quote="Many customers", occurrence=2, anchor={"start": start, "end": {}})
    assert row.anchor is not None
    assert where(row) == "Many customers"
    assert PostMortem.objects.get().body[: places(row.postmortem_id, [row.anchor])[0][0]].endswith("pay. ")  # type: ignore[index]


def test_what_editors_send_beside_the_item_is_not_kept() -> None:
    postmortem = written()
    anchor = comment(postmortem, quote="Many customers").anchor
    assert anchor is not None
    sent = {name: {**side, "tname": "guid", "type": None} for name, side in anchor.items()}
    row = comment(postmortem, quote="Many customers", anchor=sent)
    assert row.anchor == anchor
    assert where(row) == "Many customers"


def test_an_anchor_that_was_kept_before_it_was_checked_reaches_no_editor() -> None:
    row = comment(written(), quote="Many customers")
    Comment.objects.update(anchor={"start": {}, "end": {}})
    assert threads_of(row.postmortem, make_person("cy")).open[0].anchor == ""


def test_answers_count_among_all_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.actions.comment.MOST", 3)
    postmortem = written()
    one, two = comment(postmortem), comment(postmortem)
    answer_comment(comment=one, body="A", by=make_person("ada"), now=NOW)
    with pytest.raises(InvalidInput, match="3 comments and answers"):
        answer_comment(comment=two, body="B", by=make_person("ada"), now=NOW)
    with pytest.raises(InvalidInput, match="3 comments and answers"):
        comment(postmortem)


def test_a_suggestion_is_taken_over_with_the_text_held_before_the_comment() -> None:
    row = comment(written(), quote="Many customers could", replacement="1,900 could")
    with CaptureQueriesContext(connection) as asked:
        accept_suggestion(comment=row, by=make_person("ada"), now=NOW)
    held = [one["sql"] for one in asked if "FOR UPDATE" in one["sql"] or "FOR NO KEY UPDATE" in one["sql"]]
    tables = [re.findall(r'FROM "(\w+)"', sql)[0] for sql in held]
    assert tables.index("incidents_postmortem") < tables.index("incidents_comment")


def test_answers_belong_to_one_thread_and_settle_with_it() -> None:
    root = comment(written())
    first = answer_comment(comment=root, body="1,900", by=make_person("ada"), now=NOW)
    answer_comment(comment=first, body="Thanks", by=make_person("cy"), now=NOW)
    resolve_comment(comment=first, by=make_person("ada"), now=NOW)
    found = threads_of(root.postmortem, make_person("cy"))
    assert [(len(one.answers), one.row.resolved_by.username) for one in found.resolved] == [(2, "ada")]  # type: ignore[union-attr]
    assert reopen_comment(comment=root, by=make_person("cy"), now=NOW).resolved_at is None


def test_a_viewer_settles_own_threads_alone() -> None:
    postmortem = written()
    assert resolve_comment(comment=comment(postmortem, by="cy"), by=make_person("cy"), now=NOW).resolved_at == NOW
    with pytest.raises(InvalidInput, match="Only responders"):
        resolve_comment(comment=comment(postmortem, by="ada"), by=make_person("cy"), now=NOW)


def test_only_the_author_changes_or_deletes_and_only_without_answers() -> None:
    row = comment(written())
    with pytest.raises(InvalidInput, match="somebody else"):
        change_comment(comment=row, body="Mine now", by=make_person("root"), now=NOW)
    with pytest.raises(InvalidInput, match="somebody else"):
        delete_comment(comment=row, by=make_person("ada"), now=NOW)
    assert change_comment(comment=row, body="How many at once?", by=make_person("cy"), now=NOW).edited_at == NOW
    answer = answer_comment(comment=row, body="900", by=make_person("ada"), now=NOW)
    with pytest.raises(InvalidInput, match="answered"):
        delete_comment(comment=row, by=make_person("cy"), now=NOW)
    delete_comment(comment=answer, by=make_person("ada"), now=NOW)
    delete_comment(comment=row, by=make_person("cy"), now=NOW)
    assert not Comment.objects.exists()
    with pytest.raises(InvalidInput, match="deleted"):
        change_comment(comment=row, body="Too late", by=make_person("cy"), now=NOW)


def test_a_suggestion_is_taken_over_by_one_press_and_its_author_is_told() -> None:
    postmortem = written()
    row = comment(postmortem, "", quote="Many customers", replacement="1,900 customers")
    accepted = accept_suggestion(comment=row, by=make_person("ada"), now=NOW)
    assert PostMortem.objects.get().body == TEXT.replace("Many customers", "1,900 customers", 1)
    assert (accepted.accepted, accepted.resolved_by) == (True, make_person("ada"))
    edit = Edit.objects.filter(via="suggestion").last()
    assert edit is not None
    assert edit.author == make_person("ada")
    assert Notice.objects.filter(person=make_person("cy"), key=f"accepted:{row.pk}").exists()
    with pytest.raises(InvalidInput, match="already"):
        accept_suggestion(comment=row, by=make_person("ada"), now=NOW)


def test_a_suggestion_may_take_words_away() -> None:
    row = comment(written(), "Says nothing", quote=" Many customers called.", replacement="")
    accept_suggestion(comment=row, by=make_person("ada"), now=NOW)
    assert "called" not in PostMortem.objects.get().body


def test_a_suggestion_that_was_overtaken_replaces_nothing() -> None:
    postmortem = written()
    row = comment(postmortem, quote="Many customers could", replacement="1,900 customers could")
    rewritten = rewrite(postmortem, TEXT.replace("Many customers could", "Many angry customers could"), minutes=2)
    with pytest.raises(AnchorLost) as lost:
        accept_suggestion(comment=row, by=make_person("ada"), now=NOW)
    assert lost.value.now == "Many angry customers could"
    assert PostMortem.objects.get().body == rewritten.body
    row.refresh_from_db()
    assert row.resolved_at is None


def test_a_viewer_suggests_but_does_not_accept() -> None:
    row = comment(written(), quote="Many customers", replacement="All")
    with pytest.raises(PermissionProblem):
        accept_suggestion(comment=row, by=make_person("cy"), now=NOW)


def test_a_declined_suggestion_changes_nothing_and_can_be_opened_again() -> None:
    row = comment(written(), quote="Many customers", replacement="All")
    resolve_comment(comment=row, by=make_person("ben"), now=NOW)
    assert "All" not in PostMortem.objects.get().body
    assert reopen_comment(comment=row, by=make_person("cy"), now=NOW).resolved_at is None


def test_who_may_not_see_the_incident_neither_reads_nor_writes_comments() -> None:
    postmortem = written(visibility="restricted")
    row = comment(postmortem, by="ada")
    mallory = make_person("mallory")
    for act in (
        lambda: add_comment(postmortem=postmortem, body="hello", by=mallory, now=NOW),
        lambda: answer_comment(comment=row, body="hello", by=mallory, now=NOW),
        lambda: resolve_comment(comment=row, by=mallory, now=NOW),
    ):
        with pytest.raises(PermissionDenied):
            act()
    address = f"{postmortem.get_absolute_url()}comments/"
    assert signed_in(mallory).get(address).status_code == 404
    assert signed_in(mallory).post(address, {"text": "hello"}).status_code == 404
    assert signed_in(mallory).post(f"{address}{row.pk}/", {"deed": "resolve"}).status_code == 404
    assert not Notice.objects.filter(person=mallory).exists()


def test_a_comment_of_another_post_mortem_is_not_found_here() -> None:
    here, row = written(), comment(written())
    answer = signed_in(make_person("cy")).post(f"{here.get_absolute_url()}comments/{row.pk}/", {"deed": "resolve"})
    assert answer.status_code == 404


def test_people_who_are_called_wrote_or_spoke_are_told_once_and_the_author_is_not() -> None:
    postmortem, _ = written(), make_person("root")
    comment(postmortem, "First", by="ada")
    row = comment(postmortem, "Ask @root and @nobody, not mail@mallory", by="cy")
    told = {one.person.username: one.text for one in Notice.objects.filter(key=f"comment:{row.pk}")}
    assert set(told) == {"root", "ben", "ada"}
    assert told["root"].startswith("Cy Moreau mentions you")
    assert told["ben"].startswith("Cy Moreau commented on")


def test_nobody_is_told_of_a_restricted_incident_that_they_may_not_see() -> None:
    for name in ("root", "cy"):
        make_person(name)
    comment(written(visibility="restricted"), "Ask @cy and @root", by="ada")
    assert "cy" not in {one.person.username for one in Notice.objects.all()}
    assert Notice.objects.filter(person__username="root").exists()


def test_the_panel_keeps_what_was_typed_when_it_is_refused(as_cy: Client) -> None:
    postmortem = written()
    address = f"{postmortem.get_absolute_url()}comments/"
    form = {"text": "An hour of thought", "quote": "words that are not there", "suggest": "1", "replacement": "Better"}
    for headers in ({}, {"HX-Request": "true"}):
        answer = as_cy.post(address, form, headers=headers)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "The quoted text does not stand in the text" in page
        for typed in ("An hour of thought", "words that are not there", "Better"):
            assert typed in page


def test_an_answer_that_is_refused_stays_in_its_form(as_cy: Client) -> None:
    row = comment(written())
    address = f"{row.postmortem.get_absolute_url()}comments/{row.pk}/"
    answer = as_cy.post(address, {"deed": "answer", "text": "word " * 2_001})
    assert answer.status_code == 422
    assert "word word" in answer.content.decode()
    assert as_cy.post(address, {"deed": "burn"}).status_code == 422


def test_an_overtaken_suggestion_shows_both_texts(as_ada: Client) -> None:
    postmortem = written()
    row = comment(postmortem, quote="Many customers could", replacement="1,900 could")
    rewrite(postmortem, TEXT.replace("Many customers could", "Few customers could"), minutes=2)
    answer = as_ada.post(f"{postmortem.get_absolute_url()}comments/{row.pk}/", {"deed": "accept"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Few customers could" in page
    assert "1,900 could" in page


@pytest.mark.parametrize("anchor", ["{", "[1]", "null", "[" * 5_000, '{"start": 1}'])
def test_an_anchor_that_cannot_be_read_is_refused(as_cy: Client, anchor: str) -> None:
    form = {"text": "Why?", "quote": "Many customers", "anchor": anchor}
    answer = as_cy.post(f"{written().get_absolute_url()}comments/", form)
    assert answer.status_code == 422
    assert not Comment.objects.exists()


def hostile() -> list[str]:
    fragments = json.loads((CORPUS / "fragments.json").read_text())
    lines = (CORPUS / "scripts.txt").read_text().splitlines()
    return [*(fragments if isinstance(fragments, list) else fragments.values()), *lines]


def test_hostile_comments_quotes_and_suggestions_run_nothing(as_ada: Client) -> None:
    trick = "\n\n".join(map(str, hostile())).replace("\x00", "")[:9_000]
    postmortem = written(f"{trick}\n\n## Impact\n")
    comment(postmortem, trick, quote=trick[:400], replacement=f"<script>alert(1)</script>{trick[400:800]}")
    page = as_ada.get(f"{postmortem.get_absolute_url()}comments/").content.decode()
    assert "alert(1)" in page
    assert active(page) == []


def active(page: str) -> list[str]:
    """What of a page would run: scripts without an address of ours, handlers, addresses that are code."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag in {"script", "iframe", "object", "embed", "base"} and not str(given.get("src")).startswith(
                "/static/"
            ):
                found.append(tag)
            found.extend(name for name in given if name.startswith("on") or name == "srcdoc")
            found.extend(
                str(value) for name, value in attrs if re.match(r"\s*(javascript|data|vbscript):", value or "", re.I)
            )

    Reader().feed(page)
    return found


def test_the_panel_asks_the_same_number_of_questions_for_one_and_for_many(as_cy: Client) -> None:
    few, many = written(), written()
    for postmortem, count in ((few, 2), (many, 25)):
        for number in range(count):
            row = comment(postmortem, f"See [[INC-1]] and E-{number}", quote="Many customers", by="ada")
            answer_comment(comment=row, body="Yes, @cy", by=make_person("cy"), now=NOW)
    counts = [queries_of(lambda one=one: as_cy.get(f"{one.get_absolute_url()}comments/")) for one in (few, many)]
    assert counts[0] == counts[1]


def test_threads_stand_in_the_order_of_the_text_and_can_be_narrowed(as_cy: Client) -> None:
    postmortem = written()
    late = comment(postmortem, "late", quote="called", by="ada")
    early = comment(postmortem, "early", quote="Impact", replacement="Effects", by="cy")
    whole = comment(postmortem, "whole", by="ada")
    cy = make_person("cy")
    assert [one.row.pk for one in threads_of(postmortem, cy).open] == [early.pk, late.pk, whole.pk]
    assert [one.row.pk for one in threads_of(postmortem, cy, shown="mine").open] == [early.pk]
    assert [one.row.pk for one in threads_of(postmortem, cy, shown="suggestions").open] == [early.pk]
    assert as_cy.get(f"{postmortem.get_absolute_url()}comments/?show=nonsense").status_code == 200


def test_a_notice_leads_to_its_comment_for_viewers_of_a_published_text_too(as_cy: Client) -> None:
    postmortem = written()
    publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW + timedelta(minutes=2))
    row = comment(postmortem, "Is that so, @cy?", by="ada")
    notice = Notice.objects.get(person=make_person("cy"))
    page, _, place = notice.address.partition("#")
    assert f'id="{place}"' in as_cy.get(page).content.decode()
    assert place == f"comment-{row.pk}"
