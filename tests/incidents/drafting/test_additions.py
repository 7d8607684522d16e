"""After a person has written Debrief only proposes, and takes no word away."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.draft import add_drafted, choose_template
from incidents.actions.postmortem import save_postmortem
from incidents.drafting.proposing import additions
from incidents.models import Edit, PostMortem, PostMortemTemplate
from tests.builders import NOW, make_incident, make_note, make_person, make_postmortem
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


def write(change: Any) -> PostMortem:
    """Ben changes the text of the one post-mortem."""
    row = PostMortem.objects.get()
    save_postmortem(
        postmortem=row,
        based_on=row.resource_version,
        title=row.title,
        body=change(row.body),
        by=make_person("ben"),
        now=NOW,
    )
    return PostMortem.objects.select_related("template", "incident").get()


@pytest.fixture
def written() -> PostMortem:
    incident = make_incident()
    make_note(incident, text="Known from the start")
    make_postmortem(incident)
    return write(lambda body: body.replace("## What went well\n", "## What went well\n\nBen's own words.\n"))


def lines_of(row: PostMortem) -> dict[str, list[str]]:
    return {one.variable: list(one.lines) for one in additions(row)}


def test_while_nobody_wrote_nothing_is_proposed() -> None:
    incident = make_incident()
    row = make_postmortem(incident)
    make_note(incident, text="New")
    assert additions(PostMortem.objects.get(pk=row.pk)) == []


def test_what_was_learned_since_is_proposed_and_added_at_its_place(written: PostMortem) -> None:
    make_note(written.incident, text="Found later", occurred_at=NOW + timedelta(minutes=1))
    wanted = lines_of(written)
    assert [line.count("Found later") for line in wanted["timeline"]] == [1]
    add_drafted(postmortem=written, wanted=wanted, by=make_person("ada"), now=NOW)
    row = PostMortem.objects.get()
    section = row.body.partition("## Timeline")[2].partition("## Detection")[0]
    assert "Found later" in section
    assert "Ben's own words." in row.body
    assert row.edited_by == make_person("ada")
    assert Edit.objects.filter(via="draft", author=make_person("ada"), inserted__contains="Found later").exists()
    assert lines_of(PostMortem.objects.get()) == {}


def test_a_part_that_a_person_changed_keeps_every_word(written: PostMortem) -> None:
    row = write(lambda body: body.replace("Known from the start", "Known from the start, says Ben"))
    make_note(row.incident, text="Found later", occurred_at=NOW - timedelta(hours=1))
    add_drafted(postmortem=row, wanted=lines_of(row), by=make_person("ada"), now=NOW)
    text = PostMortem.objects.get().body
    assert "Known from the start, says Ben" in text
    assert text.index("Found later") < text.index("Known from the start, says Ben")


def test_a_section_that_was_taken_out_comes_back_at_the_end_only_when_wanted(written: PostMortem) -> None:
    row = write(lambda body: re.sub(r"## Timeline.*?(?=## Detection)", "", body, flags=re.DOTALL))
    assert "timeline" not in lines_of(row)
    make_note(row.incident, text="Found later")
    row = PostMortem.objects.get()
    add_drafted(postmortem=row, wanted=lines_of(row), by=make_person("ada"), now=NOW)
    assert PostMortem.objects.get().body.rstrip().endswith("Found later |")


def test_lines_that_were_not_ticked_stay_offered(written: PostMortem) -> None:
    make_note(written.incident, text="First news")
    make_note(written.incident, text="Second news")
    first = [line for line in lines_of(written)["timeline"] if "First" in line]
    add_drafted(postmortem=written, wanted={"timeline": first}, by=make_person("ada"), now=NOW)
    row = PostMortem.objects.get()
    assert "Second news" not in row.body
    assert ["Second" in line for line in lines_of(row)["timeline"]] == [True]


def test_what_is_no_longer_offered_is_refused(written: PostMortem) -> None:
    with pytest.raises(InvalidInput, match="still offered"):
        add_drafted(postmortem=written, wanted={"timeline": ["| invented |"]}, by=make_person("ada"), now=NOW)
    with pytest.raises(PermissionProblem):
        add_drafted(postmortem=written, wanted={}, by=make_person("cy"), now=NOW)


def test_the_panel_offers_lines_as_words_and_adds_the_ticked_ones(written: PostMortem, as_ada: Client) -> None:
    make_note(written.incident, text="Found *later* <b>")
    address = f"{written.get_absolute_url()}additions/"
    page = as_ada.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Debrief can add 1 line" in page
    assert "Ada Okafor: Found *later* &lt;b&gt;" in page
    key = re.search(r'name="line" value="([^"]+)"', page)
    assert key
    after = as_ada.post(address, {"line": [key[1]]}, headers={"HX-Request": "true"}).content.decode()
    assert "1 line was added to the text." in after
    assert "Debrief has nothing to add" in after
    assert as_ada.post(address, {"line": "timeline:0"}).status_code == 422


def test_viewers_and_strangers_get_no_panel(written: PostMortem, as_cy: Client, cy: User) -> None:
    address = f"{written.get_absolute_url()}additions/"
    assert as_cy.get(address).status_code == 403
    assert as_cy.post(f"{written.get_absolute_url()}look-again/").status_code == 403
    hidden = make_postmortem(make_incident(visibility="restricted"))
    assert signed_in(make_person("ben")).get(f"{hidden.get_absolute_url()}additions/").status_code == 404


def test_looking_again_asks_every_source(written: PostMortem, as_ada: Client) -> None:
    written.incident.collections.update(finished_at=NOW)
    before = written.incident.collections.count()
    answer = as_ada.post(f"{written.get_absolute_url()}look-again/")
    assert answer.status_code == 302
    assert written.incident.collections.count() == before + 1


def test_another_template_is_taken_while_nobody_has_written(as_ada: Client) -> None:
    row = make_postmortem()
    narrative = PostMortemTemplate.objects.get(name="narrative")
    as_ada.post(f"{row.get_absolute_url()}template/", {"template": narrative.pk})
    row.refresh_from_db()
    assert (row.template, "## How it unfolded" in row.body) == (narrative, True)
    written = write(lambda body: body + "\nWords.\n")
    with pytest.raises(InvalidInput, match="once somebody has written"):
        choose_template(postmortem=written, template=narrative, by=make_person("ada"), now=NOW)


def test_readers_of_a_draft_are_told_which_parts_nobody_touched(written: PostMortem, as_cy: Client) -> None:
    page = as_cy.get(written.get_absolute_url()).content.decode()
    told = page.partition("nobody has touched it yet:")[2].partition("</p>")[0]
    assert "Summary, Impact, Timeline" in told
    row = write(lambda body: body.replace("Known from the start", "Known, says Ben"))
    page = as_cy.get(row.get_absolute_url()).content.decode()
    assert "Timeline" not in page.partition("nobody has touched it yet:")[2].partition("</p>")[0]


def test_the_editor_learns_what_was_drafted(written: PostMortem, as_ada: Client, as_cy: Client) -> None:
    address = f"{written.get_absolute_url()}drafted/"
    parts = {one["label"]: one["text"] for one in as_ada.get(address).json()["parts"]}
    assert parts["Summary"] in written.body
    assert as_cy.get(address).status_code == 403
