"""Three-way merge: what two people made of one text becomes one text; what cannot is named, with both sides.

First by lines, and where both touched the same lines, by words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from incidents.writing.differences import EQUAL, INSERT, compare_tokens, sections, tokens


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides wrote here. `heading` is the section of the merged text it stands in, or empty."""

    base: str
    mine: str
    theirs: str
    heading: str


@dataclass(frozen=True, slots=True)
class Merged:
    """`text` holds every change that could be merged; where there is a conflict it holds theirs."""

    text: str
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """The tokens from `start` to `end` of the base became `tokens`."""

    start: int
    end: int
    tokens: tuple[str, ...]


Solve = Callable[[str, str, str], "str | None"]


def merge(base: str, mine: str, theirs: str) -> Merged:
    """Both texts came from `base`. Where both say the same, or only one changed anything, nothing is in conflict."""
    parts: list[str] = []
    open_: list[tuple[int, str, str, str]] = []
    for piece in _walk(_lines(base), _lines(mine), _lines(theirs), by_lines=True):
        if isinstance(piece, str):
            parts.append(piece)
            continue
        solved = _by_words(*piece)
        if solved is None:
            open_.append((sum(map(len, parts)), *piece))
        parts.append(piece[2] if solved is None else solved)
    text = "".join(parts)
    heads = sections(text)
    conflicts = []
    for at, old, left, right in open_:
        within = [head.title for head in heads if head.start <= at]
        conflicts.append(Conflict(old, left, right, within[-1] if within else ""))
    return Merged(text, tuple(conflicts))


def _by_words(base: str, mine: str, theirs: str) -> str | None:
    parts: list[str] = []
    for piece in _walk(tokens(base), tokens(mine), tokens(theirs), by_lines=False):
        if not isinstance(piece, str):
            return None
        parts.append(piece)
    return "".join(parts)


def _walk(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str], *, by_lines: bool
) -> list[str | tuple[str, str, str]]:
    """Stretches of the merged text; a triple (base, mine, theirs) where both changed the same."""
    ours, others = _changes(base, mine), _changes(base, theirs)
    found: list[str | tuple[str, str, str]] = []
    at = 0
    while ours or others:
        start = min(side[0].start for side in (ours, others) if side)
        end = start
        taken: tuple[list[_Change], list[_Change]] = ([], [])
        # Grow until no change of either side reaches into the stretch any more.
        grew = True
        while grew:
            grew = False
            for side, own in zip((ours, others), taken, strict=True):
                while side and (side[0].start < end or side[0].start == start or _touches(side[0], end, taken)):
                    end = max(end, side[0].end)
                    own.append(side.pop(0))
                    grew = True
        found.append("".join(base[at:start]))
        found.append(_stretch(base, start, end, taken, by_lines=by_lines))
        at = end
    found.append("".join(base[at:]))
    return [piece for piece in found if piece]


def _touches(change: _Change, end: int, taken: tuple[list[_Change], list[_Change]]) -> bool:
    """An insertion right where the other side's change ends belongs to it: their order is not known."""
    return change.start == end and change.start == change.end and bool(taken[0] or taken[1])


def _stretch(
    base: Sequence[str], start: int, end: int, taken: tuple[list[_Change], list[_Change]], *, by_lines: bool
) -> str | tuple[str, str, str]:
    mine, theirs = (_applied(base, start, end, own) for own in taken)
    old = "".join(base[start:end])
    if not taken[0] or mine == theirs:
        return theirs
    if not taken[1]:
        return mine
    if by_lines and start == end and mine.endswith("\n") and theirs.endswith("\n"):
        return _both(mine, theirs) or (old, mine, theirs)
    return (old, mine, theirs)


def _both(mine: str, theirs: str) -> str:
    """Two new paragraphs at one place exclude each other no more than two people in one room do. The same writing sent
    once more, and meanwhile continued, is one paragraph; where they share only some lines, nobody can tell: "".
    """
    if mine.startswith(theirs) or theirs.startswith(mine):
        return max(mine, theirs, key=len)
    shared = {line for line in mine.splitlines() if line.strip()} & set(theirs.splitlines())
    return "" if shared else theirs + mine


def _applied(base: Sequence[str], start: int, end: int, changes: list[_Change]) -> str:
    parts: list[str] = []
    at = start
    for change in changes:
        parts += [*base[at : change.start], *change.tokens]
        at = change.end
    return "".join([*parts, *base[at:end]])


def _changes(base: Sequence[str], other: Sequence[str]) -> list[_Change]:
    found: list[_Change] = []
    b_at = o_at = 0
    start, changed = 0, False
    new: list[str] = []
    for kind, length in [*compare_tokens(base, other, tidy=False), (EQUAL, 0)]:
        if kind == EQUAL:
            if changed:
                found.append(_Change(start, b_at, tuple(new)))
            b_at, o_at = b_at + length, o_at + length
            start, new, changed = b_at, [], False
        elif kind == INSERT:
            new += other[o_at : o_at + length]
            o_at, changed = o_at + length, True
        else:
            b_at, changed = b_at + length, True
    return found


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True) if "\n" in text else [text] if text else []
