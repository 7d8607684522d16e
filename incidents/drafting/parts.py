"""Which drafted parts stand as they were drafted, and what a newer draft has to add. Plain Python over texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LABELS = {
    "summary": "Summary",
    "impact": "Impact",
    "timeline": "Timeline",
    "detection": "Detection",
    "contributing": "Contributing factors",
    "recovery": "Recovery",
    "followups": "Follow-ups",
    "not_collected": "What could not be collected",
}
_ROW_TIME = re.compile(r"\|\s*(\d{2}:\d{2}:\d{2})\s*\|")
_RULE = re.compile(r"[|:\- ]+")


@dataclass(frozen=True, slots=True)
class Untouched:
    """A part whose drafted text stands at `start` to `end` (characters of the body), word for word."""

    variable: str
    start: int
    end: int

    @property
    def label(self) -> str:
        return LABELS.get(self.variable, self.variable)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What Debrief can add to one part. `text` is the whole new draft, which takes the old one's place where nobody
    has touched that (`replaces`) and all lines are wanted."""

    variable: str
    lines: tuple[str, ...]
    text: str
    replaces: bool

    @property
    def label(self) -> str:
        return LABELS.get(self.variable, self.variable)


def untouched(body: str, drafted: Mapping[str, str]) -> list[Untouched]:
    """The parts that are as drafted, in the order of the text. A person's first change of a part ends that."""
    found: list[Untouched] = []
    for variable, text in sorted(drafted.items(), key=lambda pair: -len(pair[1])):
        start = _place(body, text, found) if isinstance(text, str) and text.strip() else -1
        if start >= 0:
            found.append(Untouched(variable, start, start + len(text)))
    return sorted(found, key=lambda part: part.start)


def _place(body: str, text: str, taken: list[Untouched]) -> int:
    """Where `text` stands on lines of its own, outside of what others have taken; -1 where it does not."""
    start = body.find(text)
    while start >= 0:
        end = start + len(text)
        whole = (start == 0 or body[start - 1] == "\n") and (end == len(body) or body[end] == "\n")
        if whole and all(end <= part.start or start >= part.end for part in taken):
            return start
        start = body.find(text, start + 1)
    return -1


def proposals(body: str, drafted: Mapping[str, str], fresh: Mapping[str, str]) -> list[Proposal]:
    """Per part the lines that the fresh draft has and neither the old draft nor the text has."""
    standing = {part.variable for part in untouched(body, drafted)}
    have = {_bare(line) for line in body.split("\n")}
    found = []
    for variable, text in fresh.items():
        had = have | {_bare(line) for line in drafted.get(variable, "").split("\n")}
        lines = dict.fromkeys(
            line.rstrip() for line in text.split("\n") if not _RULE.fullmatch(line) and _bare(line) not in had
        )
        if lines:
            found.append(Proposal(variable, tuple(lines), text, variable in standing))
    return found


def _bare(line: str) -> str:
    return " ".join(line.split())


def added(section: str, lines: list[str]) -> str:
    """`section` with `lines` at its end; rows of a table go into its last table, at their time where it is in order."""
    rows = [line for line in lines if line.startswith("|")]
    prose = [line for line in lines if not line.startswith("|")]
    text = _with_rows(section.rstrip("\n"), rows) if rows else section.rstrip("\n")
    if prose:
        loose = "\n" if all(line.startswith("- ") for line in prose) else "\n\n"
        listed = loose == "\n" and text.rpartition("\n")[2].startswith("- ")
        text += ("\n" if listed else "\n\n") + loose.join(prose)
    return text.lstrip("\n") if not section.strip() else text


def _with_rows(section: str, rows: list[str]) -> str:
    lines = section.split("\n")
    last = max((place for place, line in enumerate(lines) if line.startswith("|")), default=-1)
    if last < 0:
        return "\n".join([*lines, "", *["| UTC | What happened |", "|---|---|"], *rows])
    first = last
    while first > 0 and lines[first - 1].startswith("|"):
        first -= 1
    table = lines[first : last + 1]
    for row in rows:
        table.insert(_row_place(table, row), row)
    return "\n".join([*lines[:first], *table, *lines[last + 1 :]])


def _row_place(table: list[str], row: str) -> int:
    """Before the first later row, where the rows are in the order of their times; else at the end."""
    new = _ROW_TIME.match(row)
    times = [(place, found[1]) for place, line in enumerate(table) if (found := _ROW_TIME.match(line))]
    if new is None or [time for _, time in times] != sorted(time for _, time in times):
        return len(table)
    return next((place for place, time in times if time > new[1]), len(table))
