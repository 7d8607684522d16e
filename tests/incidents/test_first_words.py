"""The draft follows the evidence until a person writes; then the person's text stands."""

import pytest

from accounts.problems import StaleWrite
from incidents.actions.postmortem import save_postmortem
from incidents.models import PostMortem
from tests.builders import NOW, make_person, make_postmortem

pytestmark = pytest.mark.django_db


def draft_follows(postmortem: PostMortem) -> None:
    postmortem.body += "\n\nA chart came later."
    postmortem.save()


def save(postmortem: PostMortem, based_on: int, body: str, who: str) -> PostMortem:
    by = make_person(who)
    return save_postmortem(postmortem=postmortem, based_on=based_on, title="T", body=body, by=by, now=NOW)


def test_the_first_save_wins_over_a_draft_that_moved_and_keeps_it_as_a_revision() -> None:
    postmortem = make_postmortem()
    opened = postmortem.resource_version
    draft_follows(postmortem)
    saved = save(postmortem, opened, "What Ben wrote", "ben")
    assert saved.body == "What Ben wrote"
    assert saved.revisions.get().body.endswith("A chart came later.")


def test_the_second_person_meets_the_first_ones_text() -> None:
    postmortem = make_postmortem()
    opened = postmortem.resource_version
    draft_follows(postmortem)
    save(postmortem, opened, "What Ben wrote", "ben")
    with pytest.raises(StaleWrite) as refused:
        save(postmortem, opened, "What Ada wrote", "ada")
    assert refused.value.current.body == "What Ben wrote"


def test_a_version_that_never_was_is_refused() -> None:
    postmortem = make_postmortem()
    with pytest.raises(StaleWrite):
        save(postmortem, -1, "x", "ben")
    with pytest.raises(StaleWrite):
        save(postmortem, postmortem.resource_version + 5, "x", "ben")
