"""Which parts stand as drafted, and what a newer draft adds without taking a word from anybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from incidents.drafting.parts import added, proposals, untouched

DRAFTED = {
    "summary": "On 21 November: it failed.",
    "timeline": "| UTC | What happened |\n|---|---|\n| 06:37:20 | Rollout |",
}
BODY = f"## Summary\n\n{DRAFTED['summary']}\n\n## Timeline\n\n{DRAFTED['timeline']}\n"


def test_a_part_is_as_drafted_while_it_stands_word_for_word() -> None:
    assert [(one.variable, BODY[one.start : one.end]) for one in untouched(BODY, DRAFTED)] == list(DRAFTED.items())


def test_one_changed_word_ends_that_part_alone() -> None:
    changed = BODY.replace("Rollout", "Rollout by Ada")
    assert [one.variable for one in untouched(changed, DRAFTED)] == ["summary"]


def test_a_sentence_written_on_the_same_line_touches_the_part() -> None:
    assert untouched("It was bad. " + DRAFTED["summary"], {"summary": DRAFTED["summary"]}) == []


def test_two_parts_with_the_same_text_are_two_places() -> None:
    same = {"detection": "None yet.", "followups": "None yet."}
    found = untouched("None yet.\n\nNone yet.", same)
    assert [(one.start, one.end) for one in found] == [(0, 9), (11, 20)]


def test_only_lines_that_neither_draft_nor_text_had_are_proposed() -> None:
    body = BODY.replace("it failed.", "we failed.") + "\n| 06:40:00 |  Paged |\n"
    fresh = DRAFTED | {"timeline": DRAFTED["timeline"] + "\n| 06:38:00 | Node lost |\n| 06:40:00 | Paged |"}
    (found,) = proposals(body, DRAFTED, fresh)
    assert (found.variable, found.lines, found.replaces) == ("timeline", ("| 06:38:00 | Node lost |",), True)


def test_what_a_person_took_out_of_the_draft_is_not_proposed_again() -> None:
    assert proposals(BODY.replace("| 06:37:20 | Rollout |", ""), DRAFTED, DRAFTED) == []


def test_a_row_goes_to_its_time_in_the_last_table() -> None:
    section = "## Timeline\n\n| UTC | What |\n|---|---|\n| 06:37:20 | a |\n| 06:50:00 | b |\n\nMy words."
    assert added(section, ["| 06:40:00 | new |"]).split("\n")[4:7] == [
        "| 06:37:20 | a |",
        "| 06:40:00 | new |",
        "| 06:50:00 | b |",
    ]


def test_a_row_goes_last_where_the_rows_are_in_no_order() -> None:
    section = "| UTC | What |\n|---|---|\n| 06:50:00 | b |\n| 06:37:20 | a |"
    assert added(section, ["| 06:40:00 | new |"]).endswith("\n| 06:40:00 | new |")


def test_rows_without_a_table_bring_its_head_and_other_lines_go_to_the_end() -> None:
    assert added("## T\n\nWords.", ["| 06:40:00 | new |"]).split("\n")[-3:] == [
        "| UTC | What happened |",
        "|---|---|",
        "| 06:40:00 | new |",
    ]
    assert added("## F\n\n- [[F-1]] a\n", ["- [[F-2]] b"]) == "## F\n\n- [[F-1]] a\n- [[F-2]] b"
    assert added("## I\n\nWords.\n", ["One.", "Two."]) == "## I\n\nWords.\n\nOne.\n\nTwo."


LINES = st.lists(
    st.sampled_from(["| 06:37:20 | a |", "| 06:50:00 | b |", "|---|---|", "Words.", "", "- item", "## H"]), max_size=12
)


@given(LINES, st.lists(st.sampled_from(["| 06:40:00 | new |", "- new", "New."]), min_size=1, max_size=3, unique=True))
def test_no_line_of_a_person_goes_and_every_new_one_comes(section: list[str], lines: list[str]) -> None:
    text = added("\n".join(section), lines).split("\n")
    left = iter(text)
    assert all(line in left for line in section if line)
    assert all(text.count(line) == 1 for line in lines)
