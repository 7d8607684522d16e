"""Two texts side by side, difference by difference, and the text that comes of choosing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.problems import InvalidInput
from incidents.writing.differences import EQUAL, INSERT, Piece, compare_tokens, words

CHOICES = {"current", "other", "both"}


@dataclass(frozen=True, slots=True)
class Part:
    """`key` is empty where both say the same; else `current` and `other` differ, and `pieces` shows how."""

    key: str
    current: str
    other: str
    pieces: tuple[Piece, ...] = ()

    @property
    def is_same(self) -> bool:
        return not self.key

    @property
    def lines(self) -> int:
        return self.current.count("\n")


def compared(current: str, other: str) -> list[Part]:
    """By lines; where they differ, by words."""
    left, right = current.splitlines(keepends=True), other.splitlines(keepends=True)
    found: list[Part] = []
    l_at = r_at = 0
    mine, theirs = "", ""

    def close() -> None:
        nonlocal mine, theirs
        if mine or theirs:
            found.append(Part(str(len(found) + 1), mine, theirs, tuple(words(mine, theirs))))
        mine = theirs = ""

    for kind, length in compare_tokens(left, right, tidy=False):
        if kind == EQUAL:
            close()
            text = "".join(left[l_at : l_at + length])
            found.append(Part("", text, text))
            l_at, r_at = l_at + length, r_at + length
        elif kind == INSERT:
            theirs += "".join(right[r_at : r_at + length])
            r_at += length
        else:
            mine += "".join(left[l_at : l_at + length])
            l_at += length
    close()
    return found


def composed(parts: list[Part], chosen: Mapping[str, str]) -> str:
    """Raises InvalidInput naming a difference for which nothing was chosen."""
    text = ""
    for part in parts:
        choice = chosen.get(part.key, "") if part.key else "current"
        if choice not in CHOICES:
            raise InvalidInput(f"part-{part.key}", "choose the current text, the other one or both")
        text += part.current if choice != "other" else ""
        if choice == "both" and part.current and not part.current.endswith("\n"):
            text += "\n"
        text += part.other if choice != "current" and not part.is_same else ""
    return text
