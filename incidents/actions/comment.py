"""Comments on a post-mortem: threads anchored to the text, and suggestions that one press takes over."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from accounts.permissions import can_respond, can_view, require_respond
from accounts.problems import InvalidInput
from incidents.actions.review import writers
from incidents.models import Comment, Incident, PostMortem
from incidents.notices import mentioned, tell
from incidents.writing import documents
from incidents.writing.crdt import is_anchor
from incidents.writing.documents import AnchorLost

__all__ = ["AnchorLost", "accept_suggestion", "add_comment", "answer_comment", "change_comment", "delete_comment"]

BODY_LIMIT, QUOTE_LIMIT, REPLACEMENT_LIMIT = 10_000, 5_000, 20_000
ANCHOR_LIMIT = 1_000
MOST = 1_000


@transaction.atomic
def add_comment(
    *,
    postmortem: PostMortem,
    body: str,
    by: User,
    now: datetime,
    anchor: dict[str, Any] | None = None,
    quote: str = "",
    occurrence: int = 1,
    replacement: str | None = None,
) -> Comment:
    """A remark on the stretch that `anchor` names, on the n-th `quote` of the text, or on the whole.

    With `replacement` it suggests to put that in the quote's place ("" suggests to delete it).
    """
    incident = _visible(postmortem, by)
    body, quote = _clean(body), _breaks(quote)
    replacement = None if replacement is None else _breaks(replacement)
    _check(body, quote, replacement)
    _check_room(postmortem)
    if quote.strip():
        anchor = _checked_anchor(anchor) if anchor is not None else None
        anchor = anchor or _anchor_of(postmortem, quote, occurrence, now)
    comment = Comment.objects.create(
        postmortem=postmortem,
        anchor=anchor if quote.strip() else None,
        quote=quote,
        body=body,
        replacement=replacement,
        author=by,
        created_at=now,
    )
    _announce(comment, incident, now)
    return comment


@transaction.atomic
def answer_comment(*, comment: Comment, body: str, by: User, now: datetime) -> Comment:
    """One more in the thread; an answer to an answer belongs to the same thread."""
    incident = _visible(comment.postmortem, by)
    body = _clean(body)
    _check(body, "", None)
    root = comment.parent or comment
    _check_room(root.postmortem)
    answer = Comment.objects.create(postmortem=root.postmortem, parent=root, body=body, author=by, created_at=now)
    _announce(answer, incident, now)
    return answer


@transaction.atomic
def change_comment(*, comment: Comment, body: str, by: User, now: datetime) -> Comment:
    incident = _visible(comment.postmortem, by)
    row = _held(comment)
    _require_own(row, by)
    body = _clean(body)
    _check(body, row.quote, row.replacement)
    if body != row.body:
        row.body, row.edited_at = body, now
        row.save()
        _announce(row, incident, now)
    return row


@transaction.atomic
def delete_comment(*, comment: Comment, by: User, now: datetime) -> None:
    """One's own, as long as nobody answered it."""
    _visible(comment.postmortem, by)
    row = _held(comment)
    _require_own(row, by)
    if row.answers.exists():
        raise InvalidInput("", "Somebody answered this; it can be changed, or its thread resolved, but not deleted.")
    if row.accepted:
        raise InvalidInput("", "This suggestion was accepted; it stays as the reason of the change.")
    row.delete()
    documents.announce(row.postmortem_id, "comments")


@transaction.atomic
def resolve_comment(*, comment: Comment, by: User, now: datetime) -> Comment:
    """By whoever writes or began the thread; for a suggestion this is to decline it."""
    row = _thread(comment, by)
    if row.resolved_at is None:
        row.resolved_at, row.resolved_by = now, by
        row.save()
        documents.announce(row.postmortem_id, "comments")
    return row


@transaction.atomic
def reopen_comment(*, comment: Comment, by: User, now: datetime) -> Comment:
    row = _thread(comment, by)
    if row.accepted:
        raise InvalidInput("", "This suggestion was accepted; the text before is in the history.")
    if row.resolved_at is not None:
        row.resolved_at = row.resolved_by = None
        row.save()
        documents.announce(row.postmortem_id, "comments")
    return row


@transaction.atomic
def accept_suggestion(*, comment: Comment, by: User, now: datetime) -> Comment:
    """Put the suggested text in its place. Raises AnchorLost when other words stand there now."""
    require_respond(by)
    incident = _visible(comment.postmortem, by)
    # The post-mortem first: whoever else holds it may be waiting for one of its comments.
    documents.current_text(comment.postmortem_id, now)
    row = _held(comment)
    if row.replacement is None:
        raise InvalidInput("", "This comment suggests no change.")
    if row.resolved_at is not None:
        raise InvalidInput("", "This suggestion was accepted or declined already.")
    documents.replace_anchored(
        postmortem_id=row.postmortem_id,
        anchor=row.anchor or {},
        quote=row.quote,
        replacement=row.replacement,
        by=by,
        via="suggestion",
        now=now,
    )
    row.accepted, row.resolved_at, row.resolved_by = True, now, by
    row.save()
    documents.announce(row.postmortem_id, "comments")
    tell(
        [row.author] if row.author != by else [],
        incident=incident,
        key=f"accepted:{row.pk}",
        text=f"{by.display_name} took over what you suggested in “{row.postmortem.title}”",
        address=address_of(row, incident),
        now=now,
    )
    return row


def address_of(comment: Comment, incident: Incident) -> str:
    return f"{reverse('postmortem-comments', args=[incident.number])}#comment-{comment.parent_id or comment.pk}"


def may_settle(comment: Comment, person: User) -> bool:
    return can_respond(person) or comment.author_id == person.pk


def _visible(postmortem: PostMortem, by: User) -> Incident:
    """Whoever sees the incident may speak about it."""
    seen = Incident.objects.visible_to(by).filter(pk=postmortem.incident_id).first() if can_view(by) else None
    if seen is None:
        raise PermissionDenied("You cannot see this post-mortem.")
    return seen


def _held(comment: Comment) -> Comment:
    # An answer refers to this row and to the post-mortem, in whichever order; it need not wait for this one.
    rows = Comment.objects.select_for_update(of=("self",), no_key=True).select_related("author", "postmortem")
    row = rows.filter(pk=comment.pk).first()
    if row is None:
        raise InvalidInput("", "This comment was deleted in the meantime.")
    return row


def _thread(comment: Comment, by: User) -> Comment:
    _visible(comment.postmortem, by)
    row = _held(comment.parent or comment)
    if not may_settle(row, by):
        raise InvalidInput("", "Only responders and whoever began the thread settle it.")
    return row


def _require_own(row: Comment, by: User) -> None:
    if row.author_id != by.pk:
        raise InvalidInput("", "This comment is somebody else's; answer it instead.")


def _clean(body: str) -> str:
    return _breaks(body).strip()


def _breaks(text: str) -> str:
    """Forms send CR LF; the text has LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check(body: str, quote: str, replacement: str | None) -> None:
    if not body and replacement is None:
        raise InvalidInput("body", "is empty; write what you think")
    limits = (
        ("body", body, BODY_LIMIT),
        ("quote", quote, QUOTE_LIMIT),
        ("replacement", replacement or "", REPLACEMENT_LIMIT),
    )
    for name, text, limit in limits:
        if len(text) > limit:
            raise InvalidInput(name, f"has {len(text):,} characters; expected at most {limit:,}")
    if replacement is not None and not quote.strip():
        raise InvalidInput("quote", "is empty; choose the text that should change")
    if replacement is not None and replacement == quote:
        raise InvalidInput("replacement", "is what stands there already; write how it should read")


def _anchor_of(postmortem: PostMortem, quote: str, occurrence: int, now: datetime) -> dict[str, Any]:
    body = documents.current_text(postmortem.pk, now).body
    start = -1
    for _ in range(max(1, min(occurrence, MOST))):
        start = body.find(quote, start + 1)
        if start < 0:
            times = body.count(quote)
            found = f"stands there {times} time{'' if times == 1 else 's'}" if times else "does not stand in the text"
            raise InvalidInput("quote", f"{found}; copy it from the Markdown as it is")
    return documents.anchor_of(postmortem.pk, start, start + len(quote), now)


def _checked_anchor(anchor: Any) -> dict[str, Any] | None:
    """Two relative positions, as the editor and `documents.anchor_of` write them, and nothing else of what was sent.

    None for one that sticks to an end of the text: such a place has no item, and the quote has to do.
    """
    expected = 'expected {"start": {…}, "end": {…}}, relative positions of the shared document'
    if not isinstance(anchor, dict) or set(anchor) != {"start", "end"}:
        raise InvalidInput("anchor", expected)
    sides = {name: side for name, side in anchor.items() if isinstance(side, dict)}
    if len(sides) < 2 or len(json.dumps(anchor)) > ANCHOR_LIMIT:
        raise InvalidInput("anchor", expected)
    if any(side.get("item") is None for side in sides.values()):
        return None
    kept = {
        name: {key: side[key] for key in ("item", "assoc") if side.get(key) is not None} for name, side in sides.items()
    }
    if not is_anchor(kept):
        raise InvalidInput("anchor", expected)
    return kept


def _check_room(postmortem: PostMortem) -> None:
    """Each page shows them all, answers too."""
    if postmortem.comments.count() >= MOST:
        raise InvalidInput("body", f"cannot be added: there are {MOST:,} comments and answers already")


def _announce(comment: Comment, incident: Incident, now: datetime) -> None:
    """Open editors show it; those whom it calls, who wrote, review or spoke here are told once."""
    documents.announce(comment.postmortem_id, "comments")
    by, postmortem = comment.author, comment.postmortem
    name = by.display_name if by else "Somebody"
    called = [one for one in mentioned(comment.body) if one != by]
    others = User.objects.filter(reviews__postmortem=postmortem) | User.objects.filter(
        pk__in=postmortem.comments.exclude(author=None).values("author")
    )
    concerned = [one for one in [*writers(postmortem), *others.distinct()[:100]] if one != by]
    said = "suggests a change in" if comment.replacement is not None else "commented on"
    say = partial(tell, incident=incident, key=f"comment:{comment.pk}", address=address_of(comment, incident), now=now)
    say(called, text=f"{name} mentions you in “{postmortem.title}”: {comment.body}")
    say(concerned, text=f"{name} {said} “{postmortem.title}”: {comment.body or comment.quote}")
