"""The part of a text that holds what was looked for, with the words marked. Plain values, nothing is HTML yet."""

from __future__ import annotations

import re
from collections.abc import Sequence

AROUND = 90
LONGEST = 240
SCANNED = 60_000
_WORD = re.compile(r"[\w'’]+")

Part = tuple[str, bool]


def snippet(text: str, stems: Sequence[str]) -> list[Part]:
    """`[(text, is marked)]`, at most LONGEST characters; the start of the text where no stem is found."""
    flat = " ".join(text[:SCANNED].split())
    known = _known(stems)
    first = next((found.start() for found in _WORD.finditer(flat) if _is_one(found[0], known)), 0)
    start = max(0, first - AROUND)
    if start:
        start = flat.find(" ", start) + 1
    part = flat[start : start + LONGEST]
    if start + LONGEST < len(flat):
        part = part.rsplit(" ", 1)[0] if " " in part else part
    found = marked(part, stems)
    before = [("… ", False)] if start else []
    after = [(" …", False)] if start + len(part) < len(flat) else []
    return [*before, *found, *after]


def marked(text: str, stems: Sequence[str]) -> list[Part]:
    known, parts, place = _known(stems), [], 0
    for found in _WORD.finditer(text):
        if _is_one(found[0], known):
            parts += [(text[place : found.start()], False), (found[0], True)]
            place = found.end()
    parts.append((text[place:], False))
    return [part for part in parts if part[0]]


def _known(stems: Sequence[str]) -> list[str]:
    """A stem of PostgreSQL may end in an i that stood as y."""
    return [stem[:-1] if len(stem) > 3 and stem.endswith("i") else stem for stem in stems if len(stem) > 1]


def _is_one(word: str, known: Sequence[str]) -> bool:
    lower = word.lower()
    return any(lower.startswith(stem) and len(lower) <= len(stem) + 5 for stem in known)
