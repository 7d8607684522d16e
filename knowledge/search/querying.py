"""One search: what matches and may be seen, ranked, counted by facet, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from knowledge.models import SearchDocument
from knowledge.search.parsing import Asked, parse
from knowledge.search.snippets import Part, marked, snippet
from knowledge.search.statement import CONSIDERED, Statement
from knowledge.search.words import suggestion

PAGE = 20
DEEPEST = 1_000
FACET_VALUES = 8
FACETS = ("kind", "severity", "service", "reason")
LABELS = dict(SearchDocument.Kind.choices)


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `title_parts` and `parts` are `[(text, is marked)]`; `row` is the SearchDocument without its body."""

    kind: str
    title: str
    url: str
    parts: list[Part]
    title_parts: list[Part]
    row: SearchDocument

    @property
    def snippet(self) -> str:
        return "".join(text for text, _ in self.parts)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results. `facets`: `{"service": [(value, label, count, is chosen)]}`; `next` 0 where it is the last;
    `is_more`: there are more than `total`, and the facets count some of them.
    """

    asked: Asked
    hits: list[Hit] = field(default_factory=list)
    total: int = 0
    facets: dict[str, list[tuple[str, str, int, bool]]] = field(default_factory=dict)
    next: int = 0
    is_more: bool = False
    suggestion: str = ""


def search(
    text: str | Asked,
    person: User,
    *,
    start: int = 0,
    newest: bool = False,
    size: int = PAGE,
    typing: bool = False,
) -> Found:
    """`typing`: the last word is only begun."""
    asked = parse(text) if isinstance(text, str) else text
    if asked.is_empty:
        return Found(asked)
    start = max(0, min(start, DEEPEST))
    rows = Statement(asked, person, typing=typing).run(start=start, size=size + 1, newest=newest)
    total, facets, stems, page = _sorted_out(rows, asked)
    more = len(page) > size and start + size <= DEEPEST
    hits = _hits(page[:size], stems)
    helped = suggestion(asked, person) if total < 3 and asked.words else ""
    return Found(asked, hits, total, facets, start + size if more else 0, total >= CONSIDERED, helped)


Sorted = tuple[int, dict[str, list[tuple[str, str, int, bool]]], list[str], list[int]]


def _sorted_out(rows: Sequence[tuple[Any, ...]], asked: Asked) -> Sorted:
    total, stems, page = 0, [], []
    counted: dict[str, list[tuple[str, int]]] = {name: [] for name in FACETS}
    for what, value, count in rows:
        if what == "total":
            total = count
        elif what == "stem":
            stems.append(value)
        elif what == "page":
            page.append((count, int(value)))
        else:
            counted[what].append((value, count))
    facets = {name: _facet(name, values, asked) for name, values in counted.items()}
    return total, facets, stems, [pk for _, pk in sorted(page)]


def _facet(name: str, values: list[tuple[str, int]], asked: Asked) -> list[tuple[str, str, int, bool]]:
    chosen = {one.lower() for one in asked.only(name)}
    values.sort(key=lambda one: (one[0].lower() not in chosen, -one[1], one[0]))
    if name == "severity":
        values.sort()
    return [
        (value, LABELS.get(value, value) if name == "kind" else value, count, value.lower() in chosen)
        for value, count in values[:FACET_VALUES]
    ]


def _hits(page: Sequence[int], stems: Sequence[str]) -> list[Hit]:
    rows = SearchDocument.objects.defer("vector", "keywords").select_related("incident", "lesson").in_bulk(list(page))
    found = [rows[pk] for pk in page if pk in rows]
    return [
        Hit(row.kind, _title(row), row.url, snippet(row.body, stems), marked(_title(row), stems), row) for row in found
    ]


def _title(row: SearchDocument) -> str:
    return f"{row.key} {row.title}" if row.key else row.title
