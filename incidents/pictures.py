"""Pictures that people paste: checked by content, drawn anew without metadata, bounded in bytes and pixels."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from PIL import Image, ImageOps, UnidentifiedImageError

BYTES = 8 * 1024 * 1024
PIXELS = 40_000_000
SIDE = 2_400
# A drawing or a screenshot stays exact; one that is really a photograph would be many megabytes as PNG.
LARGEST_PNG = 3 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
EXPECTED = "expected a picture as PNG, JPEG, GIF or WebP"
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error, TypeError, IndexError, KeyError)


class WrongPicture(ValueError):
    """The message goes on after the name of the field: what it is, and what is expected."""


@dataclass(frozen=True, slots=True)
class Clean:
    """As it will be stored: `width` and `height` in pixels."""

    data: bytes
    content_type: str
    width: int
    height: int


class Stored(Protocol):
    @property
    def content_type(self) -> str: ...
    @property
    def data(self) -> bytes | memoryview: ...


def clean(data: bytes) -> Clean:
    """The first frame, upright, at most SIDE pixels a side, without metadata; raises WrongPicture."""
    if not data:
        raise WrongPicture(f"is empty; {EXPECTED}")
    if len(data) > BYTES:
        raise WrongPicture(f"has {len(data) / 2**20:.1f} MiB; expected at most {BYTES // 2**20} MiB")
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
        # The header alone was read; what it announces decides whether anything is decoded.
        _check_pixels(image.size)
        kind = image.format
        image.seek(0)
        image.thumbnail((SIDE, SIDE))
        image = ImageOps.exif_transpose(image)
        return _encoded(_bare(image), photograph=kind == "JPEG")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise WrongPicture(f"has too many pixels; expected at most {PIXELS // 10**6} megapixels") from None
    except UnidentifiedImageError:
        raise WrongPicture(f"is no picture that can be read; {EXPECTED}") from None
    except WrongPicture:
        raise
    except _BROKEN:
        raise WrongPicture(f"is damaged or cut off; {EXPECTED}, saved anew") from None


def _check_pixels(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > PIXELS:
        raise WrongPicture(f"has {width:,} × {height:,} pixels; expected at most {PIXELS // 10**6} megapixels")


def _bare(image: Image.Image) -> Image.Image:
    """The pixels alone: neither EXIF nor text, profile or thumbnail of the file go along."""
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    mode = "RGBA" if clear else "RGB"
    pixels = image.convert(mode)
    if clear and pixels.getextrema()[-1] == (255, 255):
        pixels, mode = pixels.convert("RGB"), "RGB"
    bare = Image.new(mode, pixels.size)
    bare.paste(pixels)
    return bare


def _encoded(image: Image.Image, *, photograph: bool) -> Clean:
    out = BytesIO()
    if not photograph:
        image.save(out, "PNG", optimize=image.width * image.height < 4_000_000)
        if image.mode == "RGB" and out.tell() > LARGEST_PNG:
            photograph, out = True, BytesIO()
    if photograph:
        image.convert("RGB").save(out, "JPEG", quality=88, optimize=True)
    return Clean(out.getvalue(), "image/jpeg" if photograph else "image/png", image.width, image.height)


def data_uri(picture: Stored) -> str:
    """The whole picture as an address, for documents that may not load anything."""
    return f"data:{picture.content_type};base64,{base64.b64encode(bytes(picture.data)).decode()}"
