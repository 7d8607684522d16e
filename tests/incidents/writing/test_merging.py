from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from incidents.writing.merging import merge

TEXT = st.lists(st.sampled_from(["one", "two words", "## Impact", "", "é😀"]), max_size=6).map("\n".join)


@given(TEXT, TEXT)
def test_where_one_side_changed_nothing_the_other_wins(base: str, changed: str) -> None:
    for merged in (merge(base, changed, base), merge(base, base, changed), merge(base, changed, changed)):
        assert (merged.text, merged.conflicts) == (changed, ())


@given(TEXT, TEXT, TEXT)
def test_every_line_of_both_sides_is_in_the_text_or_in_a_conflict(base: str, mine: str, theirs: str) -> None:
    merged = merge(base, mine, theirs)
    kept = merged.text + "".join(one.mine + one.theirs for one in merged.conflicts)
    for side in (mine, theirs):
        for line in set(side.split("\n")) - set(base.split("\n")):
            assert all(word in kept for word in line.split())


def test_different_lines_and_different_words_of_one_line_are_merged() -> None:
    base = "## Impact\n\nAbout 100 customers saw an error page.\n\n## Detection\n\nAn alert.\n"
    mine = base.replace("100", "1,900").replace("An alert.", "A customer called.")
    theirs = base.replace("error page", "error page for six minutes")
    merged = merge(base, mine, theirs)
    assert not merged.conflicts
    assert "About 1,900 customers saw an error page for six minutes." in merged.text
    assert "A customer called." in merged.text


def test_two_new_paragraphs_at_one_place_both_stay() -> None:
    base = "## What went well\n"
    merged = merge(base, base + "- The pager.\n", base + "- The roll-back.\n")
    assert (merged.text, merged.conflicts) == (base + "- The roll-back.\n- The pager.\n", ())


def test_the_same_words_changed_twice_are_a_conflict_with_its_heading() -> None:
    base = "## Impact\n\nNobody paid.\n"
    merged = merge(base, base.replace("Nobody", "Few"), base.replace("Nobody", "Half"))
    assert merged.text == "## Impact\n\nHalf paid.\n"
    (conflict,) = merged.conflicts
    assert (conflict.heading, conflict.mine, conflict.theirs) == ("Impact", "Few paid.\n", "Half paid.\n")


def test_a_paragraph_that_one_deletes_and_the_other_edits_is_a_conflict() -> None:
    base = "one\n\ntwo words here\n\nthree\n"
    merged = merge(base, "one\n\nthree\n", base.replace("words", "long words"))
    assert "two long words here" in merged.text
    assert len(merged.conflicts) == 1


def test_a_text_that_was_sent_before_and_then_continued_is_not_doubled() -> None:
    base = "a\nb\n"
    for mine, theirs in (("a\nP1\nP2\nb\n", "a\nP1\nb\n"), ("a\nP1\nb\n", "a\nP1\nP2\nb\n")):
        merged = merge(base, mine, theirs)
        assert (merged.text, merged.conflicts) == ("a\nP1\nP2\nb\n", ())


def test_new_paragraphs_that_share_a_line_are_for_a_person_to_decide() -> None:
    merged = merge("a\n", "a\nmine\nshared\n", "a\ntheirs\nshared\n")
    assert merged.text == "a\ntheirs\nshared\n"
    assert [one.mine for one in merged.conflicts] == ["mine\nshared\n"]
