"""A chart of a page as a drawing that stands alone, and the numbers that stand in its attributes. Plain Python."""

from __future__ import annotations

import re
from html import unescape

from knowledge.exports.document import Chart, Line

INK, INK_2, INK_3 = "#1a202c", "#4a5464", "#626c7b"
ACCENT, HAIR, HAIR_2, PAPER, SUNKEN = "#3353bf", "#e3e6eb", "#c6ccd6", "#ffffff", "#f1f3f6"
SEVERITY = {1: "#b42318", 2: "#b04a05", 3: "#856000", 4: "#4b5768", 0: "#4b5768"}
OK = "#0f7346"
_TINTS = ("#d6defb", "#cdeae6", "#fbdcc4", "#f3d6e9", "#d3ebdd", "#f3e7bb")
_STROKES = (ACCENT, "#0f766e", "#b04a05", "#a3387f", OK, "#856000")
_LABELS = f"fill:{INK_3};font-family:Inter,'DejaVu Sans Mono',Arial,sans-serif"
STYLE = "".join(
    [
        f"text{{{_LABELS};font-size:10.5px;font-weight:500}}.lab{{fill:{INK_2}}}",
        f".hot{{fill:{SEVERITY[1]};font-weight:600}}.fine{{fill:{OK};font-weight:600}}.ax{{stroke:{HAIR};stroke-width:1;fill:none}}",
        f".band{{fill:{SEVERITY[1]};fill-opacity:.08}}.edge{{stroke:{SEVERITY[1]};stroke-dasharray:3 3;fill:none}}.ok{{stroke:{OK}}}",
        f".line{{fill:none;stroke:{ACCENT};stroke-width:1.75;stroke-linejoin:round}}.area{{fill:{ACCENT};opacity:.1}}",
        f".base{{fill:none;stroke:{INK_3};stroke-width:1.25;stroke-dasharray:2 3}}.bar{{fill:{HAIR_2}}}.bar-a{{fill:{ACCENT}}}",
        f".bar-w{{fill:{SEVERITY[3]}}}.bar-b{{fill:{SEVERITY[1]}}}.bar-g{{fill:{OK}}}",
        f".ring{{fill:{PAPER};stroke:{ACCENT};stroke-width:2}}.soft{{opacity:.35}}.none{{fill:none;stroke:{INK_3};stroke-dasharray:3 3}}",
        f".crit{{font-weight:600;fill:{INK}}}.cross{{fill:none;stroke:{SEVERITY[1]};stroke-width:2;stroke-linecap:round}}",
    ]
)
DIAGRAM_STYLE = "".join(
    [
        f"text{{font-family:Inter,'DejaVu Sans Mono',Arial,sans-serif}}.dg-ink{{fill:{INK};stroke:none}}.dg-paper{{fill:{PAPER}}}.dg-box{{fill:{SUNKEN}}}",
        f".dg-group{{fill:#f4f6f9}}.dg-note{{fill:#fff1b8}}.dg-arrow{{fill:{INK_3}}}.dg-none{{fill:none}}",
        f"marker path{{fill:{INK_3};stroke:{INK_3}}}.dg-line{{stroke:{INK_3}}}.dg-edge{{stroke:{HAIR_2}}}.dg-hair{{stroke:{HAIR}}}",
        f".dg-warm{{stroke:{SEVERITY[3]}}}.dg-gap{{stroke:{PAPER}}}.dg-bare{{stroke:none}}",
        *(f".dg-fill-{at}{{fill:{colour}}}" for at, colour in enumerate(_TINTS, start=1)),
        *(f".dg-stroke-{at}{{stroke:{colour}}}" for at, colour in enumerate(_STROKES, start=1)),
    ]
)
SPARE = 18.0
_ATTRIBUTE = re.compile(r'([\w:-]+)="([^"]*)"')
_PATH = re.compile(r"<path\b([^>]*)>")
_BAND = re.compile(r'<rect class="band"([^>]*)>')


def attributes(tag: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(tag)}


def standalone(svg: str) -> tuple[str, float, float]:
    """The drawing with a name space, its size and its colours inside; width and height in its own units."""
    head, rest = svg[: svg.index(">")], svg[svg.index(">") + 1 :]
    told = attributes(head)
    box = [float(part) for part in told.get("viewBox", "0 0 420 122").replace(",", " ").split()[:4]]
    width, height = (box[2], box[3]) if len(box) == 4 else (420.0, 122.0)
    if "viz" in told.get("class", "").split() and len(box) == 4:
        # On a page labels may stand out of the box.
        box[0], box[2] = box[0] - SPARE, box[2] + 2 * SPARE
        width = box[2]
    style = DIAGRAM_STYLE if "diagram" in told.get("class", "").split() else STYLE
    view = " ".join(f"{part:g}" for part in box)
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" width="{width:g}" height="{height:g}">'
    return f"{opened}<style>{style}</style>{rest}", width, height


def chart_of(svg: str, baseline: float | None) -> Chart | None:
    """The numbers of a metric's chart as they were drawn; None for another drawing. `baseline` is in the payload's unit."""
    told = attributes(svg[: svg.index(">")])
    try:
        start, step, count = float(told["data-t0"]), float(told["data-dt"]), int(told["data-n"])
        left, right = float(told["data-x0"]), float(told["data-x1"])
    except (KeyError, ValueError):
        return None
    lines = []
    for found in _PATH.findall(svg):
        own = attributes(found)
        if "data-v" in own:
            values = [float(one) if one else None for one in own["data-v"].split(",")]
            points = tuple((start + step * at, value) for at, value in enumerate(values))
            lines.append(Line(own.get("data-name", ""), points))
    if not lines:
        return None
    lines.reverse()
    unit = told.get("data-unit", "").strip()
    drawn = baseline is not None and 'class="base"' in svg
    usual = baseline * (100 if unit == "%" else 1) if drawn and baseline is not None else None
    length = step * max(1, count - 1)
    return Chart(tuple(lines), unit, told.get("data-zone", "UTC"), _band(svg, start, length, left, right), usual)


def _band(svg: str, start: float, length: float, left: float, right: float) -> tuple[float | None, float | None]:
    """The incident's beginning and end as far as they lie within the chart."""
    found = _BAND.search(svg)
    if not found:
        return None, None
    own = attributes(found[1])
    x, width = float(own.get("x", left)), float(own.get("width", 0))
    ends = [start + length * (at - left) / (right - left) for at in (x, x + width)]
    return (ends[0] if x > left + 0.2 else None), (ends[1] if x + width < right - 0.2 else None)
