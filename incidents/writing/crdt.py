"""The shared document of one post-mortem: a Yjs document with two texts, whose names nobody else's document has.

Positions of pycrdt are bytes of UTF-8; everything here speaks of characters.
https://y-crdt.github.io/pycrdt/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from pycrdt import Assoc, Doc, StickyIndex, Text, get_update

from incidents.writing.differences import splices


class BadUpdate(Exception):
    """Bytes that are no update of this document; the document must be loaded again."""

    retryable = False


class SharedText:
    """`guid` names the texts: what belongs to another document can never end up in this one."""

    def __init__(self, guid: str, updates: Iterable[bytes] = (), *, client_id: int | None = None) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id) if client_id is not None else Doc()
        self._names = {guid, f"{guid}:title"}
        self._body: Text = self.doc.get(guid, type=Text)
        self._title: Text = self.doc.get(f"{guid}:title", type=Text)
        self._odd = False
        for update in updates:
            self.doc.apply_update(update)
        self._subscriptions = [text.observe(self._look) for text in (self._body, self._title)]

    @classmethod
    def seeded(cls, guid: str, *, title: str, body: str) -> SharedText:
        """A text seeded twice, after a crash in between, is the same text and not a double one: same client, same
        clocks. The client is the document's own, so that no other document builds on it.
        """
        shared = cls(guid, client_id=int.from_bytes(sha256(guid.encode()).digest()[:4]))
        with shared.doc.transaction():
            shared._body += body
            shared._title += title
        return shared

    @property
    def body(self) -> str:
        # PostgreSQL stores no NUL.
        return str(self._body).replace("\x00", "\ufffd")

    @property
    def title(self) -> str:
        return str(self._title).replace("\x00", "\ufffd")

    @property
    def size(self) -> int:
        """Of the body, in bytes of UTF-8; costs nothing."""
        return len(self._body)

    @property
    def title_size(self) -> int:
        return len(self._title)

    def state(self) -> bytes:
        """Everything as one update."""
        return self.doc.get_update()

    def vector(self) -> bytes:
        return self.doc.get_state()

    def missing(self, vector: bytes) -> bytes:
        """What somebody with this state vector lacks. Raises BadUpdate when it is none."""
        with _refusing("no state vector"):
            return self.doc.get_update(vector)

    def apply(self, update: bytes) -> None:
        """Raises BadUpdate for garbage, for what builds on things unknown here, and for what is not text."""
        self._odd = False
        with _refusing("cannot be read"):
            self.doc.apply_update(update)
            left = get_update(update, self.doc.get_state())
        # Edits that are in the update and still not in the document: their number comes first.
        if left[:1] != b"\x00":
            raise BadUpdate("builds on updates that this document never had")
        if set(self.doc.keys()) - self._names:
            raise BadUpdate("belongs to another document")
        if self._odd:
            raise BadUpdate("holds something that is not plain text")

    def rewrite(self, *, title: str | None = None, body: str | None = None) -> bytes:
        """Change the texts by the fewest edits; returns them as one update, empty where nothing changed."""
        made: list[bytes] = []
        subscription = self.doc.observe(lambda event: made.append(event.update))
        with self.doc.transaction():
            for text, wanted in ((self._title, title), (self._body, body)):
                if wanted is not None:
                    _rewrite(text, wanted)
        self.doc.unobserve(subscription)
        return b"".join(made)

    def anchor(self, start: int, end: int) -> dict[str, Any]:
        """A stretch of the body that follows it through edits: relative positions as Yjs writes them in JSON."""
        raw = str(self._body)
        first = self._body.sticky_index(_bytes(raw, start), Assoc.AFTER)
        last = self._body.sticky_index(_bytes(raw, end), Assoc.BEFORE)
        return {"start": first.to_json(), "end": last.to_json()}

    def place(self, anchor: Any) -> tuple[int, int] | None:
        """Where the stretch is now, in characters; None when the anchor is none, or its text is gone."""
        if not is_anchor(anchor):
            return None
        raw = str(self._body).encode()
        try:
            with _refusing("no such place"):
                start, end = (self._index(anchor[name]) for name in ("start", "end"))
        except BadUpdate:
            return None
        if not 0 <= start < end <= len(raw):
            return None
        return len(raw[:start].decode(errors="replace")), len(raw[:end].decode(errors="replace"))

    def _index(self, position: Any) -> int:
        kept = {name: position[name] for name in ("item", "assoc") if position.get(name) is not None}
        return StickyIndex.from_json(kept, self._body).get_index()

    def _look(self, event: Any) -> None:
        for part in event.delta:
            inserted = part.get("insert")
            if "attributes" in part or (inserted is not None and not isinstance(inserted, str)):
                self._odd = True
            elif inserted is not None and "\r" in inserted:
                # Editors count a line's end as one character.
                self._odd = True


def is_anchor(anchor: Any) -> bool:
    """{"start": {"item": {"client", "clock"}, "assoc"}, "end": …}; an end of the text has no item."""
    if not isinstance(anchor, dict):
        return False
    return all(_is_position(anchor.get(name)) for name in ("start", "end"))


def _is_position(position: Any) -> bool:
    item = position.get("item") if isinstance(position, dict) else None
    if not isinstance(item, dict) or set(item) != {"client", "clock"}:
        return False
    numbers = (*item.values(), position.get("assoc", 0))
    return all(type(number) is int and -1 <= number < 2**53 for number in numbers)


@contextmanager
def _refusing(words: str) -> Iterator[None]:
    try:
        yield
    except Exception as problem:
        raise BadUpdate(words) from problem
    except BaseException as problem:
        # What the Rust inside could not handle arrives as a panic, which is no Exception.
        if type(problem).__name__ != "PanicException":
            raise
        raise BadUpdate(words) from problem


def _rewrite(text: Text, wanted: str) -> None:
    current = str(text)
    for splice in splices(current, wanted):
        at = _bytes(current, splice.start)
        if splice.removed:
            del text[at : at + len(splice.removed.encode())]
        if splice.inserted:
            text.insert(at, splice.inserted)
        current = splice.apply(current)


def _bytes(text: str, characters: int) -> int:
    return len(text[:characters].encode())
