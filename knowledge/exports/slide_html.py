"""A slide as HTML, the same for the page, the presenter and the file of slides. No style attribute: classes alone.

Text is escaped here; drawings are the trusted ones of the renderer, without the colours that files bring along.
"""

from __future__ import annotations

import base64
import re
from html import escape

from knowledge.exports.document import Chapter, Document, Figure, Span, Spans
from knowledge.exports.pieces import LARGE_CELL, Grid, Listing, Piece, Words
from knowledge.exports.slides import Slide

_STYLE = re.compile(r"<style>.*?</style>")
_SIZES = ((28, "xl"), (24, "l"), (20, "m"), (17, "s"), (0, "xs"))


def slide_html(slide: Slide, document: Document, number: int, count: int) -> str:
    """The inside of an element with the class `deck-slide`."""
    over = f'<p class="dk-over">{escape(slide.over)}</p>' if slide.over else ""
    length = " is-long" if len(slide.title) > 70 else ""
    head = f'{over}<h2 class="dk-title{length}" dir="auto">{escape(slide.title)}</h2>'
    figure = figure_html(slide.figure) if slide.figure is not None else ""
    numbers = _numbers(slide.source) if slide.source is not None and slide.kind == "chapter" else ""
    inside = "".join(_piece(piece) for piece in slide.pieces)
    named = "" if slide.kind == "cover" else escape(document.title)
    foot = f'<footer class="dk-foot"><span>{named}</span><span>{number} / {count}</span></footer>'
    return f'<div class="dk dk-{slide.kind}">{head}{numbers}<div class="dk-body">{figure}{inside}</div>{foot}</div>'


def figure_html(figure: Figure) -> str:
    told = " · ".join(part for part in (figure.label, figure.source) if part)
    caption = f"<figcaption>{escape(told)}</figcaption>" if told else ""
    return f'<figure class="dk-fig">{drawing_html(figure)}{caption}</figure>'


def drawing_html(figure: Figure) -> str:
    alt = escape(figure.alt)
    if figure.svg:
        kind = "diagram" if "dg-" in figure.svg else "viz"
        bare = _STYLE.sub("", figure.svg, count=1)
        return bare.replace("<svg ", f'<svg class="{kind}" role="img" aria-label="{alt}" ', 1)
    if figure.picture:
        data = base64.b64encode(figure.picture).decode()
        return f'<img src="data:{escape(figure.mime)};base64,{data}" alt="{alt}">'
    return ""


def _numbers(chapter: Chapter) -> str:
    tiles = [f'<div class="dk-sev{chapter.rank}"><dt>Severity</dt><dd>{escape(chapter.severity)}</dd></div>']
    tiles += [
        f"<div><dt>{escape(fact.full)} ({escape(fact.name)})</dt><dd>{escape(fact.value)}</dd></div>"
        for fact in chapter.facts
    ]
    draft = '<p class="dk-draft">This is a draft, nothing published yet.</p>' if chapter.state else ""
    return f'<dl class="dk-nums">{"".join(tiles)}</dl>{draft}'


def _piece(piece: Piece) -> str:
    if isinstance(piece, Words):
        return _words(piece)
    if isinstance(piece, Listing):
        return f'<pre class="dk-code" tabindex="0">{escape(chr(10).join(piece.lines))}</pre>'
    return _grid(piece)


def _words(piece: Words) -> str:
    size = next(name for least, name in _SIZES if piece.size >= least)
    tone = f" dk-{piece.tone}" if piece.tone else ""
    deep = f" dk-in{min(4, round(piece.indent / 30))}" if piece.indent else ""
    marker = f'<span class="dk-mark">{escape(piece.marker)}</span>' if piece.marker.strip() else ""
    return f'<p class="dk-p dk-{size}{tone}{deep}" dir="auto">{marker}{spans_html(piece.spans)}</p>'


def _grid(piece: Grid) -> str:
    head = "".join(f'<th scope="col">{spans_html(cell)}</th>' for cell in piece.head)
    rows = "".join(
        "<tr>" + "".join(f'<td dir="auto">{spans_html(cell, level=True)}</td>' for cell in row) + "</tr>"
        for row in piece.rows
    )
    large = " dk-large" if piece.size >= LARGE_CELL else ""
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<table class="dk-table{large}">{top}<tbody>{rows}</tbody></table>'


def spans_html(spans: Spans, *, level: bool = False) -> str:
    return "".join(_span(span, level) for span in spans)


def _span(span: Span, level: bool) -> str:
    html = escape(span.text).replace("\n", "<br>")
    for wanted, tag in ((span.code, "code"), (span.bold, "strong"), (span.italic, "em"), (span.struck, "del")):
        if wanted:
            html = f"<{tag}>{html}</{tag}>"
    if span.href:
        html = f'<a href="{escape(span.href)}" rel="noopener noreferrer">{html}</a>'
    return f"<sup>{html}</sup>" if span.raised and not level else html
