from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from incidents.writing.differences import sections, splices, words

TEXT = st.text(alphabet="ab é😀\n#`|", max_size=60)


@given(TEXT, TEXT)
def test_splices_lead_from_one_text_to_the_other_and_back(before: str, after: str) -> None:
    text = before
    found = splices(before, after)
    for splice in found:
        assert text[splice.start : splice.start + len(splice.removed)] == splice.removed
        text = splice.apply(text)
    assert text == after
    for splice in reversed(found):
        text = splice.revert(text)
    assert text == before


@given(TEXT, TEXT)
def test_word_differences_hold_both_texts(before: str, after: str) -> None:
    pieces = words(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_a_changed_word_is_shown_as_a_whole_word() -> None:
    pieces = words("The probe waited for the database.", "The probe looked at the database.")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "The probe "),
        ("removed", "waited for"),
        ("added", "looked at"),
        ("same", " the database."),
    ]


def test_sections_end_where_the_next_of_their_level_begins_and_code_has_none() -> None:
    body = "## One\n\ntext\n\n### Part\n\n```\n## no heading\n```\n\n## Two ##\nend"
    found = [(one.level, one.title, body[one.start : one.end].strip()) for one in sections(body)]
    assert [(level, title) for level, title, _ in found] == [(2, "One"), (3, "Part"), (2, "Two")]
    assert found[0][2].startswith("## One")
    assert found[0][2].endswith("```")
    assert found[2][2] == "## Two ##\nend"


def test_texts_with_more_different_words_than_a_table_of_letters_are_compared() -> None:
    before = " ".join(f"w{number}" for number in range(30_000))
    pieces = words(before, before.replace("w29999", "last"))
    assert [(piece.kind, piece.text) for piece in pieces if piece.kind != "same"] == [
        ("removed", "w29999"),
        ("added", "last"),
    ]


def test_a_long_text_of_one_word_is_compared_before_anybody_gives_up() -> None:
    before = "x" + " a" * 99_000
    for after in ("z" + " a" * 75_000 + " w" + " a" * 20_000, "z" + " a" * 89_000 + " w"):
        text = before
        for splice in splices(before, after):
            text = splice.apply(text)
        assert text == after
        assert "".join(piece.text for piece in words(before, after) if piece.kind != "removed") == after
