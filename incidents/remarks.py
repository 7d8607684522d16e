"""The comments of a post-mortem as one reader sees them: threads in the order of the text, rendered at once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import User
from incidents import markdown
from incidents.actions.comment import may_settle
from incidents.models import Comment, PostMortem
from incidents.naming import Named
from incidents.writing.crdt import is_anchor
from incidents.writing.differences import Piece, words
from incidents.writing.documents import places

SHOWN = ("all", "mine", "suggestions")


@dataclass(frozen=True, slots=True)
class Remark:
    row: Comment
    html: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """`change` are the word differences of a suggestion; `anchor` is JSON for the editor, empty without a place."""

    root: Remark
    answers: list[Remark]
    change: list[Piece]
    anchor: str
    is_gone: bool
    may_settle: bool

    @property
    def row(self) -> Comment:
        return self.root.row


@dataclass(frozen=True, slots=True)
class Threads:
    open: list[Thread]
    resolved: list[Thread]
    shown: str
    total_open: int
    total_resolved: int


def threads_of(postmortem: PostMortem, person: User, *, shown: str = "all") -> Threads:
    """A fixed number of queries, however many comments. Open threads stand in the order of what they are about."""
    rows = list(postmortem.comments.select_related("author", "resolved_by"))
    html = _rendered(rows, postmortem, person)
    answers: dict[int, list[Remark]] = defaultdict(list)
    for row in rows:
        if row.parent_id is not None:
            answers[row.parent_id].append(Remark(row, html[row.pk], row.author_id == person.pk))
    roots = [row for row in rows if row.parent_id is None]
    at = dict(zip((row.pk for row in roots), places(postmortem.pk, [row.anchor for row in roots]), strict=True))
    found = [_thread(row, html[row.pk], answers[row.pk], at[row.pk] is None, person) for row in roots]
    found.sort(key=lambda one: (at[one.row.pk] or (10**9, 0), one.row.pk))
    chosen = [one for one in found if _is_shown(one, shown, person)]
    still = [one for one in found if one.row.resolved_at is None]
    return Threads(
        open=[one for one in chosen if one.row.resolved_at is None],
        resolved=[one for one in chosen if one.row.resolved_at is not None],
        shown=shown,
        total_open=len(still),
        total_resolved=len(found) - len(still),
    )


def _rendered(rows: Iterable[Comment], postmortem: PostMortem, person: User) -> dict[int, str]:
    """By the one renderer; what any of the comments names is looked up once for all of them."""
    rows = list(rows)
    named = Named("\n".join(row.body for row in rows), postmortem.incident, person)
    return {row.pk: markdown.render(row.body, resolve=named.resolve, id_prefix=f"c{row.pk}-").html for row in rows}


def _thread(row: Comment, html: str, answers: list[Remark], is_gone: bool, person: User) -> Thread:
    change = [] if row.replacement is None else words(row.quote, row.replacement)
    anchor = json.dumps(row.anchor) if is_anchor(row.anchor) else ""
    root = Remark(row, html, row.author_id == person.pk)
    return Thread(root, answers, change, anchor, bool(row.anchor) and is_gone, may_settle(row, person))


def _is_shown(thread: Thread, shown: str, person: User) -> bool:
    if shown == "mine":
        return thread.root.is_mine or any(one.is_mine for one in thread.answers)
    return shown != "suggestions" or thread.row.replacement is not None
