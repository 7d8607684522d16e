"""What a text says, whichever marks it was written with: runs of words with styles, in paragraphs, lists and quotes.

Slack's rich text, its mrkdwn and our Markdown are read into these and written from them. Plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

BOLD, ITALIC, STRIKE = "bold", "italic", "strike"
# From the outside in, as they are written within each other.
STYLES = (STRIKE, BOLD, ITALIC)
PLAIN: frozenset[str] = frozenset()
# Seen by nobody: it keeps a sign from being a mark, or lets a mark end within a word.
BREAK = "\u200b"
# Seen by nobody either: it stands between a mark and a sign that is none.
JOIN = "\u2060"
MARKS = "*_~`"


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one look. `link` is where they lead; `token` is a mention as Slack writes it."""

    text: str
    styles: frozenset[str] = PLAIN
    is_code: bool = False
    link: str = ""
    token: str = ""


Line = list[Run]


@dataclass(slots=True)
class Paragraph:
    lines: list[Line]


@dataclass(slots=True)
class Item:
    """`level` from 0; `number` is None in a list without numbers. Further lines go on below the first."""

    level: int
    number: int | None
    lines: list[Line]


@dataclass(slots=True)
class Items:
    items: list[Item]


@dataclass(slots=True)
class Fence:
    text: str


@dataclass(slots=True)
class Quote:
    blocks: list[Block] = field(default_factory=list)


Block = Paragraph | Items | Fence | Quote


def paragraphs(lines: Iterable[Line]) -> list[Block]:
    """Lines without words stand between paragraphs."""
    found: list[Block] = []
    for is_said, group in groupby(lines, key=lambda line: any(run.text.strip() for run in line)):
        if is_said:
            found.append(Paragraph(list(group)))
    return found


def marked(line: Line, leaf: Callable[[Run], str], signs: dict[str, str]) -> str:
    """One line with its marks: those of a style stand around all neighbours that have it."""
    return _marked(merged(line), leaf, signs, 0)


def _marked(line: Line, leaf: Callable[[Run], str], signs: dict[str, str], depth: int) -> str:
    if depth == len(STYLES):
        return "".join(map(leaf, line))
    style, pieces = STYLES[depth], []
    for has, group in groupby(line, key=lambda run: style in run.styles):
        inner = _marked(list(group), leaf, signs, depth + 1)
        pieces.append((_around(inner, signs[style]), True) if has else (inner, False))
    return _joined(pieces)


def _around(inner: str, sign: str) -> str:
    """Blanks stay outside: no mark begins or ends at one."""
    core = inner.strip()
    if not core.strip(BREAK):
        return inner
    start, end = inner.index(core), inner.index(core) + len(core)
    first, last = (JOIN if core[place] in (BREAK, sign[0]) else "" for place in (0, -1))
    return f"{inner[:start]}{sign}{first}{core}{last}{sign}{inner[end:]}"


def _joined(pieces: list[tuple[str, bool]]) -> str:
    found: list[str] = []
    last, was_marked = "", False
    for text, is_marked in pieces:
        if not text:
            continue
        meets = last and (
            (is_marked and text[0] in MARKS and _touches(last)) or (was_marked and last in MARKS and _touches(text[0]))
        )
        found += [BREAK, text] if meets else [text]
        last, was_marked = text[-1], is_marked
    return "".join(found)


def _touches(sign: str) -> bool:
    return sign.isalnum() or sign in MARKS


def merged(line: Iterable[Run]) -> Line:
    """Neighbours that look alike are one run."""
    found: Line = []
    for run in line:
        last = found[-1] if found else None
        alike = last is not None and (last.styles, last.is_code, last.link) == (run.styles, run.is_code, run.link)
        if last is not None and alike and not (last.token or run.token or run.link):
            found[-1] = Run(last.text + run.text, run.styles, run.is_code)
        elif run.text:
            found.append(run)
    return found


def words(blocks: Iterable[Block]) -> str:
    """Without marks, one line for each."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Fence):
            found.append(block.text)
        elif isinstance(block, Quote):
            found.append(words(block.blocks))
        elif isinstance(block, Items):
            found += [_said(line) for item in block.items for line in item.lines]
        else:
            found += map(_said, block.lines)
    return "\n".join(line for line in "\n".join(found).splitlines() if line.strip())


def _said(line: Line) -> str:
    return "".join(run.text for run in line).replace(BREAK, "").strip()
