"""Which lines of a text are prose: code blocks, embeds and comments stand apart, before anything else is read.

The renderer sets them aside by these rules, and whoever looks for headings leaves them out by the same. Plain Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_REF = r"(?:E|INC|F|L)-[1-9]\d{0,8}"
_EMBED = re.compile(rf"([ \t>]{{0,40}})!\[\[({_REF}|timeline)((?: [^\[\]]{{0,500}})?)\]\][ \t]*$")
_FENCE = re.compile(r"((?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t]){0,48})(`{3,120}|~{3,120})[ \t]*([^`]{0,200})$")
_QUOTE = re.compile(r"[ \t]*>[ \t]?")
COMMENT_LINES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """`at` is its number from 0. `kind` is text, code or embed; what begins with code or an embed has a `prefix` that
    may continue a list or a quote, and what the text says in `parts`: (language, code) or (reference, options).
    """

    at: int
    kind: str
    text: str = ""
    prefix: str = ""
    parts: tuple[str, str] = ("", "")

    @property
    def is_alone(self) -> bool:
        """A block of its own: neither in a list nor in a quote."""
        return not self.prefix.strip(" ") and len(self.prefix) <= 1


def walk(lines: Sequence[str], check_code_line: Callable[[int, str], None] | None = None) -> Iterator[Line]:
    """The lines outside of comments; a code block is one of them. `check_code_line` gets numbers from 1."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence := _FENCE.match(line):
            code, after = _fenced(lines, at, fence, check_code_line)
            yield Line(at, "code", line, fence[1], (fence[3], code))
            at = after
        elif embed := _EMBED.match(line):
            yield Line(at, "embed", line, embed[1], (embed[2], embed[3]))
            at += 1
        elif line.startswith("<!--") and (after := _comment_end(lines, at)):
            at = after
        else:
            yield Line(at, "text", line)
            at += 1


def _fenced(
    lines: Sequence[str], at: int, fence: re.Match[str], check: Callable[[int, str], None] | None
) -> tuple[str, int]:
    """The code, and the line after it. As in CommonMark an unclosed block lasts to the end of its quote or text."""
    depth, indent, mark = fence[1].count(">"), len(fence[1].rpartition(">")[2]), fence[2]
    body: list[str] = []
    for number in range(at + 1, len(lines)):
        line = lines[number]
        for _ in range(depth):
            quote = _QUOTE.match(line)
            if not quote:
                return "\n".join(body), number
            line = line[quote.end() :]
        bare = line.strip(" \t")
        if bare.startswith(mark) and not bare.strip(mark[0]):
            return "\n".join(body), number + 1
        if check:
            check(number + 1, line)
        spaces = len(line) - len(line.lstrip(" "))
        body.append(line[min(indent, spaces) :])
    return "\n".join(body), len(lines)


def _comment_end(lines: Sequence[str], at: int) -> int:
    """The line after `<!-- … -->`, where the comment ends its line within COMMENT_LINES; else 0."""
    for number in range(at, min(at + COMMENT_LINES, len(lines))):
        if lines[number].rstrip().endswith("-->"):
            return number + 1
    return 0
