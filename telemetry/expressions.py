"""Regular expressions that people write, and whether they could run away on some text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

LONGEST = 300
SIGN = re.compile(
    r"\((?:\?(?:P<\w+>|[a-zA-Z-]+:?|<?[=!]|[:>])?)?|(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d*)\})[?+]?|.", re.DOTALL
)
REPEAT = re.compile(r"[*+?]|\{.")
TIMES = re.compile(r"\{(\d*)(,?)(\d*)\}")
UNENDING = 2**32
# A repeat with more choices than this counts as open-ended; all others together may have so many.
OPEN_ENDED, MOST_WAYS, MOST_OPEN = 64, 10_000, 2
EXPECTED = "at most two open-ended repeats, none on a group, and few choices in groups that are repeated"


class InvalidPattern(ValueError):
    """An expression that cannot be used; `field` names it, `expected` says what would do."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"redaction pattern {name!r}: expected {expected}")
        self.field = name
        self.expected = expected


def safe_expression(source: str, name: str = "expression") -> re.Pattern[str]:
    """`source` compiled; it may match the empty text. Raises `InvalidPattern` if malformed or it could run away."""
    if not source or len(source) > LONGEST:
        raise InvalidPattern(name, f"an expression of 1 to {LONGEST} characters")
    try:
        expression = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidPattern(name, f"a regular expression of Python's `re` ({error})") from None
    # Classes and escapes go first: a star inside them is a character, not a repeat.
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", re.sub(r"\\[^1-9]", "x", source))
    if re.search(r"\\[1-9]|\(\?P=|\(\?\(", bare):
        raise InvalidPattern(name, "no back-references")
    if _ways(bare) > MOST_WAYS:
        raise InvalidPattern(name, EXPECTED)
    return expression


@dataclass(slots=True)
class _Group:
    """One group as far as it was read: in how many ways its other branches, this branch and its last part match."""

    others: float = 0.0
    before: float = 1.0
    last: float = 1.0
    last_is_group: bool = False
    opened: int = 0
    opened_in_last: int = 0

    def add(self, ways: float = 1.0, *, is_group: bool = False, opened: int = 0) -> None:
        self.before, self.last, self.last_is_group = self.before * self.last, ways, is_group
        self.opened, self.opened_in_last = self.opened + opened, opened

    def branch(self) -> None:
        self.others, self.before, self.last = self.total(), 1.0, 1.0

    def repeat(self, least: int, most: int) -> None:
        choices = most - least
        if choices > OPEN_ENDED:
            self.opened += 1
            self.last = math.inf if self.last_is_group else 1.0
        elif most > 1 and (self.opened_in_last or self.last > MOST_WAYS or (self.last > 1 and most > OPEN_ENDED)):
            self.last = math.inf
        else:
            self.last = (self.last**most if self.last > 1 else 1.0) * (choices + 1)

    def total(self) -> float:
        return self.others + self.before * self.last


def _ways(bare: str) -> float:
    """In how many ways it may be tried at one place; infinite where it is open-ended too often or around a group."""
    groups = [_Group()]
    for sign in SIGN.findall(bare):
        if sign[0] == "(":
            groups.append(_Group())
        elif sign == ")" and len(groups) > 1:
            inner = groups.pop()
            groups[-1].add(inner.total(), is_group=True, opened=inner.opened)
        elif sign == "|":
            groups[-1].branch()
        elif REPEAT.match(sign):
            groups[-1].repeat(*_times(sign))
        else:
            groups[-1].add()
    return math.inf if groups[0].opened > MOST_OPEN else groups[0].total()


def _times(sign: str) -> tuple[int, int]:
    told = TIMES.match(sign)
    if told is None:
        return {"?": (0, 1), "*": (0, UNENDING), "+": (1, UNENDING)}[sign[0]]
    least = int(told[1] or 0)
    return (least, int(told[3] or UNENDING)) if told[2] else (least, least)
