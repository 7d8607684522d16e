"""Mermaid: drawn offline, in bounds of time and size, with nothing in the drawing that runs, loads, links or styles."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest
import time_machine
from django.core.cache import cache

from incidents.diagram_svg import WrongDrawing, cleaned
from incidents.diagrams import LATE, UNTRIED, Drawing, drawings, html
from incidents.markdown import render
from incidents.rendering import draw_diagrams

SOURCES = {
    "flowchart": "flowchart TD\n A[Deploy 1.42] -->|wrong dsn| B{Pods ready?}\n B -->|no| C[(Database)]\n subgraph shop\n C --> D((503))\n end",
    "sequence": "sequenceDiagram\n participant A as web\n A->>B: POST /checkout\n Note over A,B: 5 s\n loop 3 times\n B--xA: timeout\n end",
    "gantt": "gantt\n title Night\n dateFormat HH:mm\n section Impact\n Errors :crit, a1, 06:37, 20m\n section Response\n Rollback :done, after a1, 5m",
    "state": "stateDiagram-v2\n [*] --> Open\n Open --> Mitigated : rolled back\n Mitigated --> [*]",
    "pie": 'pie title Errors\n "timeouts" : 60\n "refused" : 40',
    "timeline": "timeline\n title Night\n 06h37 : deploy : errors\n 06h41 : page",
}
PAYLOADS = Path(__file__).parent.parent / "payloads" / "markdown" / "scripts.txt"


def drawn(source: str) -> Drawing:
    return drawings([source])[0]


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_is_drawn_with_its_words(kind: str) -> None:
    drawing = drawn(SOURCES[kind])
    assert drawing.problem == ""
    words = " ".join(re.findall(r">([^<>]+)<", drawing.svg))
    for word in {"flowchart": "wrong dsn", "sequence": "POST /checkout", "gantt": "Rollback", "state": "Mitigated"}.get(
        kind, "timeouts" if kind == "pie" else "deploy"
    ).split():
        assert word in words
    assert re.search(r'role="img" aria-label="Diagram: [^"]+"><title>Diagram: ', drawing.svg)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_drawing_holds_shapes_and_words_alone(kind: str) -> None:
    svg = drawn(SOURCES[kind]).svg
    tags = set(re.findall(r"<(\w+)", svg))
    allowed = "svg title g path rect circle ellipse line polyline polygon text tspan defs marker"
    assert tags <= set(allowed.split())
    assert not re.search(r'\s(?:style|href|xlink:href|on\w+|fill|stroke|font-family)="', svg)


HOSTILE = [
    'flowchart TD\n A["<img src=x onerror=alert(1)>"] --> B["<script>alert(1)</script>"]',
    'flowchart TD\n A --> B\n click A href "javascript:alert(1)"\n click B call alert(1)',
    "flowchart TD\n A --> B\n style A fill:url(https://evil.example/x),stroke:red;background:url(//evil.example)",
    "%%{init: {'themeCSS': '* { background: url(https://evil.example) }'}}%%\nflowchart TD\n A --> B",
    "%%{init: {'securityLevel': 'loose', 'htmlLabels': true}}%%\nflowchart TD\n A[\"<b onclick=alert(1)>x</b>\"] --> B",
    'sequenceDiagram\n participant A as "><script>alert(1)</script>\n A->>A: &lt;img src=x onerror=alert(1)&gt;',
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_source_draws_words_or_is_refused(source: str) -> None:
    shown = html(drawn(source), source, place=0)
    assert not re.search(
        r"<(?!/?(?:svg|title|g|path|rect|circle|ellipse|line|polyline|polygon|text|tspan|defs|marker|div|p|pre|code)\b)",
        shown,
    )
    for tag in re.findall(r"<[^>]*>", shown):
        assert not re.search(r"\s(?:style|href|xlink:href|on\w+|src)=", re.sub(r'"[^"]*"', '""', tag))
        assert "evil.example" not in re.sub(r'aria-label="[^"]*"', "", tag)


def test_the_corpus_as_labels_and_as_whole_sources_stays_words() -> None:
    parts = re.split(r"^==== .+$", PAYLOADS.read_text(), flags=re.MULTILINE)[1:]
    texts = [part.strip("\n")[:2_000] for part in parts]
    labelled = ['flowchart TD\n A["' + " ".join(text.split()).replace('"', "'") + '"] --> B' for text in texts]
    for source in [*labelled[:25], *texts[:25]]:
        shown = html(drawn(source), source, place=0)
        for tag in re.findall(r"<[^>]*>", shown):
            assert re.match(
                r"</?(?:svg|title|g|path|rect|circle|ellipse|line|polyline|polygon|text|tspan|defs|marker|div|p|pre|code)\b",
                tag,
            )
            assert not re.search(r"\s(?:style|href|on\w+|src)=", re.sub(r'"[^"]*"', '""', tag))


@pytest.mark.parametrize(
    "svg",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg viewBox="0 0 9 9">&a;</svg>',
        "<svg viewBox='0 0 9 9'><![CDATA[x]]></svg>",
        "<svg",
        "<html></html>",
        '<svg viewBox="0 0 0 0"/>',
        '<svg viewBox="0 0 9 9">' + "<g/>" * 7_000 + "</svg>",
    ],
)
def test_what_is_no_plain_drawing_is_refused(svg: str) -> None:
    with pytest.raises(WrongDrawing):
        cleaned(svg)


def test_foreign_parts_of_a_drawing_are_left_out() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="a()"><style>*{}</style><script>a()</script>'
        '<foreignObject><b>html</b></foreignObject><image href="//e.example/x"/><use href="#x"/><a href="//e.example">'
        '<text x="1" fill="#0F172A" style="fill:red" onclick="a()">kept</text></a><rect x="javascript:1" width="4"/>'
        '<path d="M0 0url(x)" marker-end="url(//e.example)"/><animate attributeName="x"/></svg>'
    )
    inside = cleaned(svg).partition("</title>")[2]
    assert inside == '<text x="1" class="dg-ink">kept</text><rect width="4"></rect><path></path></svg>'


def test_two_diagrams_share_no_id() -> None:
    one, other = (html(drawn(SOURCES["flowchart"]), "", place=place, prefix="d-") for place in range(2))
    ids = [set(re.findall(r'id="([^"]+)"', shown)) for shown in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r"url\(#([^)]+)\)", one)) <= ids[0]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nonsense", "unknown or missing Mermaid diagram header"),
        ("flowchart TD\n A[", "Unterminated node label"),
        ("x" * 10_001, "at most 10,000 are drawn"),
    ],
)
def test_a_wrong_source_is_shown_as_code_with_its_reason(source: str, reason: str) -> None:
    shown = html(drawn(source), source, place=0)
    assert shown.startswith('<p class="sm warn">This diagram could not be drawn. ')
    assert reason in shown
    assert '<pre><code class="language-mermaid">' in shown


def endless() -> str:
    dice = random.Random(1)
    return "classDiagram\n" + "\n".join(f"n{dice.randrange(60)} --> n{dice.randrange(60)}" for _ in range(500))


def test_those_beside_a_source_that_takes_the_program_down_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.diagrams.DEADLINE", 30)
    first, second, third = drawings([SOURCES["pie"], endless(), SOURCES["state"]])
    assert first.svg
    assert second.problem == "It could not be drawn in time; use fewer boxes and arrows."
    assert third.svg


def test_no_page_waits_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.diagrams.DEADLINE", 1)
    start = time.perf_counter()
    found = drawings([endless()] * 3)
    assert time.perf_counter() - start < 3
    assert found[0].problem == "It could not be drawn in time; use fewer boxes and arrows."
    assert not any(one.svg for one in found)


def test_a_drawing_with_far_too_many_arrows_is_refused_before_it_is_tried() -> None:
    many = (
        "flowchart TD\n" + " & ".join(f"a{n}" for n in range(150)) + " --> " + " & ".join(f"b{n}" for n in range(150))
    )
    assert drawn(many).problem == "It is too large; use fewer boxes and arrows."


def test_a_drawing_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    first = draw_diagrams([SOURCES["pie"], "nonsense"])
    monkeypatch.setattr("incidents.diagrams.sys.executable", "/nowhere")
    assert draw_diagrams(["nonsense", SOURCES["pie"]]) == first[::-1]


def test_what_was_never_tried_is_tried_with_the_next_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr("incidents.diagrams.DEADLINE", 0)
    assert draw_diagrams([SOURCES["pie"]]) == [UNTRIED]
    monkeypatch.undo()
    assert draw_diagrams([SOURCES["pie"]])[0].svg


def test_what_was_late_is_tried_again_after_a_minute() -> None:
    answers = iter([[LATE, Drawing(problem="Wrong.")], [Drawing(svg="<svg></svg>")]])
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(0, tick=False) as clock:
        cache.clear()
        patch.setattr("incidents.diagrams.drawings", lambda sources: next(answers))
        assert draw_diagrams(["slow", "wrong"]) == draw_diagrams(["slow", "wrong"])
        clock.shift(61)
        assert [bool(one.svg) for one in draw_diagrams(["slow", "wrong"])] == [True, False]


def test_a_fence_becomes_a_figure_and_other_code_stays_code() -> None:
    text = "```mermaid\npie\n```\n\n```yaml\na: 1\n```"
    shown = render(text, draw=lambda sources: [f"<svg>{source}</svg>" for source in sources]).html
    assert re.search(r'<figure class="fig fig-diagram">\s*<svg>pie\s*</svg>\s*</figure>', shown)
    assert 'class="language-yaml"' in shown
    assert 'class="language-mermaid"' in render(text).html


def test_a_sequence_has_its_frames_people_and_arrows() -> None:
    svg = drawn("sequenceDiagram\n participant A\n actor B\n loop twice\n A->>B: hi\n end").svg
    assert "[twice]" in svg
    assert svg.count('class="dg-none dg-edge"') == 4
    assert 'marker-end="url(#dg-ID-' in svg
    assert len(re.findall(r"<circle[^>]* cx=", svg)) >= 2


def test_a_plan_has_an_axis_of_time_and_its_bars_say_their_state() -> None:
    svg = drawn(SOURCES["gantt"]).svg
    assert re.search(r">06:4\d<", svg)
    assert "dg-fill-3" in svg
    assert "dg-fill-6" in svg


def test_the_slices_of_a_pie_differ_and_its_legend_agrees() -> None:
    svg = drawn(SOURCES["pie"]).svg
    slices = re.findall(r'<path[^>]* class="(dg-fill-\d)', svg)
    assert len(set(slices)) == 2
    assert set(slices) <= set(re.findall(r'<rect[^>]* class="[^"]*(dg-fill-\d)', svg))
