"""Blocks of a document from what the one renderer gave: sanitised HTML with trusted drawings in it. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from lxml import html as lxml_html

from knowledge.exports.document import (
    Block,
    Box,
    Figure,
    Heading,
    Item,
    Items,
    Paragraph,
    Rule,
    Section,
    Span,
    Spans,
    Table,
    clean,
    plain,
)
from knowledge.exports.drawings import attributes, chart_of, standalone
from knowledge.exports.fragment_parts import (
    code_of,
    is_change,
    is_inline,
    manner_of,
    picture_of,
    said_of,
    text_of,
    tidy,
    words_of,
)

_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ICONS = {"legend"}
DEPTH = 40
Baseline = Callable[[str], float | None]
Source = Callable[[str], str]


class Reader:
    """`address` is put before references to this server; `baseline` and `source` know an item of evidence by E-n."""

    def __init__(self, address: str, baseline: Baseline | None = None, source: Source | None = None) -> None:
        self.address = address
        self.baseline = baseline or (lambda _label: None)
        self.source = source or (lambda _label: "")
        self.drawings: list[str] = []

    def blocks(self, html: str) -> tuple[Block, ...]:
        def kept(found: re.Match[str]) -> str:
            self.drawings.append(found[0])
            return f'<img data-drawing="{len(self.drawings) - 1}">'

        prepared = _SVG.sub(kept, clean(html))
        if not prepared.strip():
            return ()
        root = lxml_html.fragment_fromstring(prepared, create_parent="div")
        return tuple(self._inside(root, 0))

    def _inside(self, parent: Any, depth: int) -> Iterator[Block]:
        """Blocks of an element; inline parts between them become paragraphs."""
        loose: list[Span] = text_of(parent.text)
        for child in parent:
            if is_inline(child):
                loose += self._spans(child, Span(""), depth)
            elif depth < DEPTH:
                if any(span.text.strip() for span in loose):
                    yield Paragraph(tidy(loose))
                loose = []
                yield from self._block(child, depth + 1)
            loose += text_of(child.tail)
        if any(span.text.strip() for span in loose):
            yield Paragraph(tidy(loose))

    def _block(self, element: Any, depth: int) -> Iterator[Block]:
        tag, words = str(element.tag).lower(), words_of(element)
        if tag in _HEADINGS:
            yield Heading(_HEADINGS[tag], self._line(element, depth))
        elif tag == "p":
            yield from self._paragraph(element, words, depth)
        elif tag in ("ul", "ol"):
            if not words & _ICONS:
                yield self._list(element, tag == "ol", depth)
        elif tag == "pre":
            yield code_of(element)
        elif tag == "table":
            yield self._table(element, depth)
        elif tag == "figure":
            yield self._figure(element, depth)
        elif tag == "dl":
            yield self._pairs(element, depth)
        elif tag == "hr":
            yield Rule()
        elif tag == "blockquote":
            yield Box("quote", "", tuple(self._inside(element, depth)))
        elif "callout" in words:
            yield self._callout(element, words, depth)
        elif "evd-f" in words:
            told = ", ".join(text for child in element if (text := " ".join(child.text_content().split())))
            yield Paragraph((Span(told),), quiet=True)
        elif (drawing := element.get("data-drawing")) is not None:
            yield self._drawing(int(drawing), "", "", ())
        elif tag not in ("script", "style"):
            yield from self._inside(element, depth)

    def _paragraph(self, element: Any, words: set[str], depth: int) -> Iterator[Block]:
        pictures = [one for one in element.iter("img") if one.get("data-drawing") is None]
        spans = self._line(element, depth)
        if plain(spans):
            yield Paragraph(spans, quiet=bool(words & {"mut", "xs"}))
        for picture in pictures:
            if figure := picture_of(picture):
                yield figure

    def _list(self, element: Any, ordered: bool, depth: int) -> Items:
        rows = []
        for child in element:
            if child.tag != "li":
                continue
            box = next((one for one in child.iter("input")), None)
            ticked = None if box is None else box.get("checked") is not None
            rows.append(Item(tuple(self._inside(child, depth + 1)), ticked))
        start = element.get("start", "1")
        return Items(tuple(rows), ordered, int(start) if start.isdecimal() and len(start) < 10 else 1)

    def _table(self, element: Any, depth: int) -> Table:
        head: tuple[Spans, ...] = ()
        rows: list[tuple[Spans, ...]] = []
        aligns: list[str] = []
        for row in element.iter("tr"):
            cells = [cell for cell in row if cell.tag in ("td", "th")]
            spans = tuple(self._line(cell, depth) for cell in cells)
            aligns = aligns or [cell.get("align", "") for cell in cells]
            if not head and not rows and cells and all(cell.tag == "th" for cell in cells):
                head = spans
            else:
                rows.append(spans)
        return Table(head, tuple(rows), tuple(aligns))

    def _pairs(self, element: Any, depth: int) -> Table:
        rows: list[list[Spans]] = []
        for child in element:
            if child.tag == "dt":
                rows.append([self._line(child, depth), ()])
            elif child.tag == "dd" and rows:
                parts = [self._line(one, depth) for one in child] if is_change(child) else []
                joined = (*parts[0], Span(" → "), *parts[1]) if len(parts) == 2 else self._line(child, depth)
                rows[-1][1] = (*rows[-1][1], *joined)
        return Table((), tuple(tuple(row) for row in rows))

    def _callout(self, element: Any, words: set[str], depth: int) -> Box:
        kind = next((word.removeprefix("callout-") for word in words if word.startswith("callout-")), "note")
        title = next((one for one in element if "callout-title" in words_of(one)), None)
        told = " ".join(title.text_content().split()) if title is not None else kind.capitalize()
        if title is not None:
            element.remove(title)
        return Box(kind, told, tuple(self._inside(element, depth)))

    def _figure(self, element: Any, depth: int) -> Figure:
        caption, label, href = "", "", ""
        for part in element.findall("figcaption"):
            end = next((one for one in part if "end" in words_of(one)), None)
            if end is not None:
                label = " ".join(end.text_content().split()).rstrip("?")
                link = next(iter(end.iter("a")), None)
                href = urljoin(self.address, link.get("href", "")) if link is not None else ""
                part.remove(end)
            caption = " ".join(part.text_content().split())
            element.remove(part)
        drawings = [one for one in element.iter("img") if one.get("data-drawing") is not None]
        place = int(drawings[0].get("data-drawing")) if drawings else None
        for one in drawings:
            one.drop_tree()
        blocks = tuple(self._inside(element, depth))
        if place is not None:
            return self._drawing(place, caption, label, blocks, href)
        alt = f"{caption or label}. {' '.join(text for one in blocks if (text := said_of(one)))}"[:500]
        return Figure(caption, label, alt.strip(), self.source(label), href, blocks=blocks)

    def _drawing(self, place: int, caption: str, label: str, blocks: Sequence[Block], href: str = "") -> Figure:
        svg = self.drawings[place]
        whole, width, height = standalone(svg)
        told = attributes(svg[: svg.index(">")]).get("aria-label", "")
        alt = f"{caption}: {told}" if caption and told else told or caption or "A drawing without words"
        chart = chart_of(svg, self.baseline(label))
        source = self.source(label)
        return Figure(caption, label, alt, source, href, whole, width, height, chart=chart, blocks=tuple(blocks))

    def _line(self, element: Any, depth: int) -> Spans:
        found = text_of(element.text)
        for child in element:
            found += self._spans(child, Span(""), depth) + text_of(child.tail)
        return tidy(found)

    def _spans(self, element: Any, manner: Span, depth: int) -> list[Span]:
        tag = str(element.tag).lower()
        if tag == "br":
            return [replace(manner, text="\n")]
        if tag in ("img", "input", "script", "style") or depth > DEPTH:
            return []
        manner = manner_of(tag, manner)
        if tag == "a":
            manner = replace(manner, href=self._target(element.get("href", "")))
        found = [replace(manner, text=one.text) for one in text_of(element.text)]
        for child in element:
            found += self._spans(child, manner, depth + 1)
            found += [replace(manner, text=one.text) for one in text_of(child.tail)]
        return found

    def _target(self, href: str) -> str:
        if href.startswith("#"):
            return ""
        whole = urljoin(self.address, href)
        return whole if whole.startswith(("http://", "https://", "mailto:")) else ""


def sections(blocks: Sequence[Block]) -> tuple[Section, ...]:
    """Divided at headings of the second level; what stands before the first has no title. Empty ones are left out."""
    found: list[tuple[str, list[Block]]] = [("", [])]
    for block in blocks:
        if isinstance(block, Heading) and block.level <= 2:
            found.append((plain(block.spans), []))
        else:
            found[-1][1].append(block)
    return tuple(Section(title, tuple(inside)) for title, inside in found if inside)
