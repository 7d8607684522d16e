"""Where the text is cut is where the renderer makes headings: no part of it comes along unseen with another."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree.ElementTree import Element

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown.treeprocessors import Treeprocessor

from incidents import markdown
from incidents.writing.differences import sections

LINES = [
    "", "   ", "Internal", "Words of a paragraph", "# One", "##Two", "## Three ##", "###### Six", "####### Seven", "##",
    "# back\\", " ## indented", "    ## code", "\t# tab", "\x02# hidden", "---", "-", "--", "===", "=", "--- ", "---\t", "- - -",
    "-=-", "***", "```", "~~~~", "   ```", "    ```", "> ```", "- ```", "``` text", "> quote", "> ## in a quote", ">---",
    "- item", "- ## in a list", "  more", "    more", "1. first", "!!! note", "!!! note Title", "[^1]: note", "[^1]",
    "[a]: https://a.example/", "[b]:", "https://b.example/", '"title"', "a | b", "- | -", "--- | ---", "| a", "|---",
    "<!-- one -->", "<!-- begins", "ends -->", "![[E-1]]", "> ![[E-1]]", "- ![[timeline]]", "![[E-1", "\\", "\\# no", "* * *",
]  # fmt: skip


class Top(Treeprocessor):
    found: list[tuple[int, str]] = []

    def run(self, root: Element) -> None:
        self.found = [
            (int(one.tag[1]), one.text or "") for one in root if one.tag in ("h1", "h2", "h3", "h4", "h5", "h6")
        ]


def rendered(text: str) -> list[tuple[int, str]]:
    """Headings of the renderer that stand in no list and no quote, before their words are rendered."""
    markdown.render("")
    engine = markdown._LOCAL.engine[0]
    top = Top(engine)
    engine.treeprocessors.register(top, "top", 100)
    try:
        answer = markdown.render(text)
    finally:
        if hasattr(markdown._LOCAL, "engine"):
            engine.treeprocessors.deregister("top")
    assert not answer.refused
    return top.found


def missed(text: str) -> Counter[tuple[int, str]]:
    """Those with words in them; a heading that is nothing but signs is left to the second wall (incidents/outside.py)."""
    cut = Counter((one.level, re.sub(r"\W+", " ", one.title).strip()) for one in sections(text))
    made = Counter((level, re.sub(r"\W+|x[0-9a-f]{32}x\d+x", " ", title).strip()) for level, title in rendered(text))
    return Counter({one: count for one, count in (made - cut).items() if one[1]})


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=12).map(lambda lines: "\n".join(["", *lines])))
@example("[b]:\nhttps://b.example/\nInternal\n---")
def test_every_heading_of_the_renderer_is_one_of_the_sections(text: str) -> None:
    assert not missed(text)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("Internal notes\n-----\ntext", ["Internal notes"]),
        ("Internal notes\n=====\ntext", ["Internal notes"]),
        ("##Internal\n#a", ["Internal", "a"]),
        ("a\nb\n---\nc\n---\n", ["c"]),
        ("a\n\n---\n\nb", []),
        ("    ```\n# code\n```\n# A", ["A"]),
        ("> ```\n# A", ["A"]),
        ("- ```\n  # code\n  ```\n# A", ["A"]),
        ("<!-- a\n# guidance\n-->\n# A", ["A"]),
        ("A\n<!-- a -->\n---", ["A"]),
        ("> # quoted\n\n- # listed\n\n # indented", []),
        ("- item\n# A", ["A"]),
        ("a\r\n---\r\n\rb\r===\r", ["a", "b"]),
    ],
)
def test_sections_are_what_the_renderer_makes_of_nasty_heads(text: str, titles: list[str]) -> None:
    assert [one.title for one in sections(text)] == titles
    assert [title for _, title in rendered(text)] == titles


def test_what_stands_under_a_heading_begins_after_its_underline() -> None:
    text = "One\n---\nunder one\n# Two\nunder two"
    assert [text[one.inner : one.end] for one in sections(text)] == ["under one\n", "under two"]
