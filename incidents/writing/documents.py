"""The text of a post-mortem as rows: what editors sent becomes PostMortem.body, what others write reaches editors.

Every function that changes something works in the caller's transaction and locks first the post-mortem, then its
document; the sockets (store.py) lock the document alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from incidents.models import Edit, PostMortem, SharedDocument, SharedUpdate
from incidents.models.incident import TITLE_LIMIT
from incidents.writing.crdt import SharedText
from incidents.writing.differences import Splice, splices
from incidents.writing.revisions import keep_revision

CHANNEL = "debrief_writing"
# So many updates are read one by one at most; more are folded into the snapshot.
TAIL = 200
# A text is read back through so many edits at most.
LONGEST_WAY_BACK = 5_000


class AnchorLost(Exception):
    """The stretch of text is gone, or is no longer what it was; `now` is what stands there."""

    retryable = False

    def __init__(self, now: str) -> None:
        super().__init__("That text has changed in the meantime. Nothing was replaced.")
        self.now = now


def current_text(postmortem_id: int, now: datetime) -> PostMortem:
    """The row under lock, with all that open editors have sent."""
    with transaction.atomic():
        row = _locked(postmortem_id)
        document = SharedDocument.objects.select_for_update().filter(postmortem=row).first()
        if document is not None:
            _settle(row, document, now)
        return row


def open_document(postmortem_id: int, now: datetime) -> SharedDocument:
    """The document behind the text, made from the text where there is none yet."""
    # Asked for by every socket, again and again: the lock is for the first alone.
    document = SharedDocument.objects.filter(postmortem=postmortem_id).first()
    if document is not None:
        return document
    with transaction.atomic():
        row = _locked(postmortem_id)
        document = SharedDocument.objects.filter(postmortem=row).first()
        if document is None:
            document = SharedDocument.objects.create(postmortem=row)
            seed = SharedText.seeded(str(document.guid), title=row.title, body=plain_lines(row.body))
            document.snapshot = seed.state()
            document.save(update_fields=["snapshot"])
        return document


def rewrite(
    *,
    postmortem_id: int,
    body: str | None = None,
    title: str | None = None,
    by: User | None,
    via: str,
    now: datetime,
) -> PostMortem:
    """Change the text; open editors get it as an edit among theirs."""
    with transaction.atomic():
        row = current_text(postmortem_id, now)
        body = None if body is None else plain_lines(body)
        document = SharedDocument.objects.filter(postmortem=row).first()
        if document is not None:
            shared = load(document)
            if update := shared.rewrite(title=title, body=body):
                _append(document, update, by, now)
        step = (by, row.title if title is None else title, row.body if body is None else body)
        _write(row, [step], now, via=via)
        return row


def replace_anchored(
    *,
    postmortem_id: int,
    anchor: dict[str, Any],
    quote: str,
    replacement: str,
    by: User,
    via: str,
    now: datetime,
) -> PostMortem:
    """Put `replacement` where the anchored `quote` stands. Raises AnchorLost when something else stands there."""
    with transaction.atomic():
        row = current_text(postmortem_id, now)
        place = places(postmortem_id, [anchor])[0]
        standing = row.body[place[0] : place[1]] if place else ""
        if place is None or standing != quote:
            raise AnchorLost(standing)
        body = row.body[: place[0]] + replacement + row.body[place[1] :]
        return rewrite(postmortem_id=postmortem_id, body=body, by=by, via=via, now=now)


def anchor_of(postmortem_id: int, start: int, end: int, now: datetime) -> dict[str, Any]:
    """Characters of the settled body → what survives edits."""
    return load(open_document(postmortem_id, now)).anchor(start, end)


def places(postmortem_id: int, anchors: Iterable[Any]) -> list[tuple[int, int] | None]:
    """Where the anchored stretches are now, in characters; None where that text is gone."""
    document = SharedDocument.objects.filter(postmortem=postmortem_id).first()
    if document is None:
        return [None for _ in anchors]
    shared = load(document)
    return [shared.place(anchor) for anchor in anchors]


def text_at(postmortem: PostMortem, version: int) -> tuple[str, str] | None:
    """Title and body at an earlier resource_version; None where that cannot be known any more."""
    if not postmortem.tracked_from <= version <= postmortem.resource_version:
        return None
    later = list(
        Edit.objects.filter(postmortem=postmortem, version__gt=version).order_by("-id")[: LONGEST_WAY_BACK + 1]
    )
    if len(later) > LONGEST_WAY_BACK:
        return None
    texts = {Edit.Field.TITLE.value: postmortem.title, Edit.Field.BODY.value: postmortem.body}
    for edit in later:
        texts[edit.field] = Splice(edit.start, edit.removed, edit.inserted).revert(texts[edit.field])
    return texts[Edit.Field.TITLE.value], texts[Edit.Field.BODY.value]


def load(document: SharedDocument) -> SharedText:
    """As it stands in the database, every update included."""
    tail = document.updates.filter(pk__gt=document.snapshot_through).values_list("payload", flat=True)
    return SharedText(str(document.guid), [bytes(document.snapshot), *map(bytes, tail)])


def announce(postmortem_id: int, what: str) -> None:
    """Open editors of this post-mortem hear `what` once the transaction is committed."""
    _notify({"postmortem": postmortem_id, "announce": what})


def settle_waiting(postmortems: Iterable[int], now: datetime) -> None:
    """For who is about to read: their rows hold what open editors have sent until now."""
    for postmortem_id in unsettled(list(postmortems)):
        current_text(postmortem_id, now)


def unsettled(among: list[int] | None = None) -> list[int]:
    """Post-mortems whose editors sent something that no process has taken over into the text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.postmortem_id FROM incidents_shareddocument d"
            " WHERE (%(among)s::bigint[] IS NULL OR d.postmortem_id = ANY(%(among)s::bigint[])) AND EXISTS"
            " (SELECT 1 FROM incidents_sharedupdate u WHERE u.document_id = d.id AND u.id > d.written_through)",
            {"among": among},
        )
        return [row[0] for row in cursor.fetchall()]


def _locked(postmortem_id: int) -> PostMortem:
    rows = PostMortem.objects.select_for_update(of=("self",)).select_related("incident", "edited_by")
    return rows.get(pk=postmortem_id)


def _settle(row: PostMortem, document: SharedDocument, now: datetime) -> None:
    """Take over what arrived since: one edit for each stretch of one person's updates."""
    waiting = list(document.updates.filter(pk__gt=document.written_through).select_related("author"))
    if not waiting:
        return
    past = document.updates.filter(pk__gt=document.snapshot_through, pk__lte=document.written_through)
    known = [bytes(payload) for payload in past.values_list("payload", flat=True)]
    shared = SharedText(str(document.guid), [bytes(document.snapshot), *known])
    steps = []
    for author, updates in groupby(waiting, key=lambda update: update.author):
        for update in updates:
            shared.doc.apply_update(bytes(update.payload))
        steps.append((author, clean_title(shared.title) or row.title, shared.body))
    _write(row, steps, now, via="page", together=True)
    document.written_through = waiting[-1].pk
    if len(known) + len(waiting) >= TAIL:
        document.snapshot, document.snapshot_through = shared.state(), document.written_through
        document.updates.filter(pk__lte=document.snapshot_through).delete()
    document.save()


def _append(document: SharedDocument, update: bytes, by: User | None, now: datetime) -> None:
    added = SharedUpdate.objects.create(document=document, payload=update, author=by, created_at=now)
    document.written_through = added.pk
    document.save(update_fields=["written_through"])
    _notify({"document": document.pk, "through": added.pk})


def _write(
    row: PostMortem,
    steps: list[tuple[User | None, str, str]],
    now: datetime,
    *,
    via: str,
    together: bool = False,
) -> None:
    """Store the text after the last step, with an edit for each difference between one step and the next."""
    edits, title, body = [], row.title, row.body
    for author, new_title, new_body in steps:
        for field, old, new in ((Edit.Field.TITLE, title, new_title), (Edit.Field.BODY, body, new_body)):
            for splice in splices(old, new):
                kept = {"start": splice.start, "removed": splice.removed, "inserted": splice.inserted}
                edits.append(Edit(postmortem=row, field=field, author=author, via=via, created_at=now, **kept))
        title, body = new_title, new_body
    if (title, body) == (row.title, row.body):
        return
    people = [author for author, _, _ in steps if author is not None]
    by = people[-1] if people else None
    if by is not None or via != "draft":
        keep_revision(row, by, now, together=together)
    row.title, row.body, row.edited_by = title, body, by or row.edited_by
    if row.state == PostMortem.State.PUBLISHED:
        row.state = PostMortem.State.REOPENED
    row.save()
    for edit in edits:
        edit.version = row.resource_version
    Edit.objects.bulk_create(edits)


def plain_lines(body: str) -> str:
    """Editors count a line's end as one character."""
    return body.replace("\r\n", "\n").replace("\r", "\n")


def clean_title(title: str) -> str:
    return " ".join(title.split())[:TITLE_LIMIT].strip()


def _notify(message: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(message)])
