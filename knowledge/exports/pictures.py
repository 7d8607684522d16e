"""Drawings as pictures, for programs that do not show SVG. Offline, with the bundled fonts. Plain Python."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image

from knowledge.exports.document import Figure
from knowledge.exports.measuring import FONTS

WIDEST = 3000


@cache
def _ready() -> None:
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))


def png_of(figure: Figure, *, scale: float = 2.0, always_png: bool = False) -> bytes | None:
    """PNG of a drawing, or the picture itself as PNG or JPEG; None where there is none that can be read."""
    if not figure.svg:
        return _known(figure, always_png) if figure.picture else None
    import vl_convert

    _ready()
    fitting = min(scale, WIDEST / max(1.0, figure.width, figure.height))
    # On white: programs show what shines through in ways of their own.
    size = f'width="{figure.width + 200:g}" height="{figure.height + 200:g}"'
    paper = figure.svg.replace("</style>", f'</style><rect x="-100" y="-100" {size} style="fill:#fff"/>', 1)
    return bytes(vl_convert.svg_to_png(paper, scale=fitting))


def _known(figure: Figure, always_png: bool) -> bytes | None:
    try:
        with Image.open(io.BytesIO(figure.picture)) as image:
            image.load()
            if image.format == "PNG" or (image.format == "JPEG" and not always_png):
                return figure.picture
            out = io.BytesIO()
            image.convert("RGBA").save(out, "PNG")
            return out.getvalue()
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        return image.size


def extension_of(picture: bytes) -> str:
    return "png" if picture.startswith(b"\x89PNG") else "jpg"


def pixel(number: int) -> bytes:
    """A PNG of one pixel whose colour is the number, so that it differs from all others."""
    out = io.BytesIO()
    Image.new("RGB", (1, 1), (number >> 16 & 255, number >> 8 & 255, number & 255)).save(out, "PNG")
    return out.getvalue()
