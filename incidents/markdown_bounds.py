"""What a text may not exceed, so that rendering it is quick whatever was typed. Checked before any parsing.

The limits come from measuring the worst text that each of them still lets pass (tests/incidents/test_markdown.py
holds the texts); prose, even long prose with large tables and pasted output, stays far below all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from xml.etree.ElementTree import Element

SIZE = 200_000
LINES = 6_000
LINE = 4_000
CODE_LINE = 20_000
RUN = 120
MARKERS = 12
ALL_MARKERS = 8_000
INDENT = 48
BLOCK = 30_000
BLOCKS = 3_000
COLUMNS = 60
CELLS = 12_000
DEFINITIONS = 300
FOOTNOTES = 300
HEADINGS = 500
BARE = 250
BRACKETS = 24
SPECIALS = 30_000
WORK = 20_000_000

_RUN = re.compile(rf"([-*_~`!<>()\[\]{{}}|#=+^:\\&])\1{{{RUN}}}")
_MARKER = re.compile(r"[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|!!!|#{1,6})")
_DEFINITION = re.compile(r"[ \t>]{0,40}\[[^\]]{0,200}\]:")
_BARE = re.compile(r"(?:[\s>]*\d{1,9}[.)])?[\W_]*$")
_SEPARATOR = re.compile(r"[ \t>|:-]*-[ \t|:-]*\|?[ \t|:-]*$")
_SPECIAL = re.compile(r"[*_~`\[\]()<>!\\&]|https?:")
_BRACKET = re.compile(r"\\.|[\[\]()]")
# How many of each a text may hold: the most, their name, how many a line has.
_TOTALS: tuple[tuple[int, str, Callable[[str], int]], ...] = (
    (DEFINITIONS, "definitions of links and footnotes", lambda line: bool(_DEFINITION.match(line))),
    (FOOTNOTES, "footnotes and their marks", lambda line: line.count("[^")),
    (BARE, "lines without a word, such as rules,", lambda line: bool(_BARE.match(line))),
    (HEADINGS, "headings", lambda line: line.lstrip(" \t>").startswith("#")),
)


class Refused(ValueError):
    """The text is over a limit; the message names the limit and, where there is one, the line."""


def check_size(text: str) -> None:
    if len(text) > SIZE:
        raise Refused(f"The text has {len(text):,} characters; at most {SIZE:,} are rendered.")
    lines = text.count("\n") + 1
    if lines > LINES:
        raise Refused(f"The text has {lines:,} lines; at most {LINES:,} are rendered.")


def check_code_line(number: int, line: str) -> None:
    if len(line) > CODE_LINE:
        raise Refused(f"Line {number} has {len(line):,} characters; at most {CODE_LINE:,} in a code block.")


def _check_line(number: int, line: str) -> int:
    """How many quotes, lists and headings the line opens."""
    if len(line) > LINE:
        raise Refused(
            f"Line {number} has {len(line):,} characters; at most {LINE:,}. A code block takes up to {CODE_LINE:,}."
        )
    if run := _RUN.search(line):
        raise Refused(f"Line {number} repeats “{run[1]}” more than {RUN} times.")
    at = markers = 0
    while found := _MARKER.match(line, at):
        at, markers = found.end(), markers + 1
        if markers > MARKERS:
            raise Refused(f"Line {number} opens more than {MARKERS} quotes, lists or headings at once.")
    indent = len(line) - len(line.lstrip(" \t"))
    if indent + 3 * line.count("\t", 0, indent) > INDENT and line.strip():
        raise Refused(f"Line {number} is indented by more than {INDENT} columns; put such text in a code block.")
    return markers


def check_lines(lines: Sequence[tuple[int, str]]) -> None:
    """`lines` are those outside code blocks, each with its number in the text."""
    totals = [0] * len(_TOTALS)
    markers = 0
    for blocks, block in enumerate(_blocks(lines), 1):
        _check_block(block)
        if blocks > BLOCKS:
            raise Refused(f"Line {block[0][0]} starts paragraph {blocks:,}; at most {BLOCKS:,} are rendered.")
        for number, line in block:
            markers += _check_line(number, line)
            if markers > ALL_MARKERS:
                raise Refused(f"Line {number} is past the {ALL_MARKERS:,} list items and quotes that are rendered.")
            for place, (most, noun, count) in enumerate(_TOTALS):
                totals[place] += count(line)
                if totals[place] > most:
                    raise Refused(f"Line {number} is past the {most:,} {noun} that are rendered.")


def _blocks(lines: Sequence[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    block: list[tuple[int, str]] = []
    for number, line in lines:
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _check_block(block: Sequence[tuple[int, str]]) -> None:
    first = block[0][0]
    size = sum(len(line) + 1 for _, line in block)
    if size > BLOCK:
        raise Refused(f"The paragraph at line {first} has {size:,} characters; at most {BLOCK:,}.")
    pipes = max(line.count("|") for _, line in block)
    if pipes > 1 and any(_SEPARATOR.match(line) for _, line in block[:3]):
        if pipes > COLUMNS:
            raise Refused(f"The table at line {first} has {pipes} columns; at most {COLUMNS}.")
        if pipes * len(block) > CELLS:
            raise Refused(f"The table at line {first} has {pipes * len(block):,} cells; at most {CELLS:,}.")


def check_tree(root: Element) -> None:
    """After the blocks, before the inline syntax: length times special characters is what inline parsing costs."""
    work = specials = 0
    for element in root.iter():
        for text in (element.text, element.tail):
            if not text:
                continue
            found = len(_SPECIAL.findall(text))
            specials, work = specials + found, work + found * len(text)
            _check_brackets(text)
            if work > WORK or specials > SPECIALS:
                start = " ".join(text.split())[:40]
                raise Refused(f"The text at “{start}” holds too many special characters to be rendered quickly.")


def _check_brackets(text: str) -> None:
    square = round_ = 0
    for found in _BRACKET.finditer(text):
        sign = found[0]
        square = max(0, square + {"[": 1, "]": -1}.get(sign, 0))
        round_ = max(0, round_ + {"(": 1, ")": -1}.get(sign, 0))
        if square > BRACKETS or round_ > BRACKETS:
            start = " ".join(text.split())[:40]
            raise Refused(f"The text at “{start}” opens more than {BRACKETS} brackets without closing them.")
