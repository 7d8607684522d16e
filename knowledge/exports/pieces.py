"""What stands on a slide: pieces with measured heights, and how blocks become them. Plain Python.

Lengths are in pixels of a slide of 1280 × 720. A piece that is higher than the room left is divided, never cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.exports import measuring
from knowledge.exports.document import (
    Block,
    Box,
    Code,
    Figure,
    Heading,
    Items,
    Paragraph,
    Rule,
    Span,
    Spans,
    Table,
    plain,
)

WIDE = 1152
TEXT, SMALL, CODE, CELL = 22.0, 16.0, 14.0, 15.0
INDENT = 30
GAP = 12
PADDING = 7
CODE_ROOM = 28
LARGE_CELL, LARGE_ROOM = 20.0, 400.0


@dataclass(frozen=True, slots=True)
class Words:
    """One paragraph or list item. `tone` is "", head, quiet, or the kind of the box that it stands in."""

    spans: Spans
    size: float = TEXT
    indent: float = 0
    marker: str = ""
    tone: str = ""

    @property
    def height(self) -> float:
        return len(_lines(self)) * self.size * measuring.LEADING

    def divided(self, room: float) -> tuple[Words, Words] | None:
        """What fits into `room` and the rest; None where not two lines fit."""
        found, fit = _lines(self), int(room / (self.size * measuring.LEADING))
        if fit < 2 or fit >= len(found):
            return None
        at, whole = 0, "".join(span.text for span in self.spans)
        for one in found[:fit]:
            at = whole.index(one, at) + len(one)
        first, rest = _split(self.spans, at)
        return replace(self, spans=first), replace(self, spans=rest, marker=" " if self.marker else "")


@dataclass(frozen=True, slots=True)
class Listing:
    """Code, with the lines as they will be broken."""

    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return len(self.lines) * CODE * measuring.LEADING + 20

    def divided(self, room: float) -> tuple[Listing, Listing] | None:
        fit = int((room - 20) / (CODE * measuring.LEADING))
        return (Listing(self.lines[:fit]), Listing(self.lines[fit:])) if 2 <= fit < len(self.lines) else None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with the width of each column and the height of each row."""

    head: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    widths: tuple[float, ...]
    size: float = CELL

    def row_height(self, row: Sequence[Spans]) -> float:
        heights = [
            measuring.height(plain(cell), self.size, wide - 18, leading=1.3)
            for cell, wide in zip(row, self.widths, strict=False)
        ]
        return max(heights, default=self.size) + 2 * PADDING

    @property
    def head_height(self) -> float:
        return self.row_height(self.head) if self.head else 0.0

    @property
    def height(self) -> float:
        return self.head_height + sum(self.row_height(row) for row in self.rows)

    def divided(self, room: float) -> tuple[Grid, Grid] | None:
        used, fit = self.head_height, 0
        for row in self.rows:
            used += self.row_height(row)
            if used > room:
                break
            fit += 1
        if not 0 < fit < len(self.rows):
            return None
        return replace(self, rows=self.rows[:fit]), replace(self, rows=self.rows[fit:])


Piece = Words | Listing | Grid


def pieces_of(
    blocks: Sequence[Block], *, size: float = TEXT, indent: float = 0, tone: str = ""
) -> Iterator[Piece | Figure]:
    """In the order of the blocks; drawn figures come as they are."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield Words(block.spans, SMALL if block.quiet else size, indent, tone="quiet" if block.quiet else tone)
        elif isinstance(block, Heading):
            yield Words(tuple(replace(span, bold=True) for span in block.spans), size, indent, tone="head")
        elif isinstance(block, Items):
            yield from _items(block, size, indent, tone)
        elif isinstance(block, Code):
            yield _listing(block.text, WIDE - indent)
        elif isinstance(block, Table) and block.columns:
            yield grid(block, WIDE)
        elif isinstance(block, Box):
            yield from _box(block, size, indent)
        elif isinstance(block, Figure):
            yield from _figure(block, size)
        elif isinstance(block, Rule):
            continue


def _items(block: Items, size: float, indent: float, tone: str) -> Iterator[Piece | Figure]:
    small = size if len(block.rows) < 9 else max(18.0, size - 3)
    for place, row in enumerate(block.rows, start=block.start):
        marker = f"{place}." if block.ordered else "•" if row.ticked is None else "☑" if row.ticked else "☐"
        for part, one in enumerate(pieces_of(row.blocks, size=small, indent=indent + INDENT, tone=tone)):
            yield replace(one, marker=marker) if isinstance(one, Words) and part == 0 else one


def _box(block: Box, size: float, indent: float) -> Iterator[Piece | Figure]:
    if block.title:
        yield Words((Span(block.title, bold=True),), size, indent + INDENT, tone=block.kind)
    yield from pieces_of(block.blocks, size=size, indent=indent + INDENT, tone=block.kind)


def _figure(block: Figure, size: float) -> Iterator[Piece | Figure]:
    if block.is_drawn:
        yield block
        return
    told = ", ".join(part for part in (block.caption, block.label) if part)
    if told:
        yield Words((Span(told, bold=True),), SMALL + 2, tone="head")
    yield from pieces_of(block.blocks, size=min(size, SMALL + 2))


def _listing(text: str, room: float) -> Listing:
    found: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        found += measuring.lines(line, CODE, room - CODE_ROOM, "code") or [""]
    return Listing(tuple(found))


def grid(table: Table, room: float) -> Grid:
    """Columns as wide as they need, the wide ones give way; a small table stands in larger letters."""
    large = _grid(table, room, LARGE_CELL)
    return large if large.height <= LARGE_ROOM else _grid(table, room, CELL)


def _grid(table: Table, room: float, size: float) -> Grid:
    rows = [_padded(row, table.columns) for row in table.rows]
    head = _padded(table.head, table.columns) if table.head else ()
    natural = []
    for at in range(table.columns):
        cells = [plain(row[at]) for row in [*([head] if head else []), *rows]]
        natural.append(max([measuring.width(cell, size, "bold") for cell in cells], default=0) + 24)
    whole = Grid(head, (), _widths(natural, room), size)
    return replace(whole, rows=tuple(piece for row in rows for piece in _row_pieces(whole, row)))


def _padded(row: Sequence[Spans], columns: int) -> tuple[Spans, ...]:
    return (*row, *([()] * (columns - len(row))))


def _widths(natural: list[float], room: float) -> tuple[float, ...]:
    total = sum(natural)
    if total <= room:
        widest = natural.index(max(natural))
        return tuple(wide + (room - total if at == widest else 0) for at, wide in enumerate(natural))
    fair = room / len(natural)
    small = [wide for wide in natural if wide <= fair]
    left, large = room - sum(small), [wide for wide in natural if wide > fair]
    return tuple(wide if wide <= fair else left * (0.35 / len(large) + 0.65 * wide / sum(large)) for wide in natural)


def _row_pieces(whole: Grid, row: tuple[Spans, ...], most: float = 400) -> Iterator[tuple[Spans, ...]]:
    """A row that no slide holds comes in several."""
    while whole.row_height(row) > most:
        fit = int(most / (whole.size * 1.3))
        firsts, rests = [], []
        for cell, wide in zip(row, whole.widths, strict=True):
            text = plain(cell)
            found = measuring.lines(text, whole.size, wide - 18)
            firsts.append((Span(" ".join(found[:fit])),))
            rests.append((Span(" ".join(found[fit:])),) if found[fit:] else ())
        yield tuple(firsts)
        row = tuple(rests)
    yield row


def _lines(piece: Words) -> list[str]:
    text = "".join(span.text for span in piece.spans)
    coded = sum(len(span.text) for span in piece.spans if span.code) > len(text) / 4
    face = "code" if coded else "bold" if any(span.bold for span in piece.spans) else "text"
    return measuring.lines(text, piece.size, (WIDE - piece.indent) * 0.97, face)


def _split(spans: Spans, at: int) -> tuple[Spans, Spans]:
    first: list[Span] = []
    rest: list[Span] = []
    for span in spans:
        if at >= len(span.text):
            first.append(span)
        elif at <= 0:
            rest.append(span)
        else:
            first.append(replace(span, text=span.text[:at].rstrip()))
            rest.append(replace(span, text=span.text[at:]))
        at -= len(span.text)
    if rest:
        rest[0] = replace(rest[0], text=rest[0].text.lstrip())
    return tuple(first), tuple(span for span in rest if span.text)
