"""A watch as an API server streams it, and the ways in which it can go wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.stand_ins.api_server import bookmark, status_reply, watch_line
from tests.stand_ins.cluster_state import Change, ClusterState, Held
from tests.stand_ins.server import CutOff, Reply

LONGEST = 1800.0


@dataclass
class Trouble:
    """What the next `times` (None: all) watches, or lists, of a collection suffer.

    `refuse`: code, reason and message of a Status (`retry_after`: seconds, as a header).
    `cut_after_bytes`: hang up in the middle of the body. The rest is for watches alone:
    `close_after_events` and `close_after_seconds` end it as is proper; `inject` sends these bytes as a
    line after `inject_after_events`; `silent` sends headers and then nothing, not even its end.
    """

    times: int | None = 1
    refuse: tuple[int, str, str] | None = None
    retry_after: str = ""
    cut_after_bytes: int | None = None
    close_after_events: int | None = None
    close_after_seconds: float | None = None
    inject: bytes | None = None
    inject_after_events: int = 0
    silent: bool = False

    def refusal(self) -> Reply | None:
        if self.refuse is None:
            return None
        reply = status_reply(*self.refuse)
        if self.retry_after:
            reply.headers["Retry-After"] = self.retry_after
        return reply


@dataclass
class Watch:
    """One client's watch. `bookmark_seconds` is the pace of bookmarks, for who asked for them."""

    state: ClusterState
    held: Held
    namespace: str | None
    query: Mapping[str, str]
    stopping: threading.Event
    bookmark_seconds: float
    initial_events: bool
    trouble: Trouble

    def stream(self, after: int | None) -> Iterator[bytes]:
        """Lines from `after` (exclusive) on; None: what lives now first, as if it came to be."""
        lines = self._silence() if self.trouble.silent else self._troubled(self._lines(after))
        return lines if self.trouble.cut_after_bytes is None else cut(lines, self.trouble.cut_after_bytes)

    def _silence(self) -> Iterator[bytes]:
        self.stopping.wait(LONGEST)
        raise CutOff
        yield b""

    def _troubled(self, lines: Iterator[tuple[bool, bytes]]) -> Iterator[bytes]:
        events, wanted = 0, self.trouble.close_after_events
        injected = self.trouble.inject
        while True:
            if injected is not None and events >= self.trouble.inject_after_events:
                yield injected + b"\n"
                injected = None
            if wanted is not None and events >= wanted:
                return
            is_event, line = next(lines, (False, b""))
            if not line:
                return
            events += is_event
            yield line

    def _lines(self, after: int | None) -> Iterator[tuple[bool, bytes]]:
        """Each with whether it tells of an object."""
        if after is None:
            with self.state.changed:
                after = self.state.version
                first = [one for one in self.held.as_of(after) if self._matches(one)]
            yield from ((True, watch_line("ADDED", one.object)) for one in first)
            if self.initial_events:
                yield False, self._bookmark(after, {"k8s.io/initial-events-end": "true"})
        ends = time.monotonic() + self._seconds()
        epoch = self.state.epoch
        place, next_bookmark = self.held.place_after(after), time.monotonic() + self.bookmark_seconds
        while not self.stopping.is_set() and time.monotonic() < ends:
            with self.state.changed:
                if self.state.held.get((self.held.prefix, self.held.plural)) is not self.held:
                    # This cluster was replaced by another.
                    return
                if self.state.epoch != epoch:
                    raise CutOff
                fresh, version = self.held.log[place:], self.state.version
                until = min(ends, next_bookmark) - time.monotonic()
                if not fresh and until > 0:
                    self.state.changed.wait(min(until, 0.25))
                    continue
            place += len(fresh)
            yield from ((True, change.line) for change in fresh if self._matches(change))
            if time.monotonic() >= next_bookmark:
                next_bookmark = time.monotonic() + self.bookmark_seconds
                if self.query.get("allowWatchBookmarks") in {"1", "true"}:
                    yield False, self._bookmark(version)

    def _seconds(self) -> float:
        asked = float(self.query.get("timeoutSeconds") or LONGEST)
        return asked if self.trouble.close_after_seconds is None else min(asked, self.trouble.close_after_seconds)

    def _matches(self, change: Change) -> bool:
        return self.namespace is None or change.place[0] == self.namespace

    def _bookmark(self, version: int, annotations: Mapping[str, str] | None = None) -> bytes:
        held = self.held
        written = self.state.written(version)
        return bookmark(kind=held.kind, api_version=held.api_version, version=written, annotations=annotations)


def cut(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The first `size` bytes, then a hung-up line."""
    for chunk in chunks:
        if len(chunk) >= size:
            yield chunk[:size]
            raise CutOff
        size -= len(chunk)
        yield chunk


def expired_line(body: bytes, reason: str) -> bytes:
    """The recorded ERROR line, with the reason that newer servers give instead."""
    told: dict[str, Any] = json.loads(body)
    told["object"]["reason"] = reason
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"
