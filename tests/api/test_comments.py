"""Comments and publications by way of the API."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.actions.postmortem import save_postmortem
from incidents.models import Comment, PostMortem, Severity
from tests.api.calling import Api
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_incident, make_person, make_postmortem

pytestmark = pytest.mark.django_db
TEXT = "## Impact\n\nMany customers could not pay. Many customers called.\n"


def written(body: str = TEXT, **incident: Any) -> PostMortem:
    postmortem, ben = make_postmortem(make_incident(**incident)), make_person("ben")
    return save_postmortem(postmortem=postmortem, based_on=None, title="T", body=body, by=ben, now=NOW)


def made(postmortem: PostMortem, who: str = "cy", **body: Any) -> Any:
    return Api(make_person(who)).post(f"postmortems/{postmortem.pk}/comments/", {"body": "How many?", **body})


def test_a_viewer_comments_on_the_second_of_two_like_words_and_is_told_where_they_are() -> None:
    postmortem = written()
    answer = made(postmortem, quote="Many customers", occurrence=2)
    start = TEXT.rindex("Many customers")
    assert answer.status_code == 201
    assert answer.json()["place"] == {"start": start, "end": start + len("Many customers")}
    assert answer.json()["author"]["username"] == "cy"
    assert "ETag" in answer.headers
    listed = Api(make_person("ada")).get(f"postmortems/{postmortem.pk}/comments/?resolved_at__isnull=true").json()
    assert [one["place"]["start"] for one in listed["results"]] == [start]


def test_answers_settling_and_deleting() -> None:
    postmortem = written()
    root = made(postmortem).json()["id"]
    answer = made(postmortem, who="ada", body="1,900", parent=root).json()
    cy, ada = Api(make_person("cy")), Api(make_person("ada"))
    address = f"postmortems/{postmortem.pk}/comments"
    assert answer["parent"] == root
    assert ada.patch(f"{address}/{root}/", {"resolved": True}).json()["resolved_by"]["username"] == "ada"
    assert (
        cy.patch(f"{address}/{root}/", {"resolved": False, "body": "How many at once?"}).json()["resolved_at"] is None
    )
    assert cy.delete(f"{address}/{root}/").status_code == 400
    assert ada.delete(f"{address}/{answer['id']}/").status_code == 204
    assert cy.delete(f"{address}/{root}/").status_code == 204
    assert not Comment.objects.exists()


def test_a_stale_change_of_a_comment_is_refused_with_what_stands() -> None:
    postmortem, cy = written(), Api(make_person("cy"))
    first = made(postmortem)
    address = f"postmortems/{postmortem.pk}/comments/{first.json()['id']}/"
    assert cy.patch(address, {"body": "Second"}, If_Match=first["ETag"]).status_code == 200
    stale = cy.patch(address, {"body": "Third"}, If_Match=first["ETag"])
    assert stale.status_code == 412
    assert stale.json()["current"]["body"] == "Second"


def test_a_suggestion_is_accepted_by_a_responder_alone_and_once() -> None:
    postmortem = written()
    pk = made(postmortem, body="", quote="Many customers", replacement="1,900 customers").json()["id"]
    address = f"postmortems/{postmortem.pk}/comments/{pk}/accept/"
    assert Api(make_person("cy")).post(address).status_code == 403
    assert Api(make_person("ada")).post(address).json()["accepted"] is True
    assert PostMortem.objects.get().body.startswith("## Impact\n\n1,900 customers could")
    assert Api(make_person("ada")).post(address).status_code == 400


def test_a_suggestion_that_was_overtaken_answers_with_both_texts() -> None:
    postmortem = written()
    pk = made(postmortem, body="", quote="Many customers could", replacement="1,900 could").json()["id"]
    body = TEXT.replace("Many customers could", "Many people could")
    save_postmortem(postmortem=postmortem, based_on=None, title="T", body=body, by=make_person("ben"), now=NOW)
    answer = Api(make_person("ada")).post(f"postmortems/{postmortem.pk}/comments/{pk}/accept/")
    assert answer.status_code == 409
    assert answer.json()["current"]["stands"] == "Many people could"
    assert PostMortem.objects.get().body == body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"body": ""}, "body"),
        ({"quote": "nowhere"}, "quote"),
        ({"quote": "Many customers", "occurrence": 0}, "occurrence"),
        ({"quote": "Many customers", "anchor": [1]}, "anchor"),
        ({"quote": "Many customers", "anchor": {"start": {}, "end": "x"}}, "anchor"),
        ({"replacement": "x"}, "quote"),
        ({"parent": 999_999}, "parent"),
        ({"resolved": True}, "resolved"),
        ({"body": "x" * 10_001}, "body"),
    ],
)
def test_bad_input_is_named(body: dict[str, Any], field: str) -> None:
    answer = made(written(), **body)
    assert answer.status_code == 400
    assert field in [one["field"] for one in answer.json()["errors"]]


def test_an_answer_to_a_comment_elsewhere_is_refused() -> None:
    other = made(written()).json()["id"]
    assert made(written(), parent=other).status_code == 400


def test_what_a_comment_is_about_cannot_be_changed() -> None:
    postmortem = written()
    pk = made(postmortem, quote="Many customers").json()["id"]
    answer = Api(make_person("cy")).patch(f"postmortems/{postmortem.pk}/comments/{pk}/", {"quote": "called"})
    assert answer.status_code == 400


def test_a_token_that_only_reads_comments_nothing_and_mallory_sees_nothing() -> None:
    open_one, hidden = written(), written(visibility="restricted")
    reader = Api(make_person("cy"), "read")
    assert reader.post(f"postmortems/{open_one.pk}/comments/", {"body": "x"}).status_code == 403
    mallory = Api(make_person("mallory"))
    for part in ("comments", "publications"):
        assert mallory.get(f"postmortems/{hidden.pk}/{part}/").status_code == 404
        assert mallory.post(f"postmortems/{hidden.pk}/{part}/", {"body": "x"}).status_code in {403, 404}
    assert not Comment.objects.exists()


def test_publishing_with_a_note_and_reading_each_version() -> None:
    postmortem, ada = written(), Api(make_person("ada"))
    address = f"postmortems/{postmortem.pk}/publications/"
    assert ada.post(address).json()["number"] == 1
    save_postmortem(postmortem=postmortem, based_on=None, title="T", body="New", by=make_person("ben"), now=NOW)
    assert ada.post(address, {"note": "The cost is known"}).status_code == 201
    cy = Api(make_person("cy"))
    assert [(one["number"], one["note"]) for one in cy.get(address).json()["results"]] == [
        (2, "The cost is known"),
        (1, ""),
    ]
    assert cy.get(f"{address}1/").json()["body"] == TEXT
    assert cy.post(address).status_code == 403


def test_a_blocked_publication_says_what_is_missing() -> None:
    Severity.objects.filter(name="SEV2").update(approvals_needed=1, required_checks=["followups-owned"])
    answer = Api(make_person("ada")).post(f"postmortems/{written().pk}/publications/")
    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} == {"reviewers", "quality"}


def test_a_list_of_many_comments_asks_no_more_than_one_of_few() -> None:
    few, many, cy = written(), written(), Api(make_person("cy"))
    for postmortem, count in ((few, 2), (many, 30)):
        for _ in range(count):
            made(postmortem, who="ada", quote="Many customers")
    counts = [queries_of(lambda one=one: cy.get(f"postmortems/{one.pk}/comments/")) for one in (few, many)]
    assert counts[0] == counts[1]
