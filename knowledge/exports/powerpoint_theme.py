"""Debrief's own theme for PowerPoint: colours, fonts, three layouts with page numbers, 16:9. Plain Python.

It is put into the empty presentation that python-pptx ships, of which nothing else stays.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.util import Emu

PX = 9525
SANS, MONO = "Arial", "Courier New"
NAMES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
COLOURS = {
    "dk1": "1A202C",
    "lt1": "FFFFFF",
    "dk2": "4A5464",
    "lt2": "F1F3F6",
    "accent1": "3353BF",
    "accent2": "B42318",
    "accent3": "0F7346",
    "accent4": "B04A05",
    "accent5": "856000",
    "accent6": "6D3FC0",
    "hlink": "3353BF",
    "folHlink": "6D3FC0",
}
# layout: title box (left, top, width, height), its size in points, where its text stands
LAYOUTS = {
    "Cover": ((96, 190, 1088, 190), 40, "b"),
    "Chapter": ((96, 190, 1088, 190), 34, "b"),
    "Title and content": ((64, 52, 1152, 66), 24, "ctr"),
}


def new_presentation() -> Any:
    deck = Presentation()
    deck.slide_width, deck.slide_height = Emu(1280 * PX), Emu(720 * PX)
    master = deck.slide_master
    layouts = list(deck.slide_layouts)
    for layout in layouts[len(LAYOUTS) :]:
        deck.slide_layouts.remove(layout)
    _retheme(master)
    _fill(master, "ctr", LAYOUTS["Title and content"][0], 24, is_master=True)
    for layout, (name, (box, size, anchor)) in zip(layouts, LAYOUTS.items(), strict=False):
        layout.name = name
        _fill(layout, anchor, box, size)
        if name != "Title and content":
            layout.shapes._spTree.append(etree.fromstring(_bar()))
    return deck


def _retheme(master: Any) -> None:
    part = next(one.target_part for one in master.part.rels.values() if one.reltype.endswith("/theme"))
    theme = etree.fromstring(part.blob)
    space = {"a": "http://schemas.openxmlformats.org/drawingml/2006/main"}
    theme.set("name", "Debrief")
    scheme = theme.find(".//a:clrScheme", space)
    scheme.set("name", "Debrief")
    for child in scheme:
        name = etree.QName(child).localname
        for inside in list(child):
            child.remove(inside)
        etree.SubElement(child, f"{{{space['a']}}}srgbClr", val=COLOURS[name])
    for kind in ("majorFont", "minorFont"):
        theme.find(f".//a:{kind}/a:latin", space).set("typeface", SANS)
    part._blob = etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)


def _fill(holder: Any, anchor: str, box: tuple[int, int, int, int], size: int, *, is_master: bool = False) -> None:
    """The title and the page number are placeholders, so that programs for reading aloud find them."""
    tree = holder.shapes._spTree
    for shape in list(holder.shapes):
        tree.remove(shape._element)
    tree.append(etree.fromstring(_title(box, size, anchor)))
    tree.append(etree.fromstring(_number()))
    if is_master:
        tree.append(etree.fromstring(_hairline()))
        styles = holder._element.find(f"{{{_space('p')}}}txStyles")
        size_of = styles.find(f".//{{{_space('p')}}}titleStyle//{{{_space('a')}}}defRPr")
        size_of.set("sz", str(size * 100))


def _space(prefix: str) -> str:
    found = re.search(rf'xmlns:{prefix}="([^"]+)"', NAMES)
    assert found is not None  # noqa: S101 - it stands above
    return found[1]


def frame(box: tuple[float, float, float, float]) -> str:
    left, top, wide, high = (round(one * PX) for one in box)
    return f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm>'


def _title(box: tuple[int, int, int, int], size: int, anchor: str) -> str:
    return f"""<p:sp {NAMES}><p:nvSpPr><p:cNvPr id="2" name="Title"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr>
<p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:spPr>{frame(box)}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>
<p:txBody><a:bodyPr lIns="0" rIns="0" tIns="0" bIns="0" anchor="{anchor}"><a:normAutofit/></a:bodyPr><a:lstStyle><a:lvl1pPr
algn="l"><a:lnSpc><a:spcPct val="95000"/></a:lnSpc><a:defRPr sz="{size * 100}" b="1"><a:solidFill><a:schemeClr val="tx1"/></a:solidFill><a:latin
typeface="{SANS}"/></a:defRPr></a:lvl1pPr></a:lstStyle><a:p><a:r><a:rPr lang="en"/><a:t>Title</a:t></a:r></a:p></p:txBody></p:sp>"""


def _number() -> str:
    return number_shape(3, with_frame=True)


def number_shape(ident: int, *, with_frame: bool = False) -> str:
    """The page number; on a slide it takes its place from the layout."""
    place = f'{frame((1116, 672, 100, 28))}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>' if with_frame else ""
    return f"""<p:sp {NAMES}><p:nvSpPr><p:cNvPr id="{ident}" name="Page number"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr>
<p:nvPr><p:ph type="sldNum" sz="quarter" idx="12"/></p:nvPr></p:nvSpPr><p:spPr>{place}</p:spPr><p:txBody><a:bodyPr lIns="0"
rIns="0" anchor="ctr"/><a:lstStyle><a:lvl1pPr algn="r"><a:defRPr sz="1000"><a:solidFill><a:srgbClr val="626C7B"/></a:solidFill></a:defRPr></a:lvl1pPr></a:lstStyle><a:p><a:fld
id="{{7A5E1C7B-3C0B-4D0A-9D0E-1F5D0E7A1B2C}}" type="slidenum"><a:rPr lang="en"/><a:t>‹#›</a:t></a:fld></a:p></p:txBody></p:sp>"""


def _bar() -> str:
    return f"""<p:sp {NAMES}><p:nvSpPr><p:cNvPr id="8" name="Bar"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr>{frame((0, 0, 24, 720))}<a:prstGeom
prst="rect"><a:avLst/></a:prstGeom><a:solidFill><a:schemeClr val="accent1"/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>"""


def _hairline() -> str:
    return f"""<p:cxnSp {NAMES}><p:nvCxnSpPr><p:cNvPr id="9" name="Line"/><p:cNvCxnSpPr/><p:nvPr userDrawn="1"/></p:nvCxnSpPr>
<p:spPr>{frame((64, 666, 1152, 0))}<a:prstGeom prst="line"><a:avLst/></a:prstGeom><a:ln w="9525"><a:solidFill><a:srgbClr
val="E3E6EB"/></a:solidFill></a:ln></p:spPr></p:cxnSp>"""
