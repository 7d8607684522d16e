"""What changed between two texts: as edits, as words a person can read, and where the sections lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from diff_match_patch import diff_match_patch

# After so long a comparison stops looking for the smallest difference; what it then says is still right.
LONGEST_SECONDS = 0.3
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
# Characters that stand for words: everything above the controls but the surrogates.
_FIRST, _SURROGATES, _LAST = 0x100, range(0xD800, 0xE000), 0x10FFFF
DELETE, INSERT, EQUAL = -1, 1, 0


@dataclass(frozen=True, slots=True)
class Splice:
    """At `start` (characters, of the text as the splices before left it) `inserted` takes the place of `removed`."""

    start: int
    removed: str
    inserted: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.inserted + text[self.start + len(self.removed) :]

    def revert(self, text: str) -> str:
        return text[: self.start] + self.removed + text[self.start + len(self.inserted) :]


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind` is same, added or removed."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """`start` is where the heading begins, `end` where the next one of its level or above does (characters)."""

    level: int
    title: str
    start: int
    end: int


def splices(before: str, after: str) -> list[Splice]:
    """The edits that make `after` of `before`, to be applied in this order."""
    found: list[Splice] = []
    at, removed, inserted = 0, "", ""
    for kind, text in [*_compare(before, after), (EQUAL, "")]:
        if kind == DELETE:
            removed += text
        elif kind == INSERT:
            inserted += text
        else:
            if removed or inserted:
                found.append(Splice(at, removed, inserted))
            at += len(inserted) + len(text)
            removed = inserted = ""
    return found


def words(before: str, after: str) -> list[Piece]:
    """Whole words that were removed or added, with what stayed between them."""
    left, right = tokens(before), tokens(after)
    kinds = {EQUAL: "same", DELETE: "removed", INSERT: "added"}
    found: list[Piece] = []
    l_at = r_at = 0
    for kind, length in compare_tokens(left, right):
        text = "".join(right[r_at : r_at + length] if kind == INSERT else left[l_at : l_at + length])
        l_at += length if kind != INSERT else 0
        r_at += length if kind != DELETE else 0
        found.append(Piece(kinds[kind], text))
    return found


def tokens(text: str) -> list[str]:
    return _WORDS.findall(text)


def compare_tokens(left: Sequence[str], right: Sequence[str], *, tidy: bool = True) -> list[tuple[int, int]]:
    """(DELETE, INSERT or EQUAL, how many tokens). `tidy` joins changes that only a stray word divides."""
    codes: dict[str, str] = {}
    drawn = ["".join(codes.setdefault(token, _code(len(codes))) for token in side) for side in (left, right)]
    engine = _engine()
    found = engine.diff_main(drawn[0], drawn[1], False)
    if tidy:
        engine.diff_cleanupSemantic(found)
    return [(kind, len(text)) for kind, text in found]


def sections(body: str) -> list[Section]:
    """Headings outside of code blocks."""
    heads: list[tuple[int, str, int]] = []
    at, fence = 0, ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.match(line)):
            heads.append((len(heading[1]), heading[2], at))
        at += len(line) + 1
    found = []
    # By level, where the nearest following heading of it or above begins.
    ends = dict.fromkeys(range(1, 7), len(body))
    for level, title, start in reversed(heads):
        found.append(Section(level, title, start, ends[level]))
        ends |= dict.fromkeys(range(level, 7), start)
    return found[::-1]


def _engine() -> diff_match_patch:
    engine = diff_match_patch()
    engine.Diff_Timeout = LONGEST_SECONDS
    return engine


def _compare(before: str, after: str) -> list[tuple[int, str]]:
    engine = _engine()
    found = engine.diff_main(before, after)
    # A word that was replaced is replaced as a whole, not letter by letter where the two happen to share some.
    engine.diff_cleanupSemantic(found)
    # The engine may list a deletion after the insertion it belongs to; between two equal stretches order is free.
    return [(kind, "".join(text for _, text in group)) for kind, group in groupby(found, key=lambda one: one[0])]


def _code(number: int) -> str:
    place = _FIRST + number
    if place >= _SURROGATES.start:
        place += len(_SURROGATES)
    if place > _LAST:
        raise ValueError("more different words than there are characters")
    return chr(place)
