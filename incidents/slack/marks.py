"""Marks of one line, found in one pass: each opens and closes by what stands beside it, whatever lies between.

Linear in the length of the line: no mark is looked for twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from incidents.slack.spans import BREAK, JOIN, Line, Run, merged


@dataclass(frozen=True, slots=True)
class Mark:
    """`style` is what it begins or ends; empty where it is only a sign."""

    text: str
    style: str
    may_open: bool
    may_close: bool


Token = Run | Mark


def mark_at(line: str, start: int, end: int, style: str, *, within_words: bool) -> Mark:
    """What it may do there: it opens before a word and closes behind one."""
    before, after = line[start - 1 : start], line[end : end + 1]
    opens, closes = not _is_blank(after), not _is_blank(before)
    if not within_words:
        opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
    return Mark(line[start:end], style, opens, closes)


def _is_blank(sign: str) -> bool:
    return not sign or sign.isspace() or sign == BREAK


def paired(tokens: list[Token]) -> Line:
    """Runs with the styles of the marks around them; a mark without its other half is text."""
    used: dict[int, bool] = {}
    waiting: dict[tuple[str, str], int] = {}
    for place, token in enumerate(tokens):
        if isinstance(token, Run) or not token.style:
            continue
        key = (token.text[0], token.style)
        if token.may_close and waiting.get(key, place) < place - 1:
            used[waiting.pop(key)], used[place] = True, False
        elif token.may_open:
            waiting[key] = place
    return merged(_styled(_unbroken(tokens), used))


def _styled(tokens: list[Token], used: dict[int, bool]) -> Iterator[Run]:
    """`used` tells of a mark's place whether it begins or ends its style."""
    depth: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if isinstance(token, Mark) and place in used:
            depth[token.style] = depth.get(token.style, 0) + (1 if used[place] else -1)
            continue
        styles = frozenset(style for style, many in depth.items() if many)
        if isinstance(token, Run):
            yield replace(token, styles=token.styles | styles)
        else:
            yield Run(token.text, styles)


def _unbroken(tokens: list[Token]) -> list[Token]:
    """Without the unseen signs beside marks: they were there for the marks' sake."""
    found = list(tokens)
    for place, token in enumerate(tokens):
        if isinstance(token, Run):
            text = token.text
            if place and isinstance(tokens[place - 1], Mark):
                text = text.lstrip(BREAK + JOIN)
            if place + 1 < len(tokens) and isinstance(tokens[place + 1], Mark):
                text = text.rstrip(BREAK + JOIN)
            found[place] = replace(token, text=text)
    return found
