"""Publishing: versions that stay as readers got them, and what an admin requires before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.problems import InvalidInput
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.review import ask_for_review, give_verdict, withdraw_from_review
from incidents.models import PostMortem, Publication, Severity
from incidents.writing.documents import rewrite
from tests.api.calling import Api
from tests.builders import NOW, make_followup, make_person, make_postmortem

pytestmark = pytest.mark.django_db


def write(postmortem: PostMortem, body: str, *, minutes: int = 1) -> PostMortem:
    at = NOW + timedelta(minutes=minutes)
    ben = make_person("ben")
    return save_postmortem(postmortem=postmortem, based_on=None, title=postmortem.title, body=body, by=ben, now=at)


def publish(postmortem: PostMortem, *, minutes: int = 2, by: str = "ben", **more: Any) -> PostMortem:
    at = NOW + timedelta(minutes=minutes)
    return publish_postmortem(postmortem=postmortem, by=make_person(by), now=at, **more)


def require(**rules: Any) -> Severity:
    severity = Severity.objects.get(name="SEV2")
    people = rules.pop("required_reviewers", None)
    for name, value in rules.items():
        setattr(severity, name, value)
    severity.save()
    if people is not None:
        severity.required_reviewers.set(people)
    return severity


def test_each_publication_is_a_version_that_stays_as_it_was() -> None:
    postmortem = publish(write(make_postmortem(), "First text"))
    postmortem = publish(write(postmortem, "Second text", minutes=3), minutes=4, note="  The numbers   are known ")
    rows = list(Publication.objects.order_by("number").values_list("number", "body", "note"))
    assert rows == [(1, "First text", ""), (2, "Second text", "The numbers are known")]
    assert postmortem.published_body == "Second text"


def test_a_note_that_is_too_long_is_refused_and_nothing_is_published() -> None:
    with pytest.raises(InvalidInput) as refused:
        publish(make_postmortem(), note="x" * 301)
    assert "note" in refused.value.errors
    assert not Publication.objects.exists()


def test_publishing_what_is_published_already_is_refused() -> None:
    postmortem = publish(make_postmortem())
    with pytest.raises(InvalidInput, match="not changed since version 1"):
        publish(postmortem, minutes=5)


def test_a_text_that_went_back_to_the_published_one_makes_no_new_version() -> None:
    postmortem = publish(write(make_postmortem(), "Text"))
    postmortem = write(write(postmortem, "Something else", minutes=3), "Text", minutes=4)
    assert postmortem.state == PostMortem.State.REOPENED
    assert publish(postmortem, minutes=5).state == PostMortem.State.PUBLISHED
    assert Publication.objects.count() == 1
    assert AuditEvent.objects.filter(verb="postmortem.back_to_published").exists()


def test_without_rules_anybody_who_responds_publishes_at_once() -> None:
    assert publish(make_postmortem()).state == PostMortem.State.PUBLISHED


def test_too_few_approvals_block_and_the_answer_counts_them(cy: User) -> None:
    require(approvals_needed=2)
    postmortem = make_postmortem()
    ada = make_person("ada")
    ask_for_review(postmortem=postmortem, reviewers=[cy, ada], by=make_person("ben"), now=NOW)
    give_verdict(postmortem=postmortem, verdict="approved", comment="", by=cy, now=NOW)
    with pytest.raises(InvalidInput, match="1 of 2 approvals given"):
        publish(postmortem)
    give_verdict(postmortem=postmortem, verdict="approved", comment="", by=ada, now=NOW)
    assert publish(postmortem).state == PostMortem.State.PUBLISHED


def test_a_required_reviewer_is_asked_by_itself_named_while_missing_and_enough_once_approved(cy: User) -> None:
    require(required_reviewers=[cy])
    postmortem = make_postmortem()
    with pytest.raises(InvalidInput, match="Cy Moreau must approve it first"):
        publish(postmortem)
    ask_for_review(postmortem=postmortem, reviewers=[], by=make_person("ada"), now=NOW)
    assert [review.reviewer for review in postmortem.reviews.all()] == [cy]
    give_verdict(postmortem=postmortem, verdict="changes", comment="The numbers", by=cy, now=NOW)
    with pytest.raises(InvalidInput, match="Cy Moreau must approve"):
        publish(postmortem)
    give_verdict(postmortem=postmortem, verdict="approved", comment="", by=cy, now=NOW)
    assert publish(postmortem).state == PostMortem.State.PUBLISHED


def test_a_required_reviewer_who_is_gone_blocks_nobody(cy: User) -> None:
    require(required_reviewers=[cy])
    cy.is_active = False
    cy.save()
    assert publish(make_postmortem()).state == PostMortem.State.PUBLISHED


def test_an_approval_counts_for_one_version_alone(cy: User) -> None:
    require(approvals_needed=1)
    postmortem = make_postmortem()
    ada = make_person("ada")
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ada, now=NOW)
    give_verdict(postmortem=postmortem, verdict="approved", comment="", by=cy, now=NOW)
    postmortem = write(publish(postmortem), "Rewritten afterwards", minutes=3)
    with pytest.raises(InvalidInput, match="0 of 1 approval given"):
        publish(postmortem, minutes=4)


def approve(postmortem: PostMortem, by: User, *, minutes: int = 0) -> None:
    at = NOW + timedelta(minutes=minutes)
    give_verdict(postmortem=postmortem, verdict="approved", comment="", by=by, now=at)


def test_a_text_that_was_changed_after_its_approval_needs_it_again(cy: User) -> None:
    require(approvals_needed=1, required_reviewers=[cy])
    postmortem = write(make_postmortem(), "Text")
    ask_for_review(postmortem=postmortem, reviewers=[], by=make_person("ada"), now=NOW)
    approve(postmortem, cy, minutes=2)
    postmortem = write(postmortem, "Another text", minutes=3)
    with pytest.raises(InvalidInput, match="the text was changed after Cy Moreau approved it"):
        publish(postmortem, minutes=4)
    approve(postmortem, cy, minutes=5)
    assert publish(postmortem, minutes=6).state == PostMortem.State.PUBLISHED


def test_what_debrief_drafts_leaves_an_approval_standing(cy: User) -> None:
    require(approvals_needed=1)
    postmortem = make_postmortem()
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=make_person("ada"), now=NOW)
    approve(postmortem, cy)
    at = NOW + timedelta(minutes=1)
    rewrite(postmortem_id=postmortem.pk, body="Drafted", by=None, via="draft", now=at)
    assert publish(postmortem).state == PostMortem.State.PUBLISHED


def test_an_approval_of_an_earlier_text_says_so_and_may_be_given_again(cy: User, as_ada: Client, as_cy: Client) -> None:
    postmortem = write(make_postmortem(), "Text")
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=make_person("ada"), now=NOW)
    approve(postmortem, cy, minutes=2)
    edit = f"{postmortem.get_absolute_url()}edit/"
    for page in (as_ada.get(edit), as_cy.get(postmortem.get_absolute_url())):
        assert "changed since" not in page.content.decode()
    write(postmortem, "Another text", minutes=3)
    assert "changed since" in as_ada.get(edit).content.decode()
    page = as_cy.get(postmortem.get_absolute_url()).content.decode()
    assert "changed since" in page
    assert "Your review" in page


def test_readers_of_the_published_text_see_whether_that_was_approved(cy: User, as_cy: Client) -> None:
    postmortem = make_postmortem()
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=make_person("ada"), now=NOW)
    approve(postmortem, cy)
    write(publish(postmortem), "Written afterwards", minutes=3)
    assert "changed since" not in as_cy.get(postmortem.get_absolute_url()).content.decode()
    assert "changed since" in as_cy.get(f"{postmortem.get_absolute_url()}?draft=1").content.decode()


def test_nobody_asks_for_their_own_review(cy: User, as_ada: Client) -> None:
    postmortem, ada = make_postmortem(), make_person("ada")
    with pytest.raises(InvalidInput, match="include yourself"):
        ask_for_review(postmortem=postmortem, reviewers=[cy, ada], by=ada, now=NOW)
    assert not postmortem.reviews.exists()
    page = as_ada.post(f"{postmortem.get_absolute_url()}review/", {"reviewers": [ada.pk]}, follow=True)
    assert "include yourself" in page.content.decode()
    answer = Api(ada).post(f"postmortems/{postmortem.pk}/review/", {"reviewers": ["ada"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reviewers")


def test_a_required_reviewer_who_asks_is_left_out_and_has_to_be_asked_by_somebody_else(cy: User) -> None:
    ada = make_person("ada")
    require(required_reviewers=[ada])
    postmortem = make_postmortem()
    with pytest.raises(InvalidInput, match="somebody else has to ask"):
        ask_for_review(postmortem=postmortem, reviewers=[], by=ada, now=NOW)
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ada, now=NOW)
    assert [review.reviewer for review in postmortem.reviews.all()] == [cy]


def test_a_required_check_blocks_with_what_is_missing_and_others_only_hint() -> None:
    require(required_checks=["impact-quantified", "followups-owned"])
    postmortem = write(make_postmortem(), "## Impact\n\nSomebody noticed.\n")
    with pytest.raises(InvalidInput) as refused:
        publish(postmortem)
    assert "Say in numbers" in refused.value.errors["quality"]
    assert "follow-up" in refused.value.errors["quality"]
    assert "no section on how it was noticed" not in refused.value.errors["quality"]
    make_followup(postmortem.incident, owner=make_person("ada"))
    write(postmortem, "## Impact\n\n63 % of the requests failed.\n", minutes=3)
    assert publish(postmortem, minutes=4).state == PostMortem.State.PUBLISHED


def test_a_new_ask_resets_what_was_answered(cy: User) -> None:
    postmortem = make_postmortem()
    ben = make_person("ben")
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW)
    give_verdict(postmortem=postmortem, verdict="changes", comment="Why?", by=cy, now=NOW)
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW + timedelta(hours=1))
    review = postmortem.reviews.get()
    assert (review.verdict, review.comment, review.answered_at) == ("waiting", "", None)


def test_withdrawing_goes_back_to_writing_and_keeps_the_answers(cy: User) -> None:
    postmortem = make_postmortem()
    ada, ben = make_person("ada"), make_person("ben")
    ask_for_review(postmortem=postmortem, reviewers=[cy, ada], by=ben, now=NOW)
    give_verdict(postmortem=postmortem, verdict="approved", comment="", by=cy, now=NOW)
    assert withdraw_from_review(postmortem=postmortem, by=ben, now=NOW).state == PostMortem.State.DRAFT
    assert [review.reviewer for review in postmortem.reviews.all()] == [cy]
    with pytest.raises(InvalidInput, match="only a text in review"):
        withdraw_from_review(postmortem=postmortem, by=ben, now=NOW)


def test_a_published_text_withdrawn_from_review_is_reopened(cy: User) -> None:
    postmortem = write(publish(make_postmortem()), "More is known", minutes=3)
    ben = make_person("ben")
    assert ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW).state == PostMortem.State.IN_REVIEW
    assert withdraw_from_review(postmortem=postmortem, by=ben, now=NOW).state == PostMortem.State.REOPENED


def test_the_editor_asks_for_hints_on_the_text_it_holds(as_ada: Client, as_cy: Client) -> None:
    postmortem = make_postmortem()
    address = f"{postmortem.get_absolute_url()}quality/"
    text = "## Impact\r\n\r\nNobody knows.\r\n\r\n## What went well\r\n\r\n## Detection\r\n"
    page = as_ada.post(address, {"body": text}).content.decode()
    assert "Nothing stands under “What went well”" in page
    place = text.replace("\r\n", "\n").index("## What went well")
    assert f'data-goto="{place}"' in page
    assert as_cy.post(address, {"body": text}).status_code == 403


def test_the_page_says_what_is_missing_and_keeps_the_note(as_ada: Client) -> None:
    postmortem = publish(write(make_postmortem(), "First"))
    postmortem = write(postmortem, "Second", minutes=3)
    require(approvals_needed=1)
    address = f"{postmortem.get_absolute_url()}publish/"
    assert "It cannot be published yet" in as_ada.get(address).content.decode()
    version = PostMortem.objects.get().resource_version
    answer = as_ada.post(address, {"version": version, "note": "The cost is known"})
    assert answer.status_code == 422
    assert "0 of 1 approval given" in answer.content.decode()
    assert 'value="The cost is known"' in answer.content.decode()
    assert Publication.objects.count() == 1


def test_what_was_changed_meanwhile_is_not_published_unseen(as_ada: Client) -> None:
    postmortem = write(make_postmortem(), "First")
    for version in (str(postmortem.resource_version - 1), "", "x"):
        answer = as_ada.post(f"{postmortem.get_absolute_url()}publish/", {"version": version})
        assert answer["Location"].endswith("/edit/")
    assert not Publication.objects.exists()
