"""What is said in Slack, as Markdown and back: nothing is lost, nothing is called, nothing takes long."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.chat_text import chat_html
from incidents.markdown import render
from incidents.slack import markdown_text, mrkdwn, mrkdwn_text
from incidents.slack.spans import STYLES, Block, Fence, Item, Items, Line, Paragraph, Quote, Run

HOSTILE = Path(__file__).parents[2] / "payloads" / "markdown"
NAMES = {"U1": "@ada", "S1": "@oncall", "C1": "#checkout"}
IDS = {name: slack_id for slack_id, name in NAMES.items()}


def named(slack_id: str) -> str:
    return NAMES.get(slack_id, "")


def known(name: str) -> str:
    return IDS.get(name, "")


@pytest.mark.parametrize(
    ("said", "markdown"),
    [
        ("*bold* _slanted_ ~struck~", "**bold** _slanted_ ~~struck~~"),
        ("*_both_*", "**_both_**"),
        ("`code *stays*`", "`code *stays*`"),
        ("```kubectl get pods\n*.yaml```", "```\nkubectl get pods\n*.yaml\n```"),
        ("<https://d.example/a_b?x=1&amp;y=2|the page>", "[the page](https://d.example/a_b?x=1&y=2)"),
        ("<https://d.example/>", "<https://d.example/>"),
        ("<mailto:a@d.example|a@d.example>", "a@d.example"),
        ("5 &lt; 6 &amp;&amp; 7 &gt; 6", "5 < 6 && 7 > 6"),
        ("<@U1> <!subteam^S1> <#C1>", "@ada @oncall #checkout"),
        ("<@U9|eve> <#C9|old> <!subteam^S9|@db>", "@eve #old @db"),
        ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
        ("<!date^1732230724^{time}|23:12 UTC>", "23:12 UTC"),
        ("<!date^1732230724^{time}>", "2024-11-21 23:12 UTC"),
        (":tada: :+1::skin-tone-3: :pushpin:", "🎉 👍🏼 📌"),
        (":acme-ship:", ":acme-ship:"),
        ("at 10:30:45", "at 10:30:45"),
        ("• one\n    ◦ below\n• two", "- one\n    - below\n- two"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("&gt; said\n&gt; so", "> said\n> so"),
        ("&gt;&gt;&gt;all\nof it", "> all\n> of it"),
        ("snake_case 2*3*4 a * b", "snake_case 2\\*3\\*4 a * b"),
        ("# no heading", "\\# no heading"),
        ("one\ntwo\n\nthree", "one\ntwo\n\nthree"),
        ("<b>", "<\u2060b>"),
    ],
)
def test_what_is_typed_in_slack_is_the_same_in_markdown(said: str, markdown: str) -> None:
    assert mrkdwn.to_markdown(said, named) == markdown
    assert mrkdwn.to_markdown(mrkdwn.from_markdown(markdown, known), named) == markdown


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("**bold** *slanted* __bold__ _slanted_ ~~struck~~", "*bold* _slanted_ *bold* _slanted_ ~struck~"),
        ("***both***", "*_both_*"),
        ("# Heading", "*Heading*"),
        ("[the page](https://d.example/?a=1&b=2)", "<https://d.example/?a=1&amp;b=2|the page>"),
        ("see https://d.example/x.", "see <https://d.example/x>."),
        ("![a chart](https://d.example/p.png)", "<https://d.example/p.png|a chart>"),
        ('[[E-7]] and ![[E-8 caption="x"]]', "E-7 and E-8"),
        ("- a\n  - b\n\n1. c", "• a\n    ◦ b\n1. c"),
        ("🎉 and ©", ":tada: and ©"),
        ("@ada, ask @oncall in #checkout, not @nobody", "<@U1>, ask <!subteam^S1> in <#C1>, not @nobody"),
        ("a**b**c", "a\u200b*b*\u200bc"),
        ("````\n```\n````", "```\n`\u200b``\n```"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
    ],
)
def test_what_is_written_here_is_the_same_in_slack(markdown: str, said: str) -> None:
    assert mrkdwn.from_markdown(markdown, known) == said


@pytest.mark.parametrize("text", ["<!channel>", "<!here|x>", "<@U1>", "<!subteam^S1>", "<#C1>", "&lt;!channel&gt;"])
def test_nobody_is_called_by_what_somebody_typed(text: str) -> None:
    written = mrkdwn.from_markdown(text)
    assert not any(one in written for one in ("<!", "<@", "<#"))
    assert not any(one in mrkdwn.from_markdown(text, lambda name: "!channel") for one in ("<!", "<@", "<#"))


RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "user", "user_id": "U1"},
                {"type": "text", "text": " *not bold* "},
                {"type": "text", "text": "really ", "style": {"bold": True}},
                {"type": "text", "text": "both", "style": {"bold": True, "italic": True}},
                {"type": "text", "text": " x_y\n"},
                {"type": "link", "url": "https://d.example/", "text": "page", "style": {"strike": True}},
                {"type": "text", "text": " "},
                {"type": "emoji", "name": "+1", "skin_tone": 3, "unicode": "1f44d-1f3fc"},
                {"type": "emoji", "name": "acme"},
                {"type": "broadcast", "range": "here"},
                {"type": "date", "timestamp": 1732230724, "format": "{time}"},
                {"type": "text", "text": "a`b", "style": {"code": True}},
            ],
        },
        {"type": "rich_text_list", "style": "ordered", "indent": 0, "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}]},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [
            {"type": "rich_text_section", "elements": [{"type": "channel", "channel_id": "C1"}]}]},
        {"type": "rich_text_list", "style": "ordered", "indent": 0, "elements": [
            {"type": "rich_text_section", "elements": [{"type": "usergroup", "usergroup_id": "S1"}]}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said\nso"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a\n  *b*"}]},
    ],
}  # fmt: skip


def test_rich_text_says_what_the_text_beside_it_only_hints_at() -> None:
    assert mrkdwn.of_message({"text": "lossy", "blocks": [RICH]}, named) == (
        "@ada \\*not bold\\* **really _both_** x_y\n"
        "~~[page](https://d.example/)~~ 👍🏼:acme:@here2024-11-21 23:12 UTC`` a`b ``\n\n"
        "1. one\n    - #checkout\n2. @oncall\n\n> said\n> so\n\n```\na\n  *b*\n```"
    )


def test_cards_of_other_apps_are_read_and_what_slack_shows_of_links_is_not() -> None:
    message = {
        "text": "",
        "attachments": [
            {"title": "Firing", "title_link": "https://d.example/", "text": "*5xx* is high", "fallback": "f"},
            {"from_url": "https://d.example/", "text": "unfurled"},
            {"fallback": "only this"},
        ],
    }
    assert mrkdwn.of_message(message) == "[Firing](https://d.example/)\n\n**5xx** is high\n\nonly this"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"text": None},
        {"blocks": "x", "attachments": [7], "text": "t"},
        {"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_list", "elements": "x", "indent": -4}]}]},
        {"blocks": [{"type": "rich_text", "elements": [{"elements": [{"type": "date", "timestamp": 10**30}]}]}]},
        {"blocks": [{"type": "section", "text": "x", "fields": [1]}]},
        {"text": "<!date^99999999999999999^x> <!date^> <!> <@> <#> <|> <>"},
    ],
)
def test_shapes_that_nobody_expects_do_no_harm(message: dict[str, Any]) -> None:
    assert "Traceback" not in mrkdwn.of_message(message)


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**Checkout** answers `503`\nsince 1.42.0", "Checkout answers 503\nsince 1.42.0"),
        ("- [a](https://d.example/) b\n\n> c", "a b\nc"),
        ("snake_case \\*x\\*", "snake_case *x*"),
        ("```\ncode\n```", "code"),
        ("", ""),
    ],
)
def test_plain_words_have_no_marks(markdown: str, plain: str) -> None:
    assert mrkdwn.plain(markdown) == plain


# Whatever is said

# Without colons: what stands between two of them is an emoji in Slack, whoever wrote it.
TEXTS = st.text("ab 1.*_~`<>&|[](){}#+-!\\@=éß🎉", min_size=1, max_size=12)
RUNS = st.one_of(
    st.builds(Run, TEXTS, st.frozensets(st.sampled_from(STYLES))),
    st.builds(lambda text, styles: Run(f"x{text}x", styles, True), st.text("ab *_<&", max_size=6), st.frozensets(st.sampled_from(STYLES))),
    st.builds(lambda text, styles: Run(f"x{text}x", styles, link="https://d.example/a_b?c=1&d=*e*"), st.text("ab _*", max_size=6), st.frozensets(st.sampled_from(STYLES))),
)  # fmt: skip
LINES = st.lists(RUNS, min_size=1, max_size=5).map(lambda runs: [Run("w "), *runs, Run(" w")])
PARAGRAPHS = st.builds(Paragraph, st.lists(LINES, min_size=1, max_size=3))
FENCES = st.builds(lambda text: Fence(f"x{text}y"), st.text("ab *_<&>\n", max_size=20))


def lists(items: list[tuple[int, bool, Line]]) -> Items:
    """Each at most one level below the one before; numbers as they count."""
    found: list[Item] = []
    for level, is_numbered, line in items:
        found.append(Item(min(level, found[-1].level + 1 if found else 0), 1 if is_numbered else None, [line]))
    return Items(found)


ITEMS = st.lists(st.tuples(st.integers(0, 2), st.booleans(), LINES), min_size=1, max_size=5).map(lists)
QUOTES = st.builds(Quote, st.lists(PARAGRAPHS, min_size=1, max_size=2))
TEXT = st.lists(st.one_of(PARAGRAPHS, FENCES, ITEMS, QUOTES), min_size=1, max_size=4)


def looks(blocks: list[Block], where: str = "") -> Iterator[tuple[Any, ...]]:
    """Every sign with its styles and where it stands; blanks aside."""
    for block in blocks:
        if isinstance(block, Fence):
            yield from ((sign, f"{where}code") for sign in block.text)
        elif isinstance(block, Quote):
            yield from looks(block.blocks, f"{where}>")
        elif isinstance(block, Items):
            for item in block.items:
                yield from _looks_of(item.lines, f"{where}{item.level}{item.number}")
        else:
            yield from _looks_of(block.lines, where)


def _looks_of(lines: list[Line], where: str) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        for run in line:
            yield from ((sign, run.styles, run.is_code, run.link, where) for sign in run.text if not sign.isspace())


@given(TEXT)
@settings(max_examples=150, deadline=None)
def test_everything_survives_markdown(blocks: list[Block]) -> None:
    written = markdown_text.write(blocks)
    assert list(looks(markdown_text.read(written))) == list(looks(blocks))


@given(TEXT)
@settings(max_examples=150, deadline=None)
def test_everything_survives_slack(blocks: list[Block]) -> None:
    said = mrkdwn_text.write(blocks, mrkdwn_text.text_leaf)
    assert list(looks(mrkdwn_text.read(said, lambda slack_id, label: slack_id))) == list(looks(blocks))


@given(st.text("ab *_~`<>&|[](){}#+-!\\:@=.\n1•>", max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_becomes_stable_after_one_way(text: str) -> None:
    markdown = mrkdwn.to_markdown(text)
    again = mrkdwn.to_markdown(mrkdwn.from_markdown(markdown))
    assert mrkdwn.plain(again).split() == mrkdwn.plain(markdown).split()


def test_both_of_our_renderers_show_what_was_meant() -> None:
    markdown = mrkdwn.to_markdown("*b* _i_ ~s~ `c` *_x_* a_b_c 2*3*4 &lt;kbd&gt;no&lt;/kbd&gt; # _")
    for html in (chat_html(markdown), render(markdown).html):
        shown = html.replace("strong>", "b>").replace("em>", "i>").replace("\u2060", "")
        assert "<b>b</b> <i>i</i> <del>s</del> <code>c</code> <b><i>x</i></b> a_b_c 2*3*4" in shown
        assert "&lt;kbd&gt;no&lt;/kbd&gt; # _" in shown


def hostile() -> list[str]:
    fragments = json.loads((HOSTILE / "fragments.json").read_text())
    texts = fragments if isinstance(fragments, list) else list(fragments.values())
    return [str(one) for one in texts] + (HOSTILE / "scripts.txt").read_text().splitlines()


@pytest.mark.parametrize("text", hostile())
def test_hostile_text_stays_text(text: str) -> None:
    for markdown in (mrkdwn.to_markdown(text), mrkdwn.of_message({"text": text, "blocks": [_rich(text)]})):
        html = chat_html(markdown).lower()
        assert "<script" not in html
        assert "javascript:" not in html or 'href="javascript:' not in html
        assert "<img" not in html
        written = mrkdwn.from_markdown(markdown)
        assert not any(one in written for one in ("<!", "<@", "<#"))


def _rich(text: str) -> dict[str, Any]:
    inner = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [inner]}


BOMBS = ["*", "_a ", "*a ", "`", "``a", "[", "[a](", "[x](y", "<", "<!date^", "```", ":a", "> ", "- ", "1. ", "!![[E-", "~~a", "**a *b ", "👩", "@a", "\\", "a\n", "&gt;"]  # fmt: skip


@pytest.mark.parametrize("seed", BOMBS)
def test_long_texts_take_time_in_proportion(seed: str) -> None:
    """Eight times the text: sixty-four times the work would be the square."""
    small, large = seed * (5_000 // len(seed)), seed * (40_000 // len(seed))
    assert seconds(large) < 30 * seconds(small) + 0.05


def seconds(text: str) -> float:
    """The best of three, of this process alone."""
    found: list[float] = []
    for _ in range(3):
        started = time.process_time()
        mrkdwn.from_markdown(mrkdwn.to_markdown(text))
        mrkdwn.plain(text)
        found.append(time.process_time() - started)
    return min(found)


def test_a_forwarded_message_is_quoted_with_its_link() -> None:
    card = {"is_share": True, "from_url": "https://w.slack.com/archives/C1/p1", "author_name": "Cy_*", "text": "*down*"}
    blocks = [
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "up"}]}]}
    ]
    rich = card | {"message_blocks": [{"message": {"blocks": blocks}}]}
    head = "forwarded [a message](https://w.slack.com/archives/C1/p1) of "
    for one, words in ((card, "> **down**"), (rich, "> up")):
        told = mrkdwn.of_message({"text": "", "attachments": [one]})
        assert told.startswith(head)
        assert told.endswith(words)
    assert (
        mrkdwn.of_message({"text": "", "attachments": [{"is_share": True, "from_url": "javascript:x"}]})
        == "forwarded a message"
    )
