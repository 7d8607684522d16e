"""A document as plain HTML with its pictures inside: what pandoc makes DOCX of, and what a page as one file shows. Plain Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

from knowledge.exports.document import (
    Block,
    Box,
    Chapter,
    Code,
    Document,
    Fact,
    Figure,
    Heading,
    Items,
    Paragraph,
    Span,
    Table,
)
from knowledge.exports.printed import breakable, natural_widths
from knowledge.exports.slide_html import drawing_html, spans_html

Draw = Callable[[Figure], str]


def body_html(document: Document, *, draw: Draw, contents: bool = True) -> str:
    """Without the title: facts, contents, chapters, the appendix."""
    parts = [_quiet(document.subtitle), facts_html(document.facts)]
    if document.restricted:
        parts.append("<p><strong>Restricted: for those who take part, and for admins.</strong></p>")
    parts.append(f"<p><em>{escape(document.left_out_note)}</em></p>" if document.left_out else "")
    parts.append("".join(block_html(block, draw) for block in document.introduction))
    if contents and len(document.chapters) > 1:
        lines = "".join(
            f'<li><a href="#chapter-{place}">{escape(chapter.head)}</a></li>'
            for place, chapter in enumerate(document.chapters, start=1)
        )
        parts.append(f'<nav aria-label="Contents"><ol>{lines}</ol></nav>')
    parts += [_chapter(chapter, place, draw) for place, chapter in enumerate(document.chapters, start=1)]
    parts.append(_appendix(document))
    return "\n".join(part for part in parts if part)


def page_drawing(figure: Figure) -> str:
    return drawing_html(figure)


def _quiet(text: str) -> str:
    return f'<p class="mut">{escape(text)}</p>' if text else ""


def facts_html(facts: Sequence[Fact]) -> str:
    rows = "".join(
        f"<tr><td>{escape(f'{fact.full} ({fact.name})' if fact.full else fact.name)}</td><td>{escape(fact.value)}</td></tr>"
        for fact in facts
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>' if rows else ""


def _chapter(chapter: Chapter, place: int, draw: Draw) -> str:
    parts = [f'<h1 id="chapter-{place}" dir="auto">{escape(breakable(chapter.head))}</h1>']
    severity = (Fact("Severity", chapter.severity),) if chapter.severity else ()
    parts.append(facts_html((*severity, *chapter.facts)))
    if chapter.notes:
        lines = "<br>".join(escape(breakable(line)) for line in chapter.notes.split("\n"))
        parts.append(f"<blockquote><p><strong>Notes for the speaker</strong></p><p>{lines}</p></blockquote>")
    for section in chapter.sections:
        if section.title:
            parts.append(f'<h2 dir="auto">{escape(breakable(section.title))}</h2>')
        parts += [block_html(block, draw) for block in section.blocks]
    if chapter.promises:
        parts.append(_promises(chapter))
    if chapter.questions:
        lines = "".join(f"<li>{escape(breakable(one))}</li>" for one in chapter.questions)
        parts.append(f"<h2>Questions</h2><ul>{lines}</ul>")
    return f"<section>{''.join(parts)}</section>"


def _promises(chapter: Chapter) -> str:
    rows = "".join(
        f'<tr><td><a href="{escape(one.href)}">{escape(one.key)}</a></td><td>{escape(breakable(one.title))}</td>'
        f"<td>{escape(one.owner)}</td><td>{escape(one.due)}</td><td>{escape(one.state)}</td></tr>"
        for one in chapter.promises
    )
    head = "".join(f"<th>{name}</th>" for name in ("Key", "Follow-up", "Who", "Due", "State"))
    return (
        "<h2>Follow-ups as they stand now</h2>"
        f'<table class="tbl"><colgroup><col style="width:9%"><col style="width:41%"><col style="width:18%"><col style="width:18%"><col style="width:14%"></colgroup>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _appendix(document: Document) -> str:
    rows = "".join(
        f'<tr><td><a href="{escape(one.href)}">{escape(one.key)}</a></td><td>{escape(breakable(one.title))}<br>'
        f"{escape(one.kind)}, {escape(one.source)}<br><code>{escape(breakable(one.sha256))}</code></td><td>{escape(one.times)}</td></tr>"
        for one in document.cited()
    )
    if not rows:
        return ""
    return (
        "<section><h1>Evidence cited</h1><p>Each item as it was frozen, with the SHA-256 of what was kept.</p>"
        '<table class="tbl"><colgroup><col style="width:14%"><col style="width:62%"><col style="width:24%"></colgroup>'
        f"<thead><tr><th>Item</th><th>What, and from where</th><th>When</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )


def block_html(block: Block, draw: Draw) -> str:
    if isinstance(block, Paragraph):
        kind = ' class="mut sm"' if block.quiet else ""
        return f'<p{kind} dir="auto">{_line(block.spans)}</p>'
    if isinstance(block, Heading):
        level = max(3, min(block.level, 6))
        return f'<h{level} dir="auto">{_line(block.spans)}</h{level}>'
    if isinstance(block, Items):
        return _items(block, draw)
    if isinstance(block, Code):
        return f"<pre><code>{escape(breakable(block.text))}</code></pre>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Box):
        title = f"<p><strong>{escape(block.title)}</strong></p>" if block.title else ""
        inside = "".join(block_html(one, draw) for one in block.blocks)
        return f'<blockquote class="callout callout-{escape(block.kind)}">{title}{inside}</blockquote>'
    return _figure(block, draw) if isinstance(block, Figure) else "<hr>"


def _line(spans: Sequence[Span]) -> str:
    return spans_html(tuple(replace(span, text=breakable(span.text)) for span in spans))


def _items(block: Items, draw: Draw) -> str:
    rows = []
    for row in block.rows:
        box = "" if row.ticked is None else "☑ " if row.ticked else "☐ "
        first = row.blocks[0] if row.blocks else None
        if isinstance(first, Paragraph):
            inside = f"{box}{_line(first.spans)}" + "".join(block_html(one, draw) for one in row.blocks[1:])
        else:
            inside = box + "".join(block_html(one, draw) for one in row.blocks)
        rows.append(f'<li dir="auto">{inside}</li>')
    tag = f'ol start="{block.start}"' if block.ordered else "ul"
    return f"<{tag}>{''.join(rows)}</{tag[:2]}>"


def _table(table: Table) -> str:
    if not table.columns:
        return ""
    aligns = [one if one in ("right", "center") else "left" for one in (*table.aligns, *([""] * table.columns))]

    def row(cells: Sequence[Sequence[Span]], tag: str) -> str:
        padded = [*cells, *([()] * (table.columns - len(cells)))]
        return "".join(
            f'<{tag} align="{aligns[at]}" dir="auto">{_line(cell)}</{tag}>' for at, cell in enumerate(padded)
        )

    head = f"<thead><tr>{row(table.head, 'th')}</tr></thead>" if table.head else ""
    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in table.rows)
    whole = sum(widths := natural_widths(table)) or 1
    columns = "".join(f'<col style="width:{round(100 * one / whole)}%">' for one in widths)
    return f'<table class="tbl"><colgroup>{columns}</colgroup>{head}<tbody>{body}</tbody></table>'


def _figure(figure: Figure, draw: Draw) -> str:
    label = f'<a href="{escape(figure.href)}">{escape(figure.label)}</a>' if figure.href else escape(figure.label)
    told = " ".join(part for part in (escape(breakable(figure.caption)), label) if part)
    source = f"<br>Source: {escape(breakable(figure.source))}" if figure.source else ""
    drawn = draw(figure) if figure.is_drawn else ""
    inside = "".join(block_html(one, draw) for one in figure.blocks)
    if drawn:
        return f"<figure>{drawn}<figcaption>{told}{source}</figcaption></figure>{inside}"
    return f"<p><strong>{told}</strong>{source}</p>{inside}"
