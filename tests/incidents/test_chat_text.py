"""A little Markdown of chats as safe HTML: what is shown, what stays text, and that nothing takes long."""

from __future__ import annotations

import json
import random
import re
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from incidents.chat_text import chat_html, shortened

PAYLOADS = Path(__file__).parent.parent / "payloads" / "markdown"
ALLOWED = {"p", "br", "b", "i", "del", "code", "pre", "a", "blockquote", "ul", "ol", "li"}
LINK = '<a href="{0}" title="{0}" rel="noopener noreferrer nofollow">{1}</a>'


def payloads() -> list[tuple[str, str]]:
    text = (PAYLOADS / "scripts.txt").read_text()
    parts = re.split(r"^==== (.+)$", text, flags=re.MULTILINE)[1:]
    return [(name, text.strip("\n")) for name, text in zip(parts[::2], parts[1::2], strict=True)]


class Checked(HTMLParser):
    """Notes every tag and attribute that is not ours, and tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag not in ALLOWED or not names <= ({"href", "title", "rel"} if tag == "a" else {"value"}):
            self.wrong.append(self.get_starttag_text() or tag)
        self.wrong += [str(value) for name, value in attrs if name == "href" and not re.match("https?://", value or "")]
        if tag == "a" and "a" in self.open:
            self.wrong.append("a link within a link")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(data)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain & <b>not bold</b>", "<p>plain &amp; &lt;b&gt;not bold&lt;/b&gt;</p>"),
        ("one\ntwo\r\nthree", "<p>one<br>two<br>three</p>"),
        ("**bold** and *italic* and ~~gone~~", "<p><b>bold</b> and <i>italic</i> and <del>gone</del></p>"),
        ("***both***", "<p><b><i>both</i></b></p>"),
        ("**a *b* ~~c~~**", "<p><b>a <i>b</i> <del>c</del></b></p>"),
        ("`**not bold** <x>`", "<p><code>**not bold** &lt;x&gt;</code></p>"),
        ("2 * 3 * 4 and a**b", "<p>2 * 3 * 4 and a**b</p>"),
        (r"\*no\* \`no\` \<", "<p>*no* `no` &lt;</p>"),
        ("```\n<x> **y**\n  z\n```\nafter", "<pre><code>&lt;x&gt; **y**\n  z</code></pre><p>after</p>"),
        ("```one line```", "<p><code>one line</code></p>"),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("> quoted\n> > twice\nafter", "<blockquote><p>quoted</p><blockquote><p>twice</p></blockquote></blockquote><p>after</p>"),
        ("- one\n- **two**\n3. three", '<ul><li>one</li><li><b>two</b></li></ul><ol><li value="3">three</li></ol>'),
        ("# no heading\n| no | table |", "<p># no heading<br>| no | table |</p>"),
        ("[a *b*](https://x.example/?a=1&b=2)", "<p>" + LINK.format("https://x.example/?a=1&amp;b=2", "a <i>b</i>") + "</p>"),
        ("see https://x.example/a_(b), then", "<p>see " + LINK.format("https://x.example/a_(b)", "https://x.example/a_(b)") + ", then</p>"),
        ("(https://x.example)", "<p>(" + LINK.format("https://x.example", "https://x.example") + ")</p>"),
        ("<https://x.example>", "<p>" + LINK.format("https://x.example", "https://x.example") + "</p>"),
        ("[x](javascript:alert(1)) [y](data:text/html,1) [z](/here)", "<p>[x](javascript:alert(1)) [y](data:text/html,1) [z](/here)</p>"),
        ("![x](https://x.example/p.png)", "<p>!" + LINK.format("https://x.example/p.png", "x") + "</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_little_markdown_is_shown(text: str, html: str) -> None:
    assert chat_html(text) == html


@pytest.mark.parametrize(("name", "text"), payloads())
def test_no_payload_becomes_markup(name: str, text: str) -> None:
    for wrapped in (text, f"**{text}**", f"[{text}](https://x.example)", f"> {text}", f"https://x.example/{text}"):
        assert Checked(chat_html(wrapped)).wrong == []


def test_random_texts_become_well_formed_html_that_loses_no_letter() -> None:
    pieces = [*json.loads((PAYLOADS / "fragments.json").read_text()), "kept?", "https://x.example/y", "\n", "**", "*"]
    chosen = random.Random(7)
    for _ in range(3_000):
        text = "".join(chosen.choice(pieces) for _ in range(chosen.randrange(1, 40)))
        shown = Checked(chat_html(text))
        assert shown.wrong == [], text
        assert shown.text.count("kept?") == text.count("kept?"), text


@pytest.mark.parametrize(
    "piece",
    ["[", "*", "**", "*a ", "**b ", " *b **c", "~~", "~~a ", "`", "> ", "> > > ", "[a](", "https://", "<https://x", "\\", "- ", "((", "a)", "***"],
)  # fmt: skip
def test_no_repetition_takes_long(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    for hostile in (text, text.replace(" ", "\n"), f"https://x.example/{text}"):
        started = time.perf_counter()
        chat_html(hostile)
        assert time.perf_counter() - started < 0.5


def test_a_long_text_is_cut_between_words() -> None:
    assert shortened("one two three", 20) == "one two three"
    assert shortened("one two three", 9) == "one two …"
    assert shortened("x" * 50, 9) == "x" * 9 + " …"


def test_an_address_keeps_its_letters() -> None:
    address = "https://grafana.example/d/abc?from=1&to=2#panel-7"
    found = re.search('href="([^"]*)"', chat_html(f"Look: {address}."))
    assert found is not None
    assert unescape(found[1]) == address
