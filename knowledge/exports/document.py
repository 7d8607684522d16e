"""What every export is written from: a cover, chapters of blocks, an appendix of the evidence cited. Plain Python."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

# What XML cannot hold; the files of office programs are XML.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one manner. `href` is absolute or empty; `raised` is a citation of evidence."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    struck: bool = False
    raised: bool = False
    href: str = ""


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    spans: Spans


@dataclass(frozen=True, slots=True)
class Item:
    """`ticked` is None where there is no box before it."""

    blocks: tuple[Block, ...]
    ticked: bool | None = None


@dataclass(frozen=True, slots=True)
class Items:
    rows: tuple[Item, ...]
    ordered: bool = False
    start: int = 1


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`head` may be empty; `aligns` has left, right, center or "" for each column."""

    head: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    aligns: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        return max([len(self.head), *(len(row) for row in self.rows)], default=0)


@dataclass(frozen=True, slots=True)
class Box:
    """A callout (note, tip, important, warning, caution) or a quote."""

    kind: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: seconds since the epoch and a value, or None where there is a gap."""

    name: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The numbers of a drawn metric, for programs with charts of their own. `band` is of the incident."""

    lines: tuple[Line, ...]
    unit: str
    zone: str
    band: tuple[float | None, float | None] = (None, None)
    baseline: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """`svg` is a whole document with its own colours, `picture` the bytes of a PNG or JPEG; one of both or neither.

    `blocks` is what stands beside the drawing: a log, the facts of an item.
    """

    caption: str
    label: str
    alt: str
    source: str = ""
    href: str = ""
    svg: str = ""
    width: float = 0
    height: float = 0
    picture: bytes = field(default=b"", repr=False)
    mime: str = ""
    chart: Chart | None = None
    blocks: tuple[Block, ...] = ()

    @property
    def is_drawn(self) -> bool:
        return bool(self.svg or self.picture)


@dataclass(frozen=True, slots=True)
class Rule:
    pass


Block = Paragraph | Heading | Items | Code | Table | Box | Figure | Rule


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    full: str = ""


@dataclass(frozen=True, slots=True)
class Promise:
    """A follow-up as it stands when the file is made."""

    key: str
    title: str
    state: str
    owner: str
    due: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """A line of the appendix: the item, where it is from, when, and the hash it was frozen under."""

    key: str
    title: str
    kind: str
    source: str
    times: str
    sha256: str
    query: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """`kind` is postmortem, lesson or own; `rank` the severity's shape, 1 to 4, or 0."""

    kind: str
    key: str
    title: str
    href: str = ""
    severity: str = ""
    rank: int = 0
    state: str = ""
    facts: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    promises: tuple[Promise, ...] = ()
    notes: str = ""
    questions: tuple[str, ...] = ()
    minutes: int = 0
    cited: tuple[Cited, ...] = ()

    @property
    def head(self) -> str:
        name = f"{self.key} {self.title}".strip()
        return f"{name} ({self.state})" if self.state else name


@dataclass(frozen=True, slots=True)
class Document:
    """`at` is a time of the content, never of the making: the same content gives the same file."""

    kind: str
    title: str
    at: datetime
    subtitle: str = ""
    facts: tuple[Fact, ...] = ()
    introduction: tuple[Block, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    left_out: int = 0
    restricted: bool = False
    address: str = ""

    @property
    def left_out_note(self) -> str:
        if not self.left_out:
            return ""
        many = "1 restricted item was" if self.left_out == 1 else f"{self.left_out} restricted items were"
        return f"{many} left out: who this file was made for may not see what it holds."

    def cited(self) -> list[Cited]:
        return [one for chapter in self.chapters for one in chapter.cited]

    def figures(self) -> Iterator[Figure]:
        yield from figures_in(self.introduction)
        for chapter in self.chapters:
            for section in chapter.sections:
                yield from figures_in(section.blocks)

    def digest(self) -> str:
        """sha256 of all that goes in."""
        told = json.dumps(asdict(self), default=_plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def figures_in(blocks: Iterable[Block]) -> Iterator[Figure]:
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Box):
            yield from figures_in(block.blocks)
        elif isinstance(block, Items):
            for row in block.rows:
                yield from figures_in(row.blocks)


def clean(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def plain(spans: Iterable[Span]) -> str:
    return " ".join("".join(span.text for span in spans).split())


def text_of(blocks: Iterable[Block]) -> str:
    """All words, one block a line."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            lines.append(plain(block.spans))
        elif isinstance(block, Items):
            lines += [text_of(row.blocks) for row in block.rows]
        elif isinstance(block, Code):
            lines.append(block.text)
        elif isinstance(block, Table):
            lines += [" ".join(plain(cell) for cell in row) for row in (block.head, *block.rows)]
        elif isinstance(block, Box):
            lines += [block.title, text_of(block.blocks)]
        elif isinstance(block, Figure):
            lines += [block.caption, text_of(block.blocks)]
    return "\n".join(line for line in lines if line)
