"""A document as the data of the printed template, and the files of its drawings. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from knowledge.exports import pictures
from knowledge.exports.document import (
    Block,
    Box,
    Chapter,
    Code,
    Document,
    Figure,
    Heading,
    Items,
    Paragraph,
    Section,
    Span,
    Spans,
    Table,
    plain,
)
from knowledge.exports.measuring import width

PAGE = 470.0
BREAK = "\u200b"
_LONG = re.compile(r"\S{32,}")
_SIGN = re.compile(r"[/.,=?&)}:;|_-](?=\w)")
_RUN = re.compile(r"[^\u200b]{40,}")


class Printing:
    """Nodes for the template; `files` are drawings by their names."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.level = 1

    def document(self, document: Document) -> dict[str, Any]:
        at = document.at.astimezone(UTC)
        cited = [
            {
                "key": one.key,
                "title": breakable(one.title),
                "from": f"{one.kind}, {one.source}",
                "at": one.times,
                "sha": one.sha256,
                "href": one.href,
            }
            for one in document.cited()
        ]
        return {
            "kind": document.kind,
            "title": breakable(document.title),
            "head": _short(document.title),
            "at": [at.year, at.month, at.day, at.hour, at.minute, at.second],
            "subtitle": document.subtitle,
            "facts": [[fact.name, fact.value] for fact in document.facts],
            "note": document.left_out_note,
            "restricted": document.restricted,
            "introduction": self.blocks(document.introduction),
            "chapters": [self.chapter(chapter) for chapter in document.chapters],
            "cited": cited,
        }

    def chapter(self, chapter: Chapter) -> dict[str, Any]:
        facts = [["Severity", chapter.severity]] if chapter.severity else []
        facts += [[f"{fact.full} ({fact.name})" if fact.full else fact.name, fact.value] for fact in chapter.facts]
        self.level = 1
        return {
            "title": breakable(chapter.head),
            "short": _short(chapter.head),
            "href": chapter.href,
            "facts": facts,
            "notes": [breakable(part) for part in chapter.notes.split("\n") if part.strip()],
            "sections": [self.section(section) for section in chapter.sections],
            "promises": [
                [one.key, breakable(one.title), one.owner, one.due, one.state, one.href] for one in chapter.promises
            ],
            "questions": [breakable(one) for one in chapter.questions],
        }

    def section(self, section: Section) -> dict[str, Any]:
        self.level = 2 if section.title else 1
        return {"title": breakable(section.title), "blocks": self.blocks(section.blocks)}

    def blocks(self, blocks: Sequence[Block]) -> list[dict[str, Any]]:
        return [self.block(block) for block in blocks]

    def block(self, block: Block) -> dict[str, Any]:
        if isinstance(block, Paragraph):
            return {"k": "p", "s": _spans(block.spans), "quiet": block.quiet}
        if isinstance(block, Heading):
            # Levels rise one by one, as readers aloud expect.
            self.level = max(2, min(block.level, self.level + 1))
            return {"k": "h", "level": self.level, "s": _spans(block.spans)}
        if isinstance(block, Items):
            rows = [{"tick": row.ticked, "blocks": self.blocks(row.blocks)} for row in block.rows]
            return {"k": "items", "ordered": block.ordered, "start": block.start, "rows": rows}
        if isinstance(block, Code):
            return {"k": "code", "text": breakable(block.text)}
        if isinstance(block, Table):
            return _table(block)
        if isinstance(block, Box):
            return {"k": "box", "tone": block.kind, "title": block.title, "blocks": self.blocks(block.blocks)}
        return self.figure(block) if isinstance(block, Figure) else {"k": "rule"}

    def figure(self, figure: Figure) -> dict[str, Any]:
        name, wide, across = "", True, PAGE
        if figure.svg:
            name = f"drawing-{len(self.files)}.svg"
            self.files[name] = figure.svg.encode()
            high = figure.height / max(1.0, figure.width) * PAGE
            wide, across = high < 420, min(PAGE, 420 * figure.width / max(1.0, figure.height))
        elif (drawn := pictures.png_of(figure)) is not None:
            across, up = pictures.size_of(drawn)
            name = f"drawing-{len(self.files)}.{pictures.extension_of(drawn)}"
            self.files[name] = drawn
            share = min(1.0, PAGE / across, 560 / up)
            wide, across = False, across * share
        return {
            "k": "fig",
            "file": name,
            "wide": wide,
            "width": across,
            "alt": figure.alt,
            "caption": breakable(figure.caption),
            "label": figure.label,
            "href": figure.href,
            "source": breakable(figure.source),
            "blocks": self.blocks(figure.blocks),
        }


def _short(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:47]}…"


def breakable(text: str) -> str:
    """Words longer than a line may break, at their signs where they have some."""
    return _LONG.sub(lambda found: _RUN.sub(_broken, _SIGN.sub(rf"\g<0>{BREAK}", found[0])), text)


def _broken(found: re.Match[str]) -> str:
    return BREAK.join(found[0][at : at + 24] for at in range(0, len(found[0]), 24))


def _spans(spans: Spans) -> list[dict[str, Any]]:
    return [_span(span) for span in spans]


def _span(span: Span) -> dict[str, Any]:
    told: dict[str, Any] = {"t": breakable(span.text)}
    flags = {"b": span.bold, "i": span.italic, "c": span.code, "s": span.struck, "r": span.raised}
    told |= {name: True for name, on in flags.items() if on}
    return told | ({"h": span.href} if span.href else {})


def _table(table: Table) -> dict[str, Any]:
    rows = [[*row, *([()] * (table.columns - len(row)))] for row in table.rows]
    head = [*table.head, *([()] * (table.columns - len(table.head)))] if table.head else []
    return {
        "k": "table",
        "head": [_spans(cell) for cell in head],
        "rows": [[_spans(cell) for cell in row] for row in rows],
        "aligns": [table.aligns[at] if at < len(table.aligns) else "" for at in range(table.columns)],
        "widths": natural_widths(table),
    }


def natural_widths(table: Table) -> list[float]:
    """What each column would like, in points; only their proportions count."""
    found = []
    for at in range(table.columns):
        cells = [plain(row[at]) for row in (table.head, *table.rows) if at < len(row)]
        found.append(min(260.0, max([width(cell, 8.5) for cell in cells], default=0) + 14))
    return found
