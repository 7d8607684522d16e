"""The slides as a PowerPoint file: own theme, editable text, tables and charts, notes, alternative texts. Plain Python."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from lxml import etree
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Emu, Pt

from knowledge.exports import drawings, pictures
from knowledge.exports.document import Chapter, Document, Figure, Spans
from knowledge.exports.pieces import CODE, GAP, WIDE, Grid, Listing, Piece, Words
from knowledge.exports.powerpoint_chart import add_chart
from knowledge.exports.powerpoint_theme import MONO, PX, new_presentation, number_shape
from knowledge.exports.slides import Slide, slides_of
from knowledge.exports.stable import settle_office

LEFT, TOP, ROOM = 64.0, 132.0, 520.0
TONES = {
    "note": "3353BF",
    "tip": "0F7346",
    "important": "6D3FC0",
    "warning": "B04A05",
    "caution": "B42318",
    "quote": "C6CCD6",
}
INK, INK_2, INK_3 = "1A202C", "4A5464", "626C7B"
_LAYOUT = {"cover": 0, "chapter": 1, "lesson": 1, "text": 2, "figure": 2}


def powerpoint(document: Document) -> bytes:
    deck = new_presentation()
    told = deck.core_properties
    told.title, told.author, told.subject, told.keywords = document.title, "Debrief", document.kind, ""
    told.created = told.modified = document.at.replace(tzinfo=None)
    told.last_modified_by, told.revision, told.language = "Debrief", 1, "en"
    for slide in slides_of(document):
        _slide(deck, slide, document)
    out = io.BytesIO()
    deck.save(out)
    return settle_office(out.getvalue(), document.at)


def _slide(deck: Any, slide: Slide, document: Document) -> None:
    page = deck.slides.add_slide(deck.slide_layouts[_LAYOUT[slide.kind]])
    page.shapes.title.text = slide.title
    _fit_title(page.shapes.title, slide)
    for shape in list(page.placeholders):
        if shape.placeholder_format.type is not None and shape.placeholder_format.idx == 12:
            shape._element.getparent().remove(shape._element)
    page.shapes._spTree.append(etree.fromstring(number_shape(900)))
    _write(
        page,
        slide.over,
        (LEFT if slide.kind in ("text", "figure") else 96, 30 if slide.kind in ("text", "figure") else 150, 900, 24),
        16,
        INK_3,
    )
    if slide.kind not in ("cover",):
        _write(page, document.title, (LEFT, 672, 900, 28), 13, INK_3)
    if slide.source is not None and slide.kind == "chapter":
        _numbers(page, slide.source)
    top = TOP if slide.kind in ("text", "figure") else 410.0
    if slide.figure is not None:
        high = ROOM - sum(one.height + GAP for one in slide.pieces) - 30
        _figure(page, slide.figure, (LEFT, top, WIDE, high))
        top += high + 30
    _pieces(page, slide.pieces, top, 96.0 if slide.kind == "cover" else LEFT)
    if slide.notes:
        page.notes_slide.notes_text_frame.text = slide.notes


def _fit_title(shape: Any, slide: Slide) -> None:
    """Long titles stand smaller, so that they end within their box."""
    sizes = {"cover": (40, 34, 28, 22), "chapter": (34, 28, 24, 20), "lesson": (34, 28, 24, 20)}.get(
        slide.kind, (24, 20, 16, 13)
    )
    at = next((place for place, most in enumerate((70, 110, 170)) if len(slide.title) <= most), 3)
    for run in shape.text_frame.paragraphs[0].runs:
        run.font.size = Pt(sizes[at])


def _write(
    page: Any, text: str, box: tuple[float, float, float, float], size: float, colour: str, *, bold: bool = False
) -> Any:
    if not text:
        return None
    shape = page.shapes.add_textbox(*(Emu(round(one * PX)) for one in box))
    frame = shape.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    run = frame.paragraphs[0].add_run()
    run.text = text
    run.font.size, run.font.bold, run.font.color.rgb = Pt(size * 0.75), bold, RGBColor.from_string(colour)
    return shape


def _numbers(page: Any, chapter: Chapter) -> None:
    """Severity and the four lengths of time, as tiles under the title."""
    colour = drawings.SEVERITY[chapter.rank].lstrip("#").upper()
    tiles = [("Severity", chapter.severity, colour)] if chapter.severity else []
    tiles += [(f"{fact.full} ({fact.name})", fact.value, INK) for fact in chapter.facts]
    wide = min(300.0, 1088 / max(1, len(tiles)))
    for place, (name, value, ink) in enumerate(tiles):
        left = 96 + place * wide
        _write(page, value, (left, 430, wide - 12, 44), 30, ink, bold=True)
        _write(page, name, (left, 476, wide - 12, 44), 15, INK_2)
    if chapter.state:
        _write(page, "This is a draft, nothing published yet.", (96, 540, 800, 26), 16, TONES["warning"])


def _pieces(page: Any, pieces: tuple[Piece, ...], top: float, left: float) -> None:
    for piece in pieces:
        if isinstance(piece, Words):
            _words(page, piece, top, left)
        elif isinstance(piece, Listing):
            _listing(page, piece, top)
        else:
            _grid(page, piece, top)
        top += piece.height + GAP


def _words(page: Any, piece: Words, top: float, left: float) -> None:
    bar = TONES.get(piece.tone)
    if bar:
        shape = page.shapes.add_shape(
            MSO_SHAPE.RECTANGLE, *(Emu(round(one * PX)) for one in (left + 6, top - GAP / 2, 4, piece.height + GAP))
        )
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor.from_string(bar)
        shape.line.fill.background()
        shape.name = "Bar"
    if piece.marker.strip():
        _write(page, piece.marker, (left + piece.indent - 26, top, 40, piece.size * 1.35), piece.size, INK_3)
    shape = _write(page, " ", (left + piece.indent, top, WIDE - piece.indent, piece.height), piece.size, INK)
    colour = INK_2 if piece.tone == "quiet" else INK
    fill(shape.text_frame.paragraphs[0], piece.spans, piece.size, colour)


def fill(paragraph: Any, spans: Spans, size: float, colour: str) -> None:
    for run in list(paragraph.runs):
        run._r.getparent().remove(run._r)
    for span in spans:
        for place, text in enumerate(span.text.split("\n")):
            if place:
                paragraph.add_line_break()
            run = paragraph.add_run()
            run.text = text
            font = run.font
            font.size = Pt(size * 0.75 * (0.9 if span.code else 1))
            font.bold, font.italic = span.bold, span.italic
            font.color.rgb = RGBColor.from_string(colour)
            if span.code:
                font.name = MONO
            if span.struck:
                run._r.get_or_add_rPr().set("strike", "sngStrike")
            if span.raised:
                run._r.get_or_add_rPr().set("baseline", "30000")
            if span.href:
                run.hyperlink.address = span.href


def _listing(page: Any, piece: Listing, top: float) -> None:
    shape = page.shapes.add_shape(
        MSO_SHAPE.RECTANGLE, *(Emu(round(one * PX)) for one in (LEFT, top, WIDE, piece.height))
    )
    shape.name = "Code"
    shape.fill.solid()
    shape.fill.fore_color.rgb = RGBColor.from_string("F1F3F6")
    shape.line.color.rgb = RGBColor.from_string("E3E6EB")
    shape._element.remove(shape._element.find(f"{{{page.shapes._spTree.nsmap['p']}}}style"))
    frame = shape.text_frame
    frame.word_wrap, frame.vertical_anchor = False, MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = Emu(12 * PX)
    frame.margin_top = frame.margin_bottom = Emu(10 * PX)
    for place, line in enumerate(piece.lines):
        paragraph = frame.paragraphs[0] if not place else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        run = paragraph.add_run()
        run.text = line
        run.font.name, run.font.size, run.font.color.rgb = MONO, Pt(CODE * 0.75), RGBColor.from_string(INK)


def _grid(page: Any, piece: Grid, top: float) -> None:
    rows = [*([piece.head] if piece.head else []), *piece.rows]
    placed = page.shapes.add_table(
        len(rows), len(piece.widths), *(Emu(round(one * PX)) for one in (LEFT, top, WIDE, piece.height))
    )
    placed.name = "Table"
    table = placed.table
    style = placed._element.graphic.graphicData.tbl.tblPr
    table.first_row, table.horz_banding = bool(piece.head), False
    for child in list(style):
        style.remove(child)
    etree.SubElement(style, f"{{{style.nsmap['a']}}}tableStyleId").text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
    for column, wide in zip(table.columns, piece.widths, strict=True):
        column.width = Emu(round(wide * PX))
    for row, cells in zip(table.rows, rows, strict=True):
        row.height = Emu(round(piece.row_height(cells) * PX))
        for cell, spans in zip(row.cells, cells, strict=True):
            cell.margin_left = cell.margin_right = Emu(8 * PX)
            cell.margin_top = cell.margin_bottom = Emu(6 * PX)
            is_head = bool(piece.head) and cells is piece.head
            level = tuple(replace(span, raised=False) for span in spans)
            fill(cell.text_frame.paragraphs[0], level, piece.size, INK_2 if is_head else INK)
            _underline(cell, "C6CCD6" if is_head else "E3E6EB")


def _underline(cell: Any, colour: str) -> None:
    space = "http://schemas.openxmlformats.org/drawingml/2006/main"
    told = cell._tc.get_or_add_tcPr()
    line = etree.SubElement(told, f"{{{space}}}lnB", w="9525")
    etree.SubElement(etree.SubElement(line, f"{{{space}}}solidFill"), f"{{{space}}}srgbClr", val=colour)


def _figure(page: Any, figure: Figure, box: tuple[float, float, float, float]) -> None:
    left, top, wide, high = box
    if figure.chart is not None:
        add_chart(page, figure.chart, box, figure.alt)
    elif (drawn := pictures.png_of(figure, scale=2.5)) is None:
        _write(page, figure.alt, box, 20, INK_2)
    else:
        across, up = pictures.size_of(drawn)
        share = min(wide / across, high / up)
        size = (across * share, up * share)
        placed = (left + (wide - size[0]) / 2, top + (high - size[1]) / 2, *size)
        shape = page.shapes.add_picture(io.BytesIO(drawn), *(Emu(round(one * PX)) for one in placed))
        shape._element.nvPicPr.cNvPr.set("descr", figure.alt)
    told = "  ·  ".join(part for part in (figure.label, figure.source) if part)
    _write(page, told[:220], (left, top + high + 4, wide, 20), 14, INK_3)
