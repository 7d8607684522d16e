"""Writing a post-mortem: drafted, saved, refused when stale with nothing lost, reviewed, published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput, StaleWrite
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.review import ask_for_review, give_verdict
from incidents.drafting import fill, redraft_untouched
from incidents.models import PostMortem, Revision
from incidents.rendering import references
from telemetry.observations import EvidenceType
from tests.builders import NOW, make_evidence, make_incident, make_note, make_person, make_postmortem
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


def save(postmortem: PostMortem, body: str, *, by: str = "ben", minutes: float = 1, **more: Any) -> PostMortem:
    at = NOW + timedelta(minutes=minutes)
    fields = {"based_on": postmortem.resource_version, "title": postmortem.title} | more
    return save_postmortem(postmortem=postmortem, body=body, by=make_person(by), now=at, **fields)


def test_a_stale_save_is_refused_and_both_texts_are_there() -> None:
    first = make_postmortem()
    mine, theirs = PostMortem.objects.get(), PostMortem.objects.get()
    save(theirs, "Ben's text", by="ben")
    with pytest.raises(StaleWrite) as stale:
        save(mine, "Ada's text", by="ada")
    assert stale.value.current.body == "Ben's text"
    first.refresh_from_db()
    assert first.body == "Ben's text"


def test_the_page_of_a_stale_save_shows_both_texts(as_ada: Client) -> None:
    postmortem = make_postmortem()
    version = postmortem.resource_version
    save(postmortem, "What Ben wrote meanwhile")
    form = {"title": "Mine", "body": "What Ada typed for an hour", "version": str(version)}
    answer = as_ada.post(f"{postmortem.get_absolute_url()}edit/", form)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "What Ada typed for an hour" in page
    assert "What Ben wrote meanwhile" in page
    assert PostMortem.objects.get().body == "What Ben wrote meanwhile"


def test_a_stale_autosave_answers_with_the_text_that_stands(as_ada: Client) -> None:
    postmortem = make_postmortem()
    version = postmortem.resource_version
    address = f"{postmortem.get_absolute_url()}autosave/"
    saved = as_ada.post(address, {"title": "T", "body": "one", "version": version}).json()
    assert saved["version"] > version
    stale = as_ada.post(address, {"title": "T", "body": "two", "version": version})
    assert stale.status_code == 409
    assert (stale.json()["current_body"], stale.json()["current_version"]) == ("one", saved["version"])


@pytest.mark.parametrize("version", ["", "latest", "-1", "9" * 30])
def test_a_version_that_is_none_never_overwrites(as_ada: Client, version: str) -> None:
    postmortem = make_postmortem()
    form = {"title": "T", "body": "gone?", "version": version}
    assert as_ada.post(f"{postmortem.get_absolute_url()}autosave/", form).status_code == 409


def test_saving_the_same_text_changes_no_version() -> None:
    postmortem = make_postmortem()
    assert save(postmortem, postmortem.body).resource_version == postmortem.resource_version
    assert not Revision.objects.exists()


def test_a_text_that_changes_hands_stays_as_a_revision() -> None:
    postmortem = make_postmortem()
    drafted = postmortem.body
    postmortem = save(postmortem, "by Ben", by="ben", minutes=1)
    postmortem = save(postmortem, "by Ben again", by="ben", minutes=2)
    postmortem = save(postmortem, "by Ada", by="ada", minutes=3)
    postmortem = save(postmortem, "by Ada much later", by="ada", minutes=60)
    kept = list(Revision.objects.order_by("id").values_list("body", flat=True))
    assert kept == [drafted, "by Ben again", "by Ada"]


@pytest.mark.parametrize(
    ("overrides", "field"),
    [({"title": " "}, "title"), ({"title": "x" * 201}, "title"), ({"body": "x" * 200_001}, "body")],
)
def test_what_is_too_long_or_missing_is_refused_by_name(overrides: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_postmortem(
            postmortem=make_postmortem(),
            by=make_person("ben"),
            now=NOW,
            **({"based_on": None, "title": "T", "body": "B"} | overrides),
        )
    assert field in refused.value.errors


def test_a_refused_page_keeps_the_text(as_ada: Client) -> None:
    postmortem = make_postmortem()
    form = {"title": "", "body": "An hour of work", "version": str(postmortem.resource_version)}
    answer = as_ada.post(f"{postmortem.get_absolute_url()}edit/", form)
    assert answer.status_code == 422
    assert "An hour of work" in answer.content.decode()


def test_publishing_fixes_the_text_and_editing_goes_on_beside_it(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), "The published words")
    postmortem = publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW)
    assert (postmortem.state, postmortem.published_body) == ("published", "The published words")
    assert AuditEvent.objects.get(verb="postmortem.published").target == "INC-1"
    assert Revision.objects.filter(note="Published", body="The published words").exists()
    postmortem = save(postmortem, "Newer words")
    assert (postmortem.state, postmortem.published_body) == ("reopened", "The published words")
    page = as_cy.get(postmortem.get_absolute_url()).content.decode()
    assert "The published words" in page
    assert "Newer words" not in page


def test_a_stale_or_empty_text_is_not_published() -> None:
    postmortem = make_postmortem()
    version = postmortem.resource_version
    save(postmortem, "Newer")
    with pytest.raises(StaleWrite):
        publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW, based_on=version)
    empty = save(PostMortem.objects.get(), "  ")
    with pytest.raises(InvalidInput, match="is empty"):
        publish_postmortem(postmortem=empty, by=make_person("ben"), now=NOW)


def test_a_reviewer_answers_even_as_a_viewer(cy: User) -> None:
    postmortem = make_postmortem()
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=make_person("ben"), now=NOW)
    assert PostMortem.objects.get().state == "in_review"
    with pytest.raises(InvalidInput, match="say what should change"):
        give_verdict(postmortem=postmortem, verdict="changes", comment=" ", by=cy, now=NOW)
    assert give_verdict(postmortem=postmortem, verdict="approved", comment="", by=cy, now=NOW).answered_at == NOW
    with pytest.raises(InvalidInput, match="not asked"):
        give_verdict(postmortem=postmortem, verdict="approved", comment="", by=make_person("ada"), now=NOW)


def test_a_viewer_neither_saves_nor_publishes(cy: User) -> None:
    postmortem = make_postmortem()
    with pytest.raises(PermissionProblem):
        save_postmortem(postmortem=postmortem, based_on=None, title="T", body="B", by=cy, now=NOW)
    with pytest.raises(PermissionProblem):
        publish_postmortem(postmortem=postmortem, by=cy, now=NOW)
    for part in ("edit/", "autosave/", "publish/"):
        assert signed_in(cy).post(f"{postmortem.get_absolute_url()}{part}", {"title": "T"}).status_code == 403


def test_a_draft_follows_the_evidence_until_a_person_has_touched_it() -> None:
    incident = make_incident()
    postmortem = make_postmortem(incident)
    make_note(incident, text="The database is gone", occurred_at=NOW)
    redraft_untouched(incident, NOW)
    postmortem.refresh_from_db()
    assert "The database is gone" in postmortem.body
    save(postmortem, "My own words")
    make_note(incident, text="Found later", occurred_at=NOW)
    redraft_untouched(incident, NOW)
    assert PostMortem.objects.get().body == "My own words"


def test_a_draft_cites_only_evidence_that_exists() -> None:
    incident = make_incident(impact_started_at=NOW)
    for place in range(4):
        make_evidence(
            incident,
            type=EvidenceType.METRIC.value,
            title=f"Error rate {place}",
            payload={"series": [{"labels": {}, "points": [[0, 1.0]]}], "peak": {"value": place, "at": 0}},
        )
    make_evidence(incident, type=EvidenceType.ALERT.value, title="CheckoutErrorRateHigh")
    drafted = fill(make_postmortem(incident).template.body, incident)
    numbers = references(drafted)["E"]
    assert numbers
    assert numbers <= set(incident.evidence.values_list("number", flat=True))


HOSTILE = "<script>alert(1)</script> [x](javascript:alert(2)) ![[E-999]] ![y](http://evil.example/p.png) {impact} `|"


def test_hostile_text_of_backends_is_text_in_a_draft(as_cy: Client) -> None:
    incident = make_incident(title=HOSTILE[:190])
    make_evidence(incident, type=EvidenceType.ALERT.value, title=HOSTILE)
    make_evidence(
        incident,
        type=EvidenceType.STATE_CHANGE.value,
        title=HOSTILE,
        payload={"change": "rollout", "diff": [{"path": HOSTILE, "before": HOSTILE, "after": HOSTILE}]},
    )
    make_note(incident, text=HOSTILE)
    postmortem = make_postmortem(incident)
    assert 999 not in references(postmortem.body)["E"]
    page = as_cy.get(postmortem.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert 'src="http://evil' not in page
    assert "alert(1)" in page
