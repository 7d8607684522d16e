"""What changed between two texts: as edits, as words a person can read, and where the sections lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from time import monotonic

from diff_match_patch import diff_match_patch

from incidents.markdown_lines import walk

# After so long a comparison stops looking for the smallest difference; what it then says is still right.
LONGEST_SECONDS = 0.3
# Tidying knows no deadline and takes the square of the length on repeated text.
TIDIED = 10_000
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_BREAK = re.compile(r"\r\n|\r|\n|\Z")
# A backslash that escapes the line's end makes it text.
_HEADING = re.compile(r"(#{1,6})(?!.*(?<!\\)(?:\\\\)*\\$)(.*)$", re.DOTALL)
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]{0,2}){3,}|(?:_[ \t]{0,2}){3,}|(?:\*[ \t]{0,2}){3,})[ \t]*$")
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
    """`start` is where the heading begins, `inner` where the line after it does, `end` where the next one of its level
    or above begins (characters). The title of a heading without words is empty.
    """

    level: int
    title: str
    start: int
    end: int
    inner: int


def splices(before: str, after: str) -> list[Splice]:
    """The edits that make `after` of `before`, to be applied in this order."""
    found: list[Splice] = []
    at, removed, inserted = 0, "", ""
    for kind, text in [*_by_lines_then_letters(before, after), (EQUAL, "")]:
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


def _by_lines_then_letters(before: str, after: str) -> list[tuple[int, str]]:
    """What stays on lines of its own stays; letters are compared where lines differ, all within the one deadline."""
    left, right = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[tuple[int, str]] = []
    until = monotonic() + LONGEST_SECONDS
    l_at = r_at = 0
    old = new = ""
    for kind, length in [*compare_tokens(left, right, tidy=False), (EQUAL, 0)]:
        if kind == DELETE:
            old += "".join(left[l_at : l_at + length])
        elif kind == INSERT:
            new += "".join(right[r_at : r_at + length])
        else:
            found += _compare(old, new, seconds=max(until - monotonic(), 0.01)) if old and new else []
            found += [(DELETE, old)] if old and not new else [(INSERT, new)] if new and not old else []
            found.append((EQUAL, "".join(left[l_at : l_at + length])))
            old = new = ""
        l_at += length if kind != INSERT else 0
        r_at += length if kind != DELETE else 0
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
    return [(kind, len(text)) for kind, text in _compare(drawn[0], drawn[1], tidy=tidy)]


def sections(body: str) -> list[Section]:
    """Every heading that the renderer makes outside of code, comments, lists and quotes."""
    heads = _headings(body)
    found = []
    # By level, where the nearest following heading of it or above begins.
    ends = dict.fromkeys(range(1, 7), len(body))
    for level, title, start, inner in reversed(heads):
        found.append(Section(level, title, start, ends[level], inner))
        ends |= dict.fromkeys(range(level, 7), start)
    return found[::-1]


def _headings(body: str) -> list[tuple[int, str, int, int]]:
    """(level, title, start, where the next line begins). `#` makes one wherever a line begins with it, and so does an
    underline; but `---` under the second line of a paragraph is a rule. Rather one too many than one too few: what is
    left out of a text must not come along with the section before it.
    """
    breaks = list(_BREAK.finditer(body))
    starts = [0, *(one.end() for one in breaks)]
    lines = [body[start : one.start()] for start, one in zip(starts, breaks, strict=False)]
    found: list[tuple[int, str, int, int]] = []
    # The line before: its number and words, and whether a block may begin with it.
    before: tuple[int, str, bool] | None = None
    ends_block = True
    for line in walk(lines):
        if line.kind != "text" and line.is_alone:
            before, ends_block = None, True
            continue
        # The renderer drops these two before it looks for anything.
        text = line.text.replace("\x02", "").replace("\x03", "") if line.kind == "text" else line.prefix + "…"
        # A list that begins with code leaves its sign alone on the line.
        under = text if line.kind == "text" else line.prefix.rstrip()
        if heading := _HEADING.match(text):
            found.append((len(heading[1]), _title(heading[2]), starts[line.at], starts[line.at + 1]))
            before, ends_block = None, True
        elif before and _UNDERLINE.match(under) and (before[2] or not _RULE.match(under)):
            level = 1 if under.startswith("=") else 2
            found.append((level, before[1].strip(), starts[before[0]], starts[line.at + 1]))
            before, ends_block = None, True
        elif not text.strip(" \t"):
            before, ends_block = None, True
        else:
            is_rule = bool(_RULE.match(text))
            before = None if is_rule and not ends_block else (line.at, text, ends_block)
            # Text that is indented or named may belong to a note, which ends where that does.
            ends_block = line.kind != "text" or text.startswith(("    ", "\t", "!!!")) or is_rule
    return found


def _title(rest: str) -> str:
    return rest.rstrip(" \t").rstrip("#").strip()


def _engine(seconds: float) -> diff_match_patch:
    engine = diff_match_patch()
    engine.Diff_Timeout = seconds
    # This step of it knows no deadline, and takes seconds on a long text of one repeated word.
    engine.diff_halfMatch = lambda *_: None
    return engine


def _compare(before: str, after: str, *, tidy: bool = True, seconds: float = LONGEST_SECONDS) -> list[tuple[int, str]]:
    """Stretches (kind, text); a word that was replaced is replaced as a whole where `tidy`."""
    engine = _engine(seconds)
    head = engine.diff_commonPrefix(before, after)
    tail = engine.diff_commonSuffix(before[head:], after[head:])
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    found = engine.diff_main(*middle, False)
    if tidy and sum(map(len, middle)) <= TIDIED:
        engine.diff_cleanupSemantic(found)
    found = [(EQUAL, before[:head]), *found, (EQUAL, before[len(before) - tail :])]
    # The engine may list a deletion after the insertion it belongs to; between two equal stretches order is free.
    groups = ((kind, "".join(text for _, text in group)) for kind, group in groupby(found, key=lambda one: one[0]))
    return [(kind, text) for kind, text in groups if text]


def _code(number: int) -> str:
    place = _FIRST + number
    if place >= _SURROGATES.start:
        place += len(_SURROGATES)
    if place > _LAST:
        raise ValueError("more different words than there are characters")
    return chr(place)
