"""Files that people asked for: made once, kept, handed to whom they are for, made again where something became restricted."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.problems import InvalidInput
from incidents.actions.incident import change_incident
from knowledge.actions.export import request_export
from knowledge.exports import making
from knowledge.models import Export
from tests.builders import NOW, make_brownbag, make_incident, make_lesson, make_person, make_postmortem
from tests.fixtures import signed_in
from tests.knowledge.sessions import make_story

pytestmark = pytest.mark.django_db


def make_export(**overrides: Any) -> Export:
    row = make_brownbag(items=[{"lesson": make_lesson()}])
    fields: dict[str, Any] = {
        "subject": "brownbag",
        "ref": row.pk,
        "format": "page",
        "by": make_person("cy"),
        "now": NOW,
    }
    return request_export(**(fields | overrides))


def test_a_file_is_made_kept_and_fetched_by_its_person_alone() -> None:
    export = make_export()
    claimed = making.claim(export.pk, NOW)
    assert claimed is not None
    assert making.claim(export.pk, NOW) is None
    making.make(claimed)
    export.refresh_from_db()
    assert (export.state, export.progress) == ("done", 100)
    mine, others = signed_in(make_person("cy")), signed_in(make_person("root"))
    assert "Download" in mine.get(export.get_absolute_url()).content.decode()
    answer = mine.get(f"{export.get_absolute_url()}file/")
    assert (len(answer.content), answer["Content-Disposition"]) == (
        export.size,
        f'attachment; filename="{export.file_name}"',
    )
    for path in ("", "file/"):
        assert others.get(f"{export.get_absolute_url()}{path}").status_code == 404
    assert others.get(f"/api/v1/exports/{export.pk}/").status_code == 404
    assert mine.get(f"/api/v1/exports/{export.pk}/").json()["file"] == f"/exports/{export.pk}/file/"


def test_the_same_content_is_not_made_twice() -> None:
    export = make_export()
    making.make(making.claim(export.pk, NOW))  # type: ignore[arg-type]
    again = request_export(subject="brownbag", ref=export.ref, format="page", by=export.person, now=NOW)
    making.make(making.claim(again.pk, NOW))  # type: ignore[arg-type]
    export.refresh_from_db()
    again.refresh_from_db()
    assert (again.digest, again.sha256) == (export.digest, export.sha256)


def test_a_file_that_cannot_be_made_says_why(as_ada: Client) -> None:
    export = make_export(by=make_person("ada"))
    from knowledge.models import BrownBagSession

    BrownBagSession.objects.all().delete()
    making.make(making.claim(export.pk, NOW))  # type: ignore[arg-type]
    assert "It is gone, or you may not see it any more." in as_ada.get(export.get_absolute_url()).content.decode()


def test_what_became_restricted_in_between_is_not_in_the_file() -> None:
    postmortem = make_story(0, charts=1)
    export = make_export(subject="postmortem", ref=postmortem.pk, format="html")
    change_incident(incident=postmortem.incident, by=make_person("ada"), now=NOW, visibility="restricted")
    making.make(making.claim(export.pk, NOW))  # type: ignore[arg-type]
    export.refresh_from_db()
    assert (export.state, export.data) == ("failed", None)


def made(**asked: Any) -> Export:
    export = make_export(**asked)
    making.make(making.claim(export.pk, NOW))  # type: ignore[arg-type]
    export.refresh_from_db()
    assert export.state == "done", export.reason
    return export


def test_a_file_of_a_post_mortem_that_became_restricted_is_not_there_any_more() -> None:
    postmortem = make_story(0, charts=0)
    export = made(subject="postmortem", ref=postmortem.pk, format="html")
    client, address = signed_in(make_person("cy")), export.get_absolute_url()
    assert client.get(f"{address}file/").status_code == 200
    change_incident(incident=postmortem.incident, by=make_person("ada"), now=NOW, visibility="restricted")
    for page in (address, f"{address}file/", f"/api/v1/exports/{export.pk}/"):
        assert client.get(page).status_code == 404
    assert postmortem.title not in client.get("/exports/").content.decode()


@pytest.mark.parametrize("subject", ["brownbag", "incidents"])
def test_a_file_with_something_that_became_restricted_is_to_be_made_again(subject: str) -> None:
    postmortem = make_story(0, charts=0)
    session = make_brownbag(items=[{"postmortem": postmortem}, {"lesson": make_lesson()}])
    export = made(subject=subject, ref=session.pk, format="page" if subject == "brownbag" else "pdf")
    client, address = signed_in(make_person("cy")), export.get_absolute_url()
    assert client.get(f"{address}file/").status_code == 200
    assert client.get(f"/api/v1/exports/{export.pk}/").json()["query"].keys() == {"zone"}
    session.items.all().delete()
    change_incident(incident=postmortem.incident, by=make_person("ada"), now=NOW, visibility="restricted")
    refused = client.get(f"{address}file/")
    assert (refused.status_code, refused["Location"]) == (302, address)
    page = client.get(address).content.decode()
    assert ("make it again" in page, "Download" in page) == (True, False)


def test_a_worker_that_died_is_followed_by_another_and_not_for_ever() -> None:
    export = make_export()
    for attempt in range(making.ATTEMPTS):
        later = NOW + attempt * 2 * making.LEASE
        assert making.claim(export.pk, later) is not None
        assert making.claimable(later + making.LEASE * 1.5).count() == 1
    later = NOW + 9 * making.LEASE
    assert making.claim(export.pk, later) is None
    assert making.give_up(later) == 1
    export.refresh_from_db()
    assert export.state == "failed"
    assert "ended 3 times" in export.reason


def test_old_files_are_let_go() -> None:
    make_export()
    assert making.prune(NOW + making.KEPT_FOR) == 0
    assert making.prune(NOW + making.KEPT_FOR * 2) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"subject": "moon"}, "subject"), ({"format": "xls"}, "format"), ({"ref": 999_999}, "ref")],
)
def test_asking_names_what_is_wrong(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_export(**fields)
    assert named in refused.value.errors


def test_asked_twice_while_it_is_made_it_is_one() -> None:
    export = make_export()
    assert request_export(subject="brownbag", ref=export.ref, format="page", by=export.person, now=NOW) == export


def test_a_viewer_asks_through_the_api() -> None:
    postmortem = make_postmortem()
    client = signed_in(make_person("cy"))
    asked = {"subject": "postmortem", "ref": postmortem.pk, "format": "pdf"}
    answer = client.post("/api/v1/exports/", asked, content_type="application/json")
    assert (answer.status_code, answer.json()["state"]) == (201, "queued")
    hidden = make_postmortem(make_incident(visibility="restricted"))
    refused = client.post("/api/v1/exports/", asked | {"ref": hidden.pk}, content_type="application/json")
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["ref"]


def test_pages_offer_what_can_be_exported(as_ada: Client) -> None:
    postmortem = make_postmortem()
    session = make_brownbag(items=[{"postmortem": postmortem}])
    for address in (session.get_absolute_url(), postmortem.get_absolute_url(), "/incidents/?severity=SEV2"):
        assert "/exports/new/" in as_ada.get(address).content.decode()
    quick = as_ada.post(f"/exports/new/postmortem/{postmortem.pk}/md/")
    assert quick["Content-Disposition"].startswith("attachment")
    slow = as_ada.post(f"/exports/new/postmortem/{postmortem.pk}/pdf/")
    assert slow["Location"] == Export.objects.get().get_absolute_url()
    assert "every 1s" in as_ada.get(slow["Location"]).content.decode()
    assert postmortem.title in as_ada.get("/exports/").content.decode()
