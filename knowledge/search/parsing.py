"""What people type into the search box, taken apart. Plain values.

`"exact phrase"`, `-without`, and `name:value` with the names of FILTERS; what is no filter is a word. A value with
blanks stands in quotes: `service:"web shop"`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LONGEST = 300
MOST_FILTERS = 12
FIRST, LAST = 1990, 2200
FILTERS = {
    "kind": "incident, postmortem, lesson, checklist, timeline, evidence, followup or event",
    "service": "a service, such as checkout",
    "namespace": "a namespace, such as shop",
    "severity": "a severity, such as SEV1",
    "status": "a status, such as open, resolved or done",
    "reason": "the reason of an Event, such as BackOff",
    "before": "a day such as 2026-11-28",
    "after": "a day such as 2026-11-28",
}
_PART = re.compile(r'(-?)(?:([a-z]{2,12}):)?("[^"]{0,200}"?|\S+)', re.IGNORECASE)
_KEY = re.compile(r"(?i)^(INC|L|F)-?(\d{1,9})$")


@dataclass(frozen=True, slots=True)
class Asked:
    """`words` as PostgreSQL's websearch_to_tsquery takes them; `problems` say what was not understood, by filter."""

    text: str = ""
    words: str = ""
    filters: dict[str, list[str]] = field(default_factory=dict)
    before: datetime | None = None
    after: datetime | None = None
    key: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.filters or self.before or self.after)

    def only(self, name: str) -> list[str]:
        return self.filters.get(name, [])


def parse(text: str) -> Asked:
    """Never raises: what is wrong is told in `problems`, and the rest is searched."""
    text = " ".join(text.replace("\x00", " ").split())[:LONGEST]
    words: list[str] = []
    filters: dict[str, list[str]] = {}
    times: dict[str, datetime] = {}
    problems: dict[str, str] = {}
    for minus, name, value in _PART.findall(text):
        plain, name = value.strip('"'), name.lower()
        if name not in FILTERS or minus:
            words.append(f"{minus}{name}:{plain}" if name else f"{minus}{value}")
        elif not plain:
            problems[name] = f"expected {FILTERS[name]}"
        elif name in {"before", "after"}:
            day = _day(plain)
            if day is None:
                problems[name] = f"is {plain!r}; expected {FILTERS[name]}"
            else:
                # "after" a day means when that day is over.
                times[name] = day + timedelta(days=1) if name == "after" else day
        elif sum(map(len, filters.values())) < MOST_FILTERS:
            known = filters.setdefault(name, [])
            known.append(plain) if plain not in known else None
    found = _KEY.match(" ".join(words))
    key = f"{found[1].upper()}-{int(found[2])}" if found else ""
    return Asked(text, " ".join(words), filters, times.get("before"), times.get("after"), key, problems)


def _day(text: str) -> datetime | None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return day if FIRST <= day.year <= LAST else None


def written(asked: Asked, *, without: tuple[str, str] | None = None, plus: tuple[str, str] | None = None) -> str:
    """The query as text again, with one filter more or less: what the links of facets and chips hold."""
    parts = [asked.words] if asked.words else []
    for name, values in asked.filters.items():
        parts += [_filter(name, value) for value in values if (name, value) != without]
    for name, at in (("before", asked.before), ("after", asked.after)):
        if at is not None and without != (name, ""):
            day = at - timedelta(days=1) if name == "after" else at
            parts.append(f"{name}:{day:%Y-%m-%d}")
    if plus and plus[1] not in asked.only(plus[0]):
        parts.append(_filter(*plus))
    return " ".join(parts)


def _filter(name: str, value: str) -> str:
    return f'{name}:"{value}"' if " " in value else f"{name}:{value}"
