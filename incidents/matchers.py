"""Conditions on labels as Prometheus and Alertmanager write them: `severity=~"critical|page"`. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from telemetry.redaction import InvalidPattern, safe_expression

MOST = 20
SHAPE = re.compile(r'\s*([a-zA-Z_][\w./-]{0,199})\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",{}]+))\s*(?:,|\Z)')
ESCAPED = re.compile(r"\\(.)")


class BadMatcher(ValueError):
    """A condition that cannot be read; says what was expected."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """`name` is a label's; `operation` one of = != =~ !~, whose expressions must fit the whole value."""

    name: str
    operation: str
    value: str
    _expression: re.Pattern[str] | None = field(default=None, compare=False, repr=False)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """A label that is not there is empty."""
        told = str(labels.get(self.name, ""))
        same = bool(self._expression.fullmatch(told)) if self._expression else told == self.value
        return same != self.operation.startswith("!")


def parse_matchers(text: str) -> list[Matcher]:
    """One condition a line, or several divided by commas; all must hold. Raises BadMatcher naming the line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip().removeprefix("{").removesuffix("}").strip()
        place = 0
        while place < len(line):
            shape = SHAPE.match(line, place)
            if shape is None:
                raise BadMatcher(
                    f'line {number}: expected label="value", !=, =~ or !~, such as severity=~"critical|page"'
                )
            found.append(_matcher(number, shape))
            place = shape.end()
    if len(found) > MOST:
        raise BadMatcher(f"has {len(found)} conditions; expected at most {MOST}")
    return found


def _matcher(number: int, shape: re.Match[str]) -> Matcher:
    name, operation, quoted, bare = shape.groups()
    value = ESCAPED.sub(r"\1", quoted) if quoted is not None and "~" not in operation else (quoted or bare or "")
    if "~" not in operation:
        return Matcher(name, operation, value)
    value = value.replace('\\"', '"').replace("\\\\", "\\")
    if not value:
        raise BadMatcher(f"line {number}: the expression is empty; expected one such as shop-.*")
    try:
        return Matcher(name, operation, value, safe_expression(value))
    except InvalidPattern as problem:
        raise BadMatcher(f"line {number}: expected {problem.expected}") from None
