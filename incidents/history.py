"""The history of a post-mortem: texts as they once were, what changed between any two, who wrote which section last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import Length

from accounts.models import User
from incidents.models import Edit, PostMortem, Publication, Revision
from incidents.writing.differences import Piece, sections, words
from incidents.writing.documents import text_at

STEPS = 100
EDITS = 2_000
# Of a stretch that did not change so many lines are shown at either end.
AROUND = 2
_NAME = re.compile(r"(now|([rpv])([1-9]\d{0,17}))")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that can be compared: `name` is `now`, `r12` (revision), `p2` (publication) or `v17` (version)."""

    name: str
    label: str
    title: str
    body: str
    version: int | None
    at: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history. `added` and `removed` are characters since the entry before, None if not known."""

    row: Revision
    name: str
    publication: Publication | None
    people: list[User]
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """What one version changed: finer than a revision."""

    version: int
    at: datetime
    by: str
    via: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` is same, added, removed, or fold: unchanged lines that are not shown at first."""

    kind: str
    text: str
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """Who last wrote under a heading, as far as the edits tell."""

    title: str
    level: int
    by: str
    at: datetime


def revisions(postmortem: PostMortem, find: str = "") -> QuerySet[Revision]:
    rows = postmortem.revisions.select_related("author").prefetch_related("authors")
    if find:
        people = Q(author__name__icontains=find) | Q(author__username__icontains=find)
        rows = rows.filter(Q(body__icontains=find) | Q(title__icontains=find) | Q(note__icontains=find) | people)
    return rows.defer("body")


def entries(postmortem: PostMortem, rows: Sequence[Revision]) -> list[Entry]:
    """The given revisions, newest first, with what was published then and how much each had changed: three queries."""
    published = {one.published_at: one for one in postmortem.publications.defer("body").select_related("published_by")}
    before = postmortem.revisions.filter(pk__lt=rows[-1].pk).values_list("version", flat=True).first() if rows else None
    sizes = _sizes(postmortem, [row.version for row in rows], before)
    found = []
    for row, (added, removed) in zip(rows, sizes, strict=True):
        publication = published.get(row.created_at) if row.note == "Published" else None
        people = list(row.authors.all()) or ([row.author] if row.author else [])
        found.append(Entry(row, f"r{row.pk}", publication, people, added, removed))
    return found


def _sizes(postmortem: PostMortem, versions: list[int], before: int | None) -> list[tuple[int | None, int | None]]:
    """For each version, newest first, the characters that came and went since the one after it in the list."""
    lower = [*versions[1:], before or 0]
    if not versions:
        return []
    edits = postmortem.edits.filter(version__gt=lower[-1], version__lte=versions[0]).order_by()
    by_version = edits.values("version").annotate(came=Sum(Length("inserted")), went=Sum(Length("removed")))
    rows = list(by_version)
    found: list[tuple[int | None, int | None]] = []
    for upper, least in zip(versions, lower, strict=True):
        inside = [row for row in rows if least < row["version"] <= upper]
        known = upper >= postmortem.tracked_from and bool(inside)
        added, removed = sum(row["came"] for row in inside), sum(row["went"] for row in inside)
        found.append((added, removed) if known else (None, None))
    return found


def text_of(postmortem: PostMortem, name: str) -> Text | None:
    """By its name, see Text; None where there is no such text."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    if name == "now":
        by = postmortem.edited_by.display_name if postmortem.edited_by else "Debrief"
        version = postmortem.resource_version
        return Text(name, "Now", postmortem.title, postmortem.body, version, postmortem.updated_at, by)
    number = int(match[3])
    if match[2] == "r":
        row = postmortem.revisions.select_related("author").filter(pk=number).first()
        by = row.author.display_name if row and row.author else "Debrief"
        return Text(name, "Revision", row.title, row.body, row.version, row.created_at, by) if row else None
    if match[2] == "p":
        one = postmortem.publications.select_related("published_by").filter(number=number).first()
        by = one.published_by.display_name if one and one.published_by else "Debrief"
        return Text(name, f"Version {number}", one.title, one.body, None, one.published_at, by) if one else None
    past = text_at(postmortem, number)
    edit = postmortem.edits.select_related("author").filter(version=number).first() if past else None
    by = edit.author.display_name if edit and edit.author else "Debrief"
    at = edit.created_at if edit else None
    return Text(name, f"Step {number}", past[0], past[1], number, at, by) if past else None


def steps_between(postmortem: PostMortem, older: Text, newer: Text) -> list[Step]:
    """The versions between two texts, newest first, at most STEPS."""
    if older.version is None or newer.version is None:
        return []
    edits = postmortem.edits.filter(version__gt=older.version, version__lte=newer.version).order_by()
    rows = edits.values("version", "author__name", "author__username", "via").annotate(
        at=Min("created_at"), came=Sum(Length("inserted")), went=Sum(Length("removed")), n=Count("pk")
    )
    return [
        Step(
            row["version"],
            row["at"],
            row["author__name"] or row["author__username"] or "Debrief",
            row["via"],
            row["came"],
            row["went"],
        )
        for row in rows.order_by("-version", "-at")[:STEPS]
    ]


def changes(before: str, after: str) -> list[Change]:
    """Word differences in the order of the text; long stretches that stayed are folded."""
    pieces = words(before, after)
    found: list[Change] = []
    for place, piece in enumerate(pieces):
        if piece.kind == "same":
            found += _folded(piece, is_first=place == 0, is_last=place == len(pieces) - 1)
        else:
            found.append(Change(piece.kind, piece.text))
    return found


def _folded(piece: Piece, *, is_first: bool, is_last: bool) -> list[Change]:
    lines = piece.text.splitlines(keepends=True)
    head, tail = (0 if is_first else AROUND), (0 if is_last else AROUND)
    hidden = lines[head : len(lines) - tail]
    if len(hidden) <= AROUND:
        return [Change("same", piece.text)]
    shown = [Change("same", "".join(lines[:head])), Change("fold", "".join(hidden), len(hidden))]
    return [one for one in [*shown, Change("same", "".join(lines[len(lines) - tail :]))] if one.text]


def section_authors(postmortem: PostMortem) -> list[Touched]:
    """Walks the newest EDITS edits back from the text of today; a heading that none of them touched is left out."""
    edits = Edit.objects.filter(postmortem=postmortem, field=Edit.Field.BODY).select_related("author").order_by("-id")
    found = sections(postmortem.body)
    starts = [one.start for one in found] + [len(postmortem.body)]
    # By place in `found`: where its own words are in the text that the edit at hand led to.
    left = {place: (starts[place], starts[place + 1]) for place in range(len(found))}
    touched: dict[int, Touched] = {}
    for edit in edits[:EDITS]:
        if not left:
            break
        end, shift = edit.start + len(edit.inserted), len(edit.removed) - len(edit.inserted)
        for place, (first, last) in list(left.items()):
            at_start = first <= edit.start < last or (edit.start == last == starts[-1])
            if at_start if edit.start == end else edit.start < last and end > first:
                by = edit.author.display_name if edit.author else "Debrief"
                touched[place] = Touched(found[place].title, found[place].level, by, edit.created_at)
                del left[place]
            elif first >= end:
                left[place] = (first + shift, last + shift)
    return [touched[place] for place in sorted(touched)]
