"""The slides of a session: one idea each, the same for PowerPoint, for the browser and for the session's page. Plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.exports.document import Block, Chapter, Document, Figure, Section, Span, Table
from knowledge.exports.pieces import GAP, SMALL, WIDE, Grid, Piece, Words, grid, pieces_of

ROOM = 520
FIGURE_LEAST = 300
# So high may words be that stand on the slide of the figure before them.
BESIDE = 100
# Few words stand larger: (by how much, below which part of the room).
LARGER = ((1.7, 0.16), (1.3, 0.4))


@dataclass(frozen=True, slots=True)
class Slide:
    """`kind` is cover, chapter, text, figure or lesson. `over` stands small above the title, `chapter` counts from 0
    (-1 before the first and after the last)."""

    kind: str
    title: str
    over: str = ""
    pieces: tuple[Piece, ...] = ()
    figure: Figure | None = None
    source: Chapter | None = None
    notes: str = ""
    chapter: int = -1


def slides_of(document: Document) -> tuple[Slide, ...]:
    found = [_cover(document), *_agenda(document)]
    for place, chapter in enumerate(document.chapters):
        found += [replace(slide, chapter=place) for slide in _chapter(chapter)]
    found += _appendix(document)
    return tuple(found)


def _cover(document: Document) -> Slide:
    pieces = [Words((Span(document.subtitle),), 24, tone="quiet")] if document.subtitle else []
    facts = "  ·  ".join(fact.value for fact in document.facts if fact.name != "Length")
    if facts:
        pieces.append(Words((Span(facts),), 20))
    if document.left_out_note:
        pieces.append(Words((Span(document.left_out_note),), SMALL, tone="quiet"))
    if document.restricted:
        pieces.append(Words((Span("Restricted: for those who take part, and for admins.", bold=True),), SMALL))
    return Slide("cover", document.title, over=document.kind, pieces=tuple(pieces), notes=document.address)


def _agenda(document: Document) -> Iterator[Slide]:
    if document.introduction:
        yield from _flow("What this is about", "", document.introduction)
    if len(document.chapters) > 1:
        rows = [
            (_cell(one.key), _cell(one.title), _cell(one.severity), _cell(f"{one.minutes} min" if one.minutes else ""))
            for one in document.chapters
        ]
        yield from _packed("Agenda", "", [grid(Table((), tuple(rows), ("", "", "", "right")), WIDE)])


def _chapter(chapter: Chapter) -> Iterator[Slide]:
    over = f"{chapter.key} {chapter.severity}".strip()
    notes = "\n\n".join(part for part in (chapter.notes, chapter.href) if part)
    kind = "chapter" if chapter.kind == "postmortem" else "lesson"
    yield Slide(kind, chapter.title, over=over, source=chapter, notes=notes)
    for section in chapter.sections:
        for slide in _section(chapter, section):
            yield replace(slide, over=over, notes=chapter.href)
    if chapter.promises:
        yield from _promises(chapter, over)
    if chapter.questions:
        rows = tuple(Words((Span(one),), 26, 34, marker="?") for one in chapter.questions)
        yield from _packed("Questions", over, rows, notes=chapter.notes)


def _section(chapter: Chapter, section: Section) -> Iterator[Slide]:
    title = section.title or ("Why it matters" if chapter.kind == "lesson" else chapter.title)
    yield from _flow(title, chapter.key, section.blocks)


def _promises(chapter: Chapter, over: str) -> Iterator[Slide]:
    head = tuple(_cell(name) for name in ("", "Follow-up", "Who", "Due", "State now"))
    rows = tuple(
        (_cell(one.key), _cell(one.title), _cell(one.owner), _cell(one.due), _cell(one.state))
        for one in chapter.promises
    )
    yield from _packed("Follow-ups as they stand now", over, [grid(Table(head, rows), WIDE)])


def _appendix(document: Document) -> Iterator[Slide]:
    rows = tuple((_cell(one.key), _cell(one.title), _cell(one.source), _cell(one.times)) for one in document.cited())
    if rows:
        head = tuple(_cell(name) for name in ("Evidence", "What", "From", "When"))
        yield from _packed("Evidence cited", "", [grid(Table(head, rows), WIDE)], notes="Each item by its number.")


def _cell(text: str) -> tuple[Span, ...]:
    return (Span(text),) if text else ()


def _flow(title: str, over: str, blocks: Sequence[Block]) -> Iterator[Slide]:
    """Text in as many slides as it needs, a slide of its own for each drawn figure with the few words that follow it."""
    made = False
    for words, figure in _groups(pieces_of(blocks)):
        slides = _figure(figure, title, over, words) if figure else _packed(title, over, words)
        for slide in slides:
            named = slide.kind == "figure" or not slide.title.startswith(title)
            yield slide if named or not made else _continued(slide)
            made = made or not named


def _groups(pieces: Iterator[Piece | Figure]) -> Iterator[tuple[list[Piece], Figure | None]]:
    """Words before the first figure, then each figure with the short words after it, and longer words by themselves."""
    words: list[Piece] = []
    figure: Figure | None = None
    for piece in pieces:
        if isinstance(piece, Figure):
            yield from _parted(words, figure)
            words, figure = [], piece
        else:
            words.append(piece)
    yield from _parted(words, figure)


def _parted(words: list[Piece], figure: Figure | None) -> Iterator[tuple[list[Piece], Figure | None]]:
    if figure is not None and sum(one.height + GAP for one in words) <= BESIDE:
        yield words, figure
        return
    if figure is not None:
        yield [], figure
    if words:
        yield words, None


def _continued(slide: Slide) -> Slide:
    told = slide.title if slide.title.endswith(", continued") else f"{slide.title}, continued"
    return replace(slide, title=told)


def _figure(figure: Figure, title: str, over: str, after: Sequence[Piece]) -> Iterator[Slide]:
    beside = [one for one in pieces_of(figure.blocks, size=SMALL) if not isinstance(one, Figure)]
    high = sum(one.height + GAP for one in (*beside, *after))
    named = figure.caption or title
    if high <= ROOM - FIGURE_LEAST - 30:
        yield Slide("figure", named, over, pieces=(*beside, *after), figure=figure)
        return
    yield Slide("figure", named, over, pieces=tuple(after), figure=figure)
    yield from (_continued(slide) for slide in _packed(named, over, beside))


def _packed(title: str, over: str, pieces: Sequence[Piece], notes: str = "") -> Iterator[Slide]:
    """As many pieces on each slide as its room holds; a heading stays with what follows it."""
    waiting, first = list(pieces), True
    current: list[Piece] = []
    used = 0.0
    while waiting:
        piece = waiting.pop(0)
        follows = waiting[0].height if waiting and isinstance(piece, Words) and piece.tone == "head" else 0
        needed = piece.height + (GAP if current else 0)
        if used + needed + min(follows, 70) <= ROOM or (not current and piece.height <= ROOM):
            current.append(piece)
            used += needed
            continue
        left = ROOM - used - (GAP if current else 0)
        parts = piece.divided(left) if left > ROOM * 0.3 or not current else None
        if parts is not None:
            current.append(parts[0])
            waiting.insert(0, parts[1])
        elif current:
            waiting.insert(0, piece)
        else:
            current.append(piece)
        yield _page(title, over, current, notes, first)
        current, used, first = [], 0.0, False
    if current:
        yield _page(title, over, current, notes, first)


def _page(title: str, over: str, pieces: Sequence[Piece], notes: str, first: bool) -> Slide:
    high = sum(one.height + GAP for one in pieces)
    are_words = all(isinstance(one, Words) for one in pieces)
    larger = next((factor for factor, part in LARGER if are_words and high < ROOM * part), 1)
    shown = tuple(replace(one, size=one.size * larger) if isinstance(one, Words) else one for one in pieces)
    slide = Slide("text", title, over, pieces=shown, notes=notes)
    return slide if first else _continued(slide)


__all__ = ["ROOM", "Grid", "Slide", "slides_of"]
