"""How high a text stands on a slide, by the widths of the bundled font. Plain Python.

Lengths are in pixels of a slide of 1280 × 720. The font is the widest of those that a reader may have, so that what fits
here fits there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import ImageFont

FONTS = Path(__file__).resolve().parents[2] / "static" / "debrief" / "fonts"
FACES = {"text": "Inter_400Regular.ttf", "bold": "Inter_700Bold.ttf", "code": "JetBrainsMono_400Regular.ttf"}
LEADING = 1.35
# Readers without the usual fonts get wider ones.
SPARE = 1.12
_SIZE = 100


@cache
def _face(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / FACES[name]), _SIZE, layout_engine=ImageFont.Layout.BASIC)


@cache
def _advance(sign: str, face: str) -> float:
    """Of one sign, in parts of the size."""
    if unicodedata.combining(sign):
        return 0.0
    if unicodedata.east_asian_width(sign) in "WF" or ord(sign) > 0x1F000:
        return 1.15
    return float(_face(face).getlength(sign)) / _SIZE * SPARE


def width(text: str, size: float, face: str = "text") -> float:
    return sum(_advance(sign, face) for sign in text) * size


def lines(text: str, size: float, room: float, face: str = "text") -> list[str]:
    """The text broken at words, and inside words that are longer than a line."""
    found: list[str] = []
    for part in text.split("\n"):
        current, used = "", 0.0
        for word in _words(part, size, room, face):
            needed = width(word, size, face)
            if current and used + needed > room:
                found.append(current.rstrip())
                current, used = "", 0.0
                word = word.lstrip()
                needed = width(word, size, face)
            current, used = current + word, used + needed
        found.append(current.rstrip())
    return found


def _words(text: str, size: float, room: float, face: str) -> Iterator[str]:
    """Words with the space before them; a word that fits no line comes in pieces."""
    start = 0
    while start < len(text):
        end = start
        while end < len(text) and text[end] == " ":
            end += 1
        while end < len(text) and text[end] != " ":
            end += 1
        word = text[start:end]
        if width(word, size, face) <= room:
            yield word
        else:
            yield from _pieces(word, size, room, face)
        start = end


def _pieces(word: str, size: float, room: float, face: str) -> Iterator[str]:
    piece, used = "", 0.0
    for sign in word:
        needed = _advance(sign, face) * size
        if piece and used + needed > room:
            yield piece
            piece, used = "", 0.0
        piece, used = piece + sign, used + needed
    if piece:
        yield piece


def height(text: str, size: float, room: float, face: str = "text", leading: float = LEADING) -> float:
    return len(lines(text, size, room, face)) * size * leading
