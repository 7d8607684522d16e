"""What a drawing program gave, put together anew from an allow-list of SVG: shapes, words and arrow heads, nothing
that runs, loads, links or styles. Its colours become classes, so that both themes and the page's policy hold."""

from __future__ import annotations

import re
from html import escape
from xml.etree.ElementTree import Element, ParseError, fromstring

LARGEST = 600_000
ELEMENTS = 6_000
_TAGS = frozenset(
    ["svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "defs", "marker"]
)
_NUMBERS = frozenset(
    [
        "x",
        "y",
        "x1",
        "y1",
        "x2",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "width",
        "height",
        "dx",
        "dy",
        "refX",
        "refY",
        "markerWidth",
        "markerHeight",
        "stroke-width",
        "font-size",
        "opacity",
        "fill-opacity",
        "stroke-opacity",
    ]
)
_WORDS = {
    "text-anchor": {"start", "middle", "end"},
    "dominant-baseline": {"middle", "central", "hanging", "auto", "alphabetic"},
    "font-weight": {"bold", "600", "500", "700", "normal"},
    "font-style": {"italic"},
    "markerUnits": {"userSpaceOnUse", "strokeWidth"},
    "orient": {"auto", "auto-start-reverse"},
    "stroke-linecap": {"round", "butt", "square"},
    "stroke-linejoin": {"round", "miter", "bevel"},
}
_SHAPES = {
    "d": re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9eE ,.+-]{0,60000}"),
    "points": re.compile(r"[0-9eE ,.+-]{0,20000}"),
    "viewBox": re.compile(r"[0-9eE ,.+-]{1,80}"),
    "stroke-dasharray": re.compile(r"[0-9 ,.]{1,40}"),
    "transform": re.compile(r"(?:(?:translate|rotate|scale)\([0-9eE ,.+-]{1,60}\) ?){1,4}"),
}
_NUMBER = re.compile(r"-?\d{1,7}(?:\.\d{1,20})?(?:em|px)?")
_OWN_ID = re.compile(r"[\w.-]{1,80}")
_URL = re.compile(r"url\(#([\w.-]{1,80})\)")
# The program's palette, and what plays its part here. Other colours are the writer's own: one of six tints.
_FILLS = {"#ffffff": "dg-paper", "#f8fafc": "dg-box", "#f1f5f9": "dg-group", "#e2e8f0": "dg-group", "#ececff": "dg-box"}
_FILLS |= {"#0f172a": "dg-ink", "#64748b": "dg-arrow", "#94a3b8": "dg-arrow", "#fff7ed": "dg-note", "none": "dg-none"}
_STROKES = {
    "#64748b": "dg-line",
    "#94a3b8": "dg-edge",
    "#cbd5e1": "dg-hair",
    "#e2e8f0": "dg-hair",
    "#0f172a": "dg-line",
}
_STROKES |= {
    "#fdba74": "dg-warm",
    "#ffffff": "dg-gap",
    "#f8fafc": "dg-gap",
    "none": "dg-bare",
    "currentcolor": "dg-hair",
}
TINTS = 6
# Where a drawing says what a shape is for, that decides and not its colours.
_PARTS = {
    "actor": "dg-box dg-edge",
    "actor-line": "dg-edge",
    "actor-man": "dg-box dg-line",
    "note": "dg-note dg-warm",
    "loopLine": "dg-none dg-edge",
    "labelBox": "dg-group dg-edge",
    "activation0": "dg-group dg-edge",
    "messageLine0": "dg-none dg-line",
    "messageLine1": "dg-none dg-line",
    "section": "dg-none",
    "tick": "dg-hair",
    "domain": "dg-none",
}
_TASK = re.compile(r"(?:task|active|done|crit|activeCrit|doneCrit|milestone|vert)\d{0,3}")
_TASK_TINTS = {"crit": 3, "done": 6, "active": 1, "activeCrit": 3, "doneCrit": 6}
_ANCHORS = {"taskText": "middle", "titleText": "middle", "taskTextOutsideRight": "start", "taskTextOutsideLeft": "end"}
_STYLES = ("text-anchor", "font-size", "font-weight", "stroke-dasharray")


class WrongDrawing(ValueError):
    """The message is a sentence for the person who wrote the source."""


def cleaned(svg: str, *, tinted: bool = False) -> str:
    """Safe SVG whose ids begin with `dg-ID-`; raises WrongDrawing. `tinted` tells slices by colour, as a pie does."""
    if len(svg) > LARGEST:
        raise WrongDrawing("The drawing is too large; use fewer boxes and arrows.")
    if "<!" in svg or "<?" in svg.lstrip()[2:]:
        raise WrongDrawing("The drawing holds something else than shapes and words.")
    try:
        root = fromstring(svg)  # noqa: S314 - no document type: refused above
    except ParseError:
        raise WrongDrawing("The drawing could not be read; leave out unusual signs.") from None
    if _name(root) != "svg":
        raise WrongDrawing("The drawing could not be read.")
    if sum(1 for _ in root.iter()) > ELEMENTS:
        raise WrongDrawing("The drawing is too large; use fewer boxes and arrows.")
    # A tint in the place of a part of the palette takes the palette's role away from it.
    tints: dict[str, str] = {"tinted": ""} if tinted else {}
    children = list(root)
    if children and _is_paper(root, children[0]):
        children = children[1:]
    inside = "".join(_written(child, tints, 0) for child in children)
    told = " · ".join(dict.fromkeys(" ".join("".join(text.itertext()).split()) for text in _texts(root)))
    label = escape(f"Diagram: {told}"[:600] if told else "Diagram")
    return f'<svg class="diagram"{_frame(root)} role="img" aria-label="{label}"><title>{label}</title>{inside}</svg>'


def _texts(root: Element) -> list[Element]:
    return [one for one in root.iter() if _name(one) == "text"]


def _is_paper(root: Element, first: Element) -> bool:
    """The sheet under everything, which the page itself is."""
    return _name(first) == "rect" and first.get("width") == root.get("width") and not first.get("rx")


def _frame(root: Element) -> str:
    box = root.get("viewBox", "")
    parts = box.replace(",", " ").split()
    if len(parts) != 4 or not all(re.fullmatch(r"-?\d{1,6}(?:\.\d{1,9})?", part) for part in parts):
        raise WrongDrawing("The drawing says no size.")
    width, height = float(parts[2]), float(parts[3])
    if width <= 0 or height <= 0:
        raise WrongDrawing("The drawing is empty.")
    return f' viewBox="{" ".join(parts)}" width="{width:.0f}" height="{height:.0f}"'


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _written(element: Element, tints: dict[str, str], depth: int) -> str:
    name = _name(element)
    inside = escape(element.text or "") if name in ("text", "tspan") else ""
    if depth < 40:
        inside += "".join(
            _written(child, tints, depth + 1) + (escape(child.tail or "") if name in ("text", "tspan") else "")
            for child in element
        )
    if name == "a":
        # A link of a diagram would leave the page for wherever its writer likes; the words stay.
        return inside
    words = element.get("class", "").split()
    if name not in _TAGS or "today" in words:
        return ""
    return f"<{name}{_attributes(element, tints)}>{inside}</{name}>"


def _attributes(element: Element, tints: dict[str, str]) -> str:
    kept, classes = [], []
    told = _told(element)
    for name, value in _named(element).items():
        value = value.strip()
        if (
            (name in _NUMBERS and _NUMBER.fullmatch(value))
            or (name in _WORDS and value in _WORDS[name])
            or (name in _SHAPES and _SHAPES[name].fullmatch(value))
        ):
            kept.append((name, value))
        elif name == "id" and _OWN_ID.fullmatch(value):
            kept.append((name, f"dg-ID-{value}"))
        elif name in ("marker-start", "marker-end", "marker-mid") and (own := _URL.fullmatch(value)):
            kept.append((name, f"url(#dg-ID-{own[1]})"))
        elif name in ("fill", "stroke") and not told:
            classes.append(_class_of(name, value.lower(), tints))
    classes += told
    if classes:
        kept.append(("class", " ".join(classes)))
    return "".join(f' {name}="{escape(value)}"' for name, value in kept)


def _named(element: Element) -> dict[str, str]:
    """The attributes, and of a style the few words that are attributes as well."""
    found = dict(element.attrib)
    for one in found.pop("style", "").split(";")[:20]:
        name, _, value = one.partition(":")
        if name.strip() in _STYLES:
            found[name.strip()] = value.strip()
    words = element.get("class", "").split()
    if anchor := next((_ANCHORS[word] for word in words if word in _ANCHORS), ""):
        found["text-anchor"] = anchor
    return found


def _told(element: Element) -> list[str]:
    """Classes by what the drawing says that this is."""
    words = element.get("class", "").split()
    name = _name(element)
    if name in ("text", "tspan"):
        return ["dg-ink"] if name == "text" else []
    if name == "rect" and "task" in words:
        kind = next((word.rstrip("0123456789") for word in words if word != "task" and _TASK.fullmatch(word)), "")
        tint = _TASK_TINTS.get(kind, 2)
        return [f"dg-fill-{tint}", f"dg-stroke-{tint}"]
    return next((_PARTS[word].split() for word in words if word in _PARTS), [])


def _is_harmless(name: str, value: str) -> bool:
    if name in _NUMBERS:
        return bool(_NUMBER.fullmatch(value))
    if name in _SHAPES:
        return bool(_SHAPES[name].fullmatch(value))
    return value in _WORDS.get(name, ())


def _class_of(name: str, colour: str, tints: dict[str, str]) -> str:
    known = (_FILLS if name == "fill" else _STROKES).get(colour)
    if known and not (name == "fill" and "tinted" in tints and known in ("dg-box", "dg-group")):
        return known
    tint = tints.setdefault(colour, str(len(tints) % TINTS + 1))
    return f"dg-{name}-{tint}"
