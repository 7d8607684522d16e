"""The renderer: its syntax, its walls against hostile text, its bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents import markdown_bounds as bounds
from incidents.markdown import REFERENCE, Reference, excerpt, render
from tests.system import chromium_arguments, chromium_path

PAYLOADS = Path(__file__).parent.parent / "payloads" / "markdown" / "scripts.txt"
KNOWN = {
    "E-7": Reference("/incidents/42/evidence/7/", "5xx share"),
    "INC-17": Reference("/incidents/17/", "Node lost"),
    "L-5": Reference("#L-5", 'Probes "wait"'),
}


def payloads() -> list[tuple[str, str]]:
    parts = re.split(r"^==== (.+)$", PAYLOADS.read_text(), flags=re.MULTILINE)[1:]
    return [(name, text.strip("\n")) for name, text in zip(parts[::2], parts[1::2], strict=True)]


def html(text: str, **options: Any) -> str:
    rendered = render(text, resolve=KNOWN.get, **options)
    assert rendered.refused == ""
    return rendered.html


def test_headings_stand_below_the_page_title_and_carry_prefixed_anchors() -> None:
    rendered = render("# Impact\n## Impact\n### What *went* well", id_prefix="pm-")
    assert [(one.level, one.title, one.id) for one in rendered.headings] == [
        (2, "Impact", "md-pm-impact"),
        (2, "Impact", "md-pm-impact-2"),
        (3, "What went well", "md-pm-what-went-well"),
    ]
    assert '<h2 id="md-pm-impact">Impact</h2>' in rendered.html


def test_links_within_the_text_follow_the_prefix_of_its_anchors() -> None:
    assert 'href="#md-pm-impact"' in html("[there](#impact)\n\n## Impact", id_prefix="pm-")


def test_a_citation_of_evidence_is_a_raised_chip() -> None:
    shown = html("It rose[[E-7]].")
    assert '<sup><a class="ev" href="/incidents/42/evidence/7/" title="5xx share"' in shown
    assert ">E-7</a></sup>." in shown


def test_a_citation_of_an_incident_stands_in_the_line() -> None:
    assert 'see <a class="ev" href="/incidents/17/"' in html("see [[INC-17]]")


def test_an_anchor_that_a_citation_leads_to_keeps_its_name() -> None:
    assert 'href="#L-5" title="Probes &quot;wait&quot;"' in html("[[L-5]]")


def test_a_citation_that_leads_nowhere_is_marked_and_stays() -> None:
    rendered = render("see [[E-404]]", resolve=KNOWN.get)
    assert 'class="ev is-unknown"' in rendered.html
    assert "E-404?" in rendered.html
    assert rendered.citations == ("E-404",)


def test_a_citation_in_code_is_code() -> None:
    rendered = render("`[[E-7]]`\n\n```\n[[INC-17]]\n```", resolve=KNOWN.get)
    assert rendered.citations == ()
    assert "<code>[[E-7]]</code>" in rendered.html


def test_citations_are_told_in_order_each_once() -> None:
    assert render("[[INC-17]] [[E-7]] [[INC-17]]", resolve=KNOWN.get).citations == ("INC-17", "E-7")


def test_the_reference_pattern_gives_kind_and_number() -> None:
    assert REFERENCE.findall('[[E-7]] ![[INC-42 caption="x"]] [[X-1]] [[F-0]]') == [("E", "7"), ("INC", "42")]


def test_an_embed_becomes_a_figure_with_the_trusted_inside_and_a_caption() -> None:
    seen = []

    def embed(ref: str, options: dict[str, str]) -> str:
        seen.append((ref, options))
        return '<svg class="viz"><title>chart</title></svg>'

    shown = html('Text\n\n![[E-7 caption="5xx \\"share\\" <now>" from=06:30 to=06:50]]\n\nMore', embed=embed)
    assert seen == [("E-7", {"caption": '5xx "share" <now>', "from": "06:30", "to": "06:50"})]
    assert '<figure class="fig">' in shown
    assert '<svg class="viz"><title>chart</title></svg>' in shown
    assert '<figcaption><span>5xx "share" &lt;now&gt;</span><span class="end"><a class="ev"' in shown


def test_an_embed_without_a_caption_takes_the_title_of_what_it_shows() -> None:
    assert "<figcaption><span>5xx share</span>" in html("![[E-7]]", embed=lambda *_: "x")


def test_an_embed_that_cannot_be_shown_says_so() -> None:
    assert "E-404 cannot be shown here." in html("![[E-404]]", embed=lambda *_: None)


def test_an_embed_inside_a_sentence_is_a_citation() -> None:
    rendered = render("see ![[E-7]] there", resolve=KNOWN.get, embed=lambda *_: "FIGURE")
    assert "FIGURE" not in rendered.html
    assert rendered.citations == ("E-7",)


def test_no_text_can_stand_in_for_a_figure() -> None:
    first = render("![[E-7]]", embed=lambda *_: "TRUSTED")
    stolen = re.findall(r"x[0-9a-f]{32}x\w*", first.html)
    assert stolen == []
    guessed = f"x{'0' * 32}xe0x\n\n<p>x{'0' * 32}xe0x</p>"
    assert "TRUSTED" not in render(guessed, embed=lambda *_: "TRUSTED").html


def test_code_fences_keep_their_text_and_language() -> None:
    assert '<code class="language-yaml">a: 1\n  b: &lt;x&gt;\n</code>' in html("```yaml\na: 1\n  b: <x>\n```")


def test_a_code_fence_in_a_list_belongs_to_its_item() -> None:
    shown = html("1. Do\n   ```sh\n   kubectl get pods\n   ```\n2. Next")
    assert shown.count("<ol>") == 1
    assert '<li>Do<pre><code class="language-sh">kubectl get pods\n</code></pre>' in shown


def test_a_code_fence_in_a_quote_ends_with_the_quote() -> None:
    shown = html("> ```\n> inside\n\noutside")
    assert "<blockquote>\n<pre><code>inside\n</code></pre>\n</blockquote>\n<p>outside</p>" in shown


def test_an_unclosed_code_fence_lasts_to_the_end() -> None:
    assert "<code>a\n# b\n</code>" in html("```\na\n# b")


@pytest.mark.parametrize("kind", ["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"])
def test_a_quote_with_a_kind_is_a_callout(kind: str) -> None:
    shown = html(f"> [!{kind}]\n> Mind *this*.")
    assert f'<div class="callout callout-{kind.lower()}">' in shown
    assert "<p>Mind <em>this</em>.</p>" in shown


def test_an_admonition_is_a_callout_with_its_title() -> None:
    shown = html('!!! danger "Not again"\n    Mind this.')
    assert '<div class="callout callout-caution">\n<p class="callout-title">Not again</p>' in shown


def test_tasks_are_read_only_boxes_that_say_their_state() -> None:
    shown = html("- [ ] open\n- [x] closed")
    assert '<ul class="task-list">' in shown
    assert re.search(r'<input [^>]*aria-label="to do"[^>]*> open', shown)
    assert re.search(r'<input (?=[^>]*checked)[^>]*aria-label="done"[^>]*> closed', shown)


def test_tables_are_aligned_without_styles() -> None:
    shown = html("| a | b |\n|:--|--:|\n| 1 | [[E-7]] |")
    assert '<td align="left">1</td>' in shown
    assert '<td align="right"><sup><a class="ev"' in shown
    assert "style" not in shown


def test_footnotes_lead_there_and_back_within_the_prefix() -> None:
    shown = html("Text[^1]\n\n[^1]: Note", id_prefix="a-")
    assert 'id="md-a-fnref:1"' in shown
    assert 'href="#md-a-fn:1"' in shown
    assert 'href="#md-a-fnref:1"' in shown


def test_addresses_become_links_without_the_full_stop_after_them() -> None:
    assert '<a href="https://a.example/b_c_d?x=(1)"' in html("See https://a.example/b_c_d?x=(1).")


def test_struck_out_words_and_keys_are_kept() -> None:
    assert html("~~gone~~ <kbd>Ctrl</kbd>") == "<p><del>gone</del> <kbd>Ctrl</kbd></p>"


def test_other_tags_are_shown_as_text() -> None:
    assert html("a <b>c</b>") == "<p>a &lt;b&gt;c&lt;/b&gt;</p>"


def test_hints_of_a_template_are_not_shown() -> None:
    assert html("<!-- say who\nsaw it -->\nText") == "<p>Text</p>"


def test_pictures_of_other_servers_are_links() -> None:
    shown = html("![shot](https://a.example/x.png) ![own](/media/x.png)")
    assert '<a href="https://a.example/x.png" rel="noopener noreferrer">shot</a>' in shown
    assert '<img alt="own" src="/media/x.png">' in shown


@pytest.mark.parametrize(("name", "text"), payloads())
def test_what_comes_out_holds_no_handler_no_style_and_no_foreign_scheme(name: str, text: str) -> None:
    rendered = render(text, resolve=KNOWN.get, embed=lambda *_: "<svg></svg>").html
    tags = re.findall(r"<[^>]*>", rendered)
    assert not [tag for tag in tags if re.match(r"<(?:script|style|iframe|form|math|object|embed|base|meta)", tag)]
    for tag in tags:
        assert re.sub(r'="[^"]*"', "", tag).lower().count(" on") == 0
        for address in re.findall(r'(?:href|src)="([^"]*)"', tag):
            bare = re.sub(r"[\x00-\x1f]", "", unescape(address)).strip().lower()
            scheme = re.match(r"[a-z][a-z0-9+.-]*:", bare)
            assert scheme is None or scheme[0] in {"http:", "https:", "mailto:"}


@pytest.mark.browser
@pytest.mark.real_server("chromium")
def test_no_payload_runs_in_a_browser() -> None:
    from playwright.sync_api import sync_playwright

    ran: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
        page = browser.new_page()
        page.route("**/*", lambda route: route.abort())
        page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
        page.set_content("<img src=x onerror=alert(1)>")
        page.wait_for_timeout(50)
        assert ran == ["1"], "the probe itself must notice a script that runs"
        ran.clear()
        for name, text in payloads():
            page.set_content(render(text, resolve=KNOWN.get, embed=lambda *_: "<svg></svg>").html)
            page.evaluate(
                """() => {
                document.addEventListener("click", (event) => {
                    if (event.target.closest("a")?.protocol !== "javascript:") event.preventDefault();
                });
                for (const element of document.body.querySelectorAll("*")) {
                    for (const kind of ["mouseover", "focus", "click"]) {
                        element.dispatchEvent(new MouseEvent(kind, {bubbles: true, cancelable: true}));
                    } } }"""
            )
            page.wait_for_timeout(5)
            assert ran == [], name
            assert page.evaluate("!document.forms.length && document.getElementById('location') === null"), name
        browser.close()


HOSTILE: dict[str, Callable[[], str]] = {
    "opened brackets": lambda: "[" * 30_000,
    "opened brackets in lines": lambda: "[[[[ a\n" * 4_000,
    "opened links": lambda: "[a](" * 900,
    "opened pictures": lambda: "![a](b " * 500,
    "nested tags": lambda: "<div>" * 50_000,
    "one long line": lambda: "word " * 200_000,
    "too much text": lambda: "word word word\n\n" * 20_000,
    "deep list": lambda: "\n".join(" " * 2 * depth + "- x" for depth in range(200)),
    "deep list on one line": lambda: "- " * 500 + "x",
    "deep quote": lambda: ">" * 1_000 + " x",
    "stars": lambda: "*" * 5_000,
    "underscores": lambda: "a _" + "_" * 3_000,
    "tildes": lambda: "~" * 2_000 + "a",
    "backticks": lambda: "x" + "`" * 3_000,
    "exclamation marks": lambda: "!" * 3_000,
    "less-than signs": lambda: "<" * 3_000,
    "backticks of all lengths": lambda: "\n".join("a " + "`" * (n % 100 + 1) for n in range(3_900)),
    "half-opened emphasis": lambda: "\n\n".join("*a **b _c " * 390 for _ in range(50)),
    "wide table": lambda: "|a" * 500 + "|\n" + "|-" * 500 + "|\n" + "|b|\n" * 100,
    "tall table": lambda: "|a" * 50 + "|\n" + "|-" * 50 + "|\n" + "|b|\n" * 2_000,
    "rules": lambda: "***\n" * 900,
    "rules in paragraphs": lambda: "- - -\n\n" * 900,
    "headings": lambda: "# a\n" * 2_000,
    "footnote marks": lambda: "[^1]" * 900 + "\n\n[^1]: x",
    "footnotes": lambda: "\n".join(f"[^{n}]: x" for n in range(2_000)),
    "link definitions": lambda: "\n".join(f"[{n}]: /x" for n in range(2_000)),
    "empty lists": lambda: "1. 1. 1. 1. 1. 1. 1. 1. 1. 1.\n" * 900,
    "paragraphs": lambda: "a\n\n" * 5_000,
    "embeds": lambda: "![[E-7]]\n\n" * 200,
    "long code line": lambda: "```\n" + "x" * 30_000 + "\n```",
    "colons": lambda: ":" * 4_000,
    "entities": lambda: "&amp;" * 900 + "\n\n" + "&" * 500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_hang_a_renderer_is_refused_with_its_reason_and_shown_as_typed(name: str) -> None:
    text = HOSTILE[name]()
    rendered = render(text)
    assert re.search(r"at most|more than|past the|too many|too deeply", rendered.refused)
    assert '<pre class="refused">' in rendered.html
    assert rendered.html.count("<") < 12


def test_a_refusal_names_the_limit_and_the_line() -> None:
    text = "fine\n\n" + "x" * 5_000
    assert render(text).refused.startswith("Line 3 has 5,000 characters; at most 4,000.")


def test_a_refused_text_is_escaped() -> None:
    assert "<script>" not in render("<script>alert(1)</script>" * 10_000).html


def test_a_render_after_a_refused_one_is_not_disturbed() -> None:
    before = html("*a* [[E-7]]")
    assert render("fine\n\n" + "a [b " * 500).refused
    assert html("*a* [[E-7]]") == before


def test_a_long_post_mortem_is_far_from_every_limit() -> None:
    section = (
        "## Section\n\nOn 21 November *release* **1.42.0** asked for `900Gi` of memory [[E-7]], see [[INC-17]].\n\n"
        "| Time | What |\n|---|---|\n" + "| 06:37:20 | `checkout` rolled out [[E-7]] |\n" * 20 + "\n"
        "- one\n    - two\n\n```\nERROR dial tcp: i/o timeout\n```\n\n> [!NOTE]\n> A note.\n\n"
    )
    text = section * 60
    assert len(text) > 60_000
    assert render(text, resolve=KNOWN.get).refused == ""


FRAGMENTS = st.sampled_from(json.loads((PAYLOADS.parent / "fragments.json").read_text()))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FRAGMENTS, max_size=300).map("".join))
def test_any_mixture_is_rendered_or_refused_and_stays_well_formed(text: str) -> None:
    shown = render(text, resolve=KNOWN.get, embed=lambda *_: "").html
    assert not re.search(r'<[^>]*\s(?:on\w+|style)=|<script|(?:href|src)="\s*(?:javascript|data)', shown)
    for tag in ("p", "pre", "a", "ul", "blockquote", "div"):
        assert len(re.findall(rf"<{tag}[ >]", shown)) == shown.count(f"</{tag}>")


@settings(max_examples=60, deadline=None)
@given(FRAGMENTS, st.integers(1, 3_000), FRAGMENTS)
def test_any_repetition_is_bounded(one: str, count: int, other: str) -> None:
    text = (one + other) * count
    rendered = render(text)
    assert rendered.refused or len(rendered.html) < 60 * len(text) + 1_000


def test_the_bounds_hold_for_the_largest_text_that_they_pass() -> None:
    line = "word `code` *emphasis* [[E-7]] and a longer sentence of plain words around it.\n"
    text = (line * 5 + "\n") * (bounds.SIZE // (5 * len(line) + 1) - 1)
    assert len(text) < bounds.SIZE
    assert render(text, resolve=KNOWN.get).refused == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Summary\n\nRelease *1.42.0* failed [[E-7]].", "Release 1.42.0 failed."),
        ("<!-- hint -->\n\n- first `x`\n- [x] second", "first x second"),
        ("See [the run](https://a.example) in [[INC-17]].", "See the run in INC-17."),
        ("```\ncode\n```\nafter snake_case", "after snake_case"),
        ("", ""),
    ],
)
def test_an_excerpt_is_plain_words(text: str, expected: str) -> None:
    assert excerpt(text) == expected


def test_an_excerpt_ends_at_a_word() -> None:
    assert excerpt("one two three four", 12) == "one two…"
    assert len(excerpt("word " * 100_000, 80)) <= 80
