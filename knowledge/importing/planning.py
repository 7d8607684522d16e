"""What an import would do, file by file; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from incidents.models import Incident
from knowledge.importing.reading import Document, Unreadable, find_files, read_document
from knowledge.importing.recognising import Recognised, recognise
from knowledge.models import ImportedDocument

MOST_SERVICES = 1_000


@dataclass(frozen=True, slots=True)
class Planned:
    """One file; `place` is where it lies, by which a changed one is known again. `known` is the key of the incident that it became before, `problem` why it cannot be taken."""

    path: str
    document: Document | None = None
    recognised: Recognised | None = None
    known: str = ""
    problem: str = ""
    place: str = ""

    @property
    def is_new(self) -> bool:
        return self.document is not None and not self.known and not self.problem


def plan(root: Path) -> Iterator[Planned]:
    services = known_services()
    seen: dict[str, str] = {}
    for path in find_files(root):
        one = _planned(path, root, services)
        if one.document is not None and (first := seen.setdefault(one.document.digest, one.path)) != one.path:
            one = Planned(one.path, problem=f"is the same file as {first}")
        yield one


def known_services() -> list[str]:
    """Those that incidents name, for files that name none."""
    found: dict[str, None] = {}
    for names in Incident.objects.exclude(services=[]).order_by("-number").values_list("services", flat=True)[:2_000]:
        found.update(dict.fromkeys(names))
    return list(found)[:MOST_SERVICES]


def _planned(path: Path, root: Path, services: list[str]) -> Planned:
    name = str(path.relative_to(root)) if path != root else path.name
    try:
        document = read_document(path, root)
    except Unreadable as problem:
        return Planned(name, problem=str(problem))
    rows = ImportedDocument.objects.select_related("postmortem__incident")
    if (same := rows.filter(digest=document.digest).first()) is not None:
        return Planned(name, document, known=same.postmortem.incident.key)
    if (before := rows.filter(path=str(path.absolute())[-500:]).first()) is not None:
        key = before.postmortem.incident.key
        return Planned(name, document, problem=f"has changed since it became {key}; edit the post-mortem there")
    try:
        recognised = recognise(document.body, document.front, document.name, services)
    except (ValueError, OverflowError) as problem:
        return Planned(name, document, problem=f"says something that cannot be read: {problem}")
    recognised.notes[:0] = document.notes
    if recognised.at is None:
        recognised.notes.append("No date was found; the day of the import stands for it.")
    if recognised.severity is None:
        recognised.notes.append("No severity was found; somebody has to choose one.")
    return Planned(name, document, recognised, place=str(path.absolute())[-500:])
