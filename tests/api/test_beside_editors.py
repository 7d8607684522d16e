"""Programs write post-mortems while people have them open."""

from __future__ import annotations

import pytest

from incidents.models import PostMortem, SetAside, SharedUpdate
from incidents.writing import documents
from tests.api.calling import Api
from tests.builders import NOW, make_person, make_postmortem

pytestmark = pytest.mark.django_db
BODY = "## Summary\n\nCheckout failed.\n\n## Impact\n\nNobody paid.\n"


@pytest.fixture
def row() -> PostMortem:
    return documents.rewrite(postmortem_id=make_postmortem().pk, body=BODY, by=None, via="draft", now=NOW)


def typed(row: PostMortem, old: str, new: str) -> None:
    document = documents.open_document(row.pk, NOW)
    shared = documents.load(document)
    update = shared.rewrite(body=shared.body.replace(old, new))
    SharedUpdate.objects.create(document=document, payload=update, author=make_person("ada"), created_at=NOW)


def test_reading_gives_what_editors_have_sent(row: PostMortem) -> None:
    before = Api(make_person("cy")).get(f"postmortems/{row.pk}/")
    typed(row, "failed", "failed badly")
    after = Api(make_person("cy")).get(f"postmortems/{row.pk}/")
    assert "failed badly" in after.json()["body"]
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_text_based_on_an_earlier_version_is_merged(row: PostMortem) -> None:
    api = Api(make_person("ben"))
    tag = api.get(f"postmortems/{row.pk}/").headers["ETag"]
    typed(row, "failed", "failed badly")
    answer = api.patch(f"postmortems/{row.pk}/", {"body": BODY.replace("Nobody", "Few")}, If_Match=tag)
    assert answer.status_code == 200
    assert answer.json()["body"] == BODY.replace("Nobody", "Few").replace("failed", "failed badly")
    assert answer.headers["ETag"] != tag


def test_a_title_alone_leaves_what_was_typed(row: PostMortem) -> None:
    api = Api(make_person("ben"))
    tag = api.get(f"postmortems/{row.pk}/").headers["ETag"]
    typed(row, "failed", "failed badly")
    answer = api.patch(f"postmortems/{row.pk}/", {"title": "Checkout down"}, If_Match=tag)
    assert (answer.status_code, answer.json()["title"]) == (200, "Checkout down")
    assert "failed badly" in answer.json()["body"]


def test_what_cannot_be_merged_gets_412_with_the_text_and_is_kept_for_people(row: PostMortem) -> None:
    api = Api(make_person("ben"))
    tag = api.get(f"postmortems/{row.pk}/").headers["ETag"]
    typed(row, "Nobody", "Half")
    answer = api.patch(f"postmortems/{row.pk}/", {"body": BODY.replace("Nobody", "Few")}, If_Match=tag)
    assert answer.status_code == 412
    assert "Half paid" in answer.json()["current"]["body"]
    kept = SetAside.objects.get()
    assert ("Few paid" in kept.body, kept.via, kept.sections) == (True, "api", ["Impact"])


@pytest.mark.parametrize("change", [{"state": "published"}, {"body": "x", "due_at": "2026-12-01T00:00:00Z"}])
def test_a_stale_write_of_more_than_text_is_refused_as_everywhere(row: PostMortem, change: dict[str, str]) -> None:
    api = Api(make_person("ben"))
    tag = api.get(f"postmortems/{row.pk}/").headers["ETag"]
    typed(row, "Nobody", "Half")
    assert api.patch(f"postmortems/{row.pk}/", change, If_Match=tag).status_code == 412
    assert "Half paid" in PostMortem.objects.get().body
    assert not SetAside.objects.exists()


@pytest.mark.parametrize("tag", ['"0"', '"999999"', '"none"', '"1", "2"'])
def test_a_tag_that_never_was_merges_nothing(row: PostMortem, tag: str) -> None:
    answer = Api(make_person("ben")).patch(f"postmortems/{row.pk}/", {"body": "gone"}, If_Match=tag)
    assert answer.status_code == 412
    assert PostMortem.objects.get().body == BODY
