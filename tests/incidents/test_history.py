"""History: every text that once stood, what changed between any two, who wrote what, and the way back."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents import history
from incidents.actions.history import restore_text
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.models import PostMortem, Revision
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_incident, make_person, make_postmortem
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
TEXT = "## Summary\n\nIt broke.\n\n## Impact\n\nMany noticed.\n\n## Detection\n\nAn alert fired.\n"


def save(postmortem: PostMortem, body: str, *, by: str = "ben", minutes: float = 1, title: str = "T") -> PostMortem:
    at = NOW + timedelta(minutes=minutes)
    return save_postmortem(postmortem=postmortem, based_on=None, title=title, body=body, by=make_person(by), now=at)


def page(client: Client, postmortem: PostMortem, part: str) -> str:
    answer = client.get(f"{postmortem.get_absolute_url()}{part}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_tells_who_when_and_how_much(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), TEXT)
    postmortem = save(postmortem, TEXT.replace("Many", "1,900 people"), by="ada", minutes=10)
    publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW + timedelta(minutes=20), note="First")
    row = PostMortem.objects.get()
    found = history.entries(row, list(history.revisions(row)))
    published, by_ben = found[0], found[1]
    assert published.publication is not None
    assert [one.username for one in published.people] == ["ada"]
    assert [one.username for one in by_ben.people] == ["ben"]
    assert (published.added, published.removed) == (len("1,900 people"), len("Many"))
    shown = page(as_cy, row, "history/")
    assert "Version 1 published" in shown
    assert "Ben Lindqvist" in shown


def test_the_list_finds_words_that_once_stood_there(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), "The word was xylophone", by="ben")
    save(postmortem, "It is gone", by="ada", minutes=2)
    assert page(as_cy, postmortem, "history/?q=xylophone").count("Compare with now") == 1
    assert "Nothing matches" in page(as_cy, postmortem, "history/?q=zither")


def test_differences_are_words_and_long_stretches_are_folded() -> None:
    middle = "".join(f"line {n}\n" for n in range(40))
    found = history.changes(f"old start\n{middle}the end\n", f"new start\n{middle}the very end\n")
    kinds = [one.kind for one in found]
    assert kinds.count("fold") == 1
    assert {"added", "removed", "same"} < set(kinds)
    assert "".join(one.text for one in found if one.kind != "removed") == f"new start\n{middle}the very end\n"
    assert "".join(one.text for one in found if one.kind != "added") == f"old start\n{middle}the end\n"
    fold = next(one for one in found if one.kind == "fold")
    assert fold.lines == fold.text.count("\n") > 30


def test_any_two_texts_are_compared_the_older_one_first(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), "The probe waited", title="Old title")
    postmortem = publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW + timedelta(minutes=2))
    save(postmortem, "The probe waited for ever", by="ada", minutes=9, title="New title")
    revision = Revision.objects.get(note="Published")
    for query in (f"from=r{revision.pk}&to=now", f"from=now&to=r{revision.pk}", "from=p1&to=now"):
        shown = page(as_cy, postmortem, f"compare/?{query}")
        assert "<ins> for ever</ins>" in shown
        assert "<del>Old</del><ins>New</ins> title" in shown


def test_single_steps_between_two_texts_are_listed_and_compared(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), "one")
    for place, body in enumerate(["one two", "one two three"]):
        postmortem = save(postmortem, body, minutes=2 + place)
    revision = Revision.objects.order_by("id").first()
    assert revision is not None
    row = PostMortem.objects.get()
    older, now = history.text_of(row, f"r{revision.pk}"), history.text_of(row, "now")
    assert older is not None
    assert now is not None
    steps = history.steps_between(row, older, now)
    assert [(one.by, one.added) for one in steps][:2] == [("Ben Lindqvist", 6), ("Ben Lindqvist", 4)]
    version = steps[0].version
    assert "<ins> three</ins>" in page(as_cy, row, f"compare/?from=v{version - 1}&to=v{version}")


@pytest.mark.parametrize(
    "name", ["", "r0", "r999999", "p9", "v99999", "v0", "x1", "now1", "r" + "9" * 30, "r-1", "rÂ²"]
)
def test_a_text_that_is_none_is_not_found(as_cy: Client, name: str) -> None:
    postmortem = make_postmortem()
    assert as_cy.get(f"{postmortem.get_absolute_url()}compare/", {"from": name}).status_code == 404


def test_a_revision_of_another_post_mortem_is_not_found_here(as_ada: Client) -> None:
    save(save(make_postmortem(), "secret"), "changed", by="ada", minutes=3)
    other, revision = make_postmortem(), Revision.objects.latest("id")
    assert as_ada.get(f"{other.get_absolute_url()}compare/?from=r{revision.pk}").status_code == 404
    assert as_ada.post(f"{other.get_absolute_url()}restore/", {"text": f"r{revision.pk}"}).status_code == 404


def test_restoring_brings_a_text_back_and_keeps_the_one_before(as_ada: Client) -> None:
    postmortem = save(make_postmortem(), "First words", title="First")
    postmortem = publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW + timedelta(minutes=2))
    save(postmortem, "Later words", minutes=3, title="Later")
    answer = as_ada.post(f"{postmortem.get_absolute_url()}restore/", {"text": "p1"})
    row = PostMortem.objects.get()
    assert answer.status_code == 302
    assert (row.title, row.body, row.edited_by) == ("First", "First words", make_person("ada"))
    kept = Revision.objects.filter(note__startswith="Before Version 1").get()
    assert (kept.title, kept.body) == ("Later", "Later words")
    assert row.edits.filter(via="restore").exists()
    assert AuditEvent.objects.filter(verb="postmortem.restored").exists()


def test_restoring_what_stands_is_refused_and_viewers_restore_nothing() -> None:
    postmortem = save(make_postmortem(), "Words")
    with pytest.raises(InvalidInput, match="stands already"):
        restore_text(postmortem=postmortem, title="T", body="Words", called="x", by=make_person("ben"), now=NOW)
    with pytest.raises(PermissionProblem):
        restore_text(postmortem=postmortem, title="T", body="Other", called="x", by=make_person("cy"), now=NOW)


def test_the_history_of_a_restricted_incident_is_for_those_who_see_it() -> None:
    postmortem = make_postmortem(make_incident(visibility="restricted"))
    publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW)
    mallory = signed_in(make_person("mallory"))
    for part in ("history/", "compare/?from=now", "versions/1/"):
        assert mallory.get(f"{postmortem.get_absolute_url()}{part}").status_code == 404


def test_a_published_version_stays_readable_and_says_that_a_newer_one_is_there(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), "First words")
    ben = make_person("ben")
    postmortem = publish_postmortem(postmortem=postmortem, by=ben, now=NOW + timedelta(minutes=2))
    postmortem = save(postmortem, "Second words", minutes=3)
    publish_postmortem(postmortem=postmortem, by=ben, now=NOW + timedelta(minutes=4), note="More is known")
    first = page(as_cy, postmortem, "versions/1/")
    assert "First words" in first
    assert "There is a newer version" in first
    assert "More is known" in page(as_cy, postmortem, "versions/2/")
    assert as_cy.get(f"{postmortem.get_absolute_url()}versions/3/").status_code == 404


def touched(postmortem: PostMortem) -> dict[str, str]:
    return {one.title: one.by.split()[0] for one in history.section_authors(postmortem)}


def test_each_section_knows_who_wrote_in_it_last() -> None:
    postmortem = save(make_postmortem(), TEXT, by="ben")
    postmortem = save(postmortem, TEXT.replace("Many noticed", "1,900 noticed"), by="ada", minutes=2)
    body = TEXT.replace("Many noticed", "1,900 noticed").replace("## Summary\n\n", "## Summary\n\nAt dawn. ")
    postmortem = save(postmortem, body, by="root", minutes=3)
    assert touched(postmortem) == {"Summary": "Root", "Impact": "Ada", "Detection": "Ben"}


def test_taking_words_away_is_writing_too() -> None:
    postmortem = save(make_postmortem(), TEXT, by="ben")
    postmortem = save(postmortem, TEXT.replace("Many noticed.", ""), by="ada", minutes=2)
    assert touched(postmortem) == {"Summary": "Ben", "Impact": "Ada", "Detection": "Ben"}


def test_random_edits_are_laid_to_the_section_they_were_made_in() -> None:
    """Each save writes one letter into one section; the last writer of each is known from outside."""
    dice = random.Random(7)
    heads = ["Summary", "Impact", "Detection", "Timeline"]
    parts = dict.fromkeys(heads, "words words words")
    body = "".join(f"## {head}\n\n{parts[head]}\n\n" for head in heads)
    postmortem = save(make_postmortem(), body, by="ben")
    last = dict.fromkeys(heads, "Ben")
    for turn in range(60):
        head, who = dice.choice(heads), dice.choice(["ada", "ben", "root"])
        at = dice.randrange(1, len(parts[head]))
        letter = dice.choice("QXZ") if dice.random() < 0.7 else ""
        after = parts[head][:at] + letter + parts[head][at + (0 if letter else 1) :]
        if after == parts[head] or len(after) < 5:
            continue
        parts[head], last[head] = after, who.capitalize()
        body = "".join(f"## {one}\n\n{parts[one]}\n\n" for one in heads)
        postmortem = save(postmortem, body, by=who, minutes=2 + turn)
    assert touched(postmortem) == last


def test_a_long_history_asks_no_more_than_a_short_one(as_cy: Client) -> None:
    short, long = make_postmortem(), make_postmortem()
    for postmortem, count in ((short, 3), (long, 28)):
        row = postmortem
        for turn in range(count):
            row = save(row, f"## Impact\n\nText {turn}", by=("ada", "ben")[turn % 2], minutes=turn)
    counts = [queries_of(lambda one=one: as_cy.get(f"{one.get_absolute_url()}history/")) for one in (short, long)]
    assert counts[0] == counts[1]


def test_hostile_texts_are_texts_in_differences(as_cy: Client) -> None:
    postmortem = save(make_postmortem(), "<script>alert(1)</script> before")
    postmortem = publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW + timedelta(minutes=2))
    save(postmortem, "<img src=x onerror=alert(2)> after", minutes=3, title="<b>bold</b>")
    shown = page(as_cy, postmortem, "compare/?from=p1")
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "<b>bold" not in shown


def test_the_editor_is_told_who_wrote_in_each_section(as_ada: Client) -> None:
    save(make_postmortem(), "## </script><b>x</b>\n\nWords.\n", by="ben")
    shown = page(as_ada, PostMortem.objects.get(), "edit/")
    told = re.search(r'<script id="section-authors" type="application/json">(.*?)</script>', shown, re.DOTALL)
    assert told is not None
    assert [(one["title"], one["by"]) for one in json.loads(told[1])] == [("</script><b>x</b>", "Ben Lindqvist")]
