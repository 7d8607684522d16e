"""List, then watch, for ever: one resource of one cluster.

After client-go's reflector (https://pkg.go.dev/k8s.io/client-go/tools/cache#Reflector): resume from
the last version that was stored, list anew when the server no longer has it, and wait longer after
each failure. Where a list had to replace a watch, a gap says so.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from telemetry.collectors.kubernetes.api import PAGE, Resource, explained
from telemetry.collectors.kubernetes.connection import access_of, open_http
from telemetry.http import Refusal, SourceError, public_words, retry_after
from telemetry.observations import Budget, Connection, Status
from telemetry.recorder.batches import Batch, Gap, unreadable
from telemetry.recorder.decoding import Unreadable
from telemetry.recorder.readers import ErrorLine, reader_for
from telemetry.recorder.resources import Recorded
from telemetry.recorder.stream import LONGEST_LINE, Lines, Watch
from telemetry.redaction import Redactor

PAGE_BYTES = 64 * 1024 * 1024
LIST_BUDGET = Budget(deadline_seconds=600, requests=20_000, bytes=PAGE_BYTES)
ROWS_PER_BATCH = 1_000
GAP_DETAILS = {
    "expired": "The server no longer had the changes of this time; what was left at its end is kept.",
    "replaced": "Another cluster answers at this address since then.",
}
# A read that waited found nothing sent before: what comes then is new. A shorter wait is only the way.
WAITED_SECONDS = 0.001
# A watch that ended this much before its time was ended for another reason.
END_SECONDS = 2.0
# The most that a Retry-After is heeded, in seconds.
LONGEST_ASKED = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Waiting times, in seconds.

    A bookmark comes about every minute, and shortly before a watch ends, so `silence` means a dead connection. A
    server that has not shown bookmarks gets watches of `unproven` seconds: only their end tells that we heard all.
    """

    first_delay: float = 0.8
    longest_delay: float = 30.0
    denied_delay: float = 60.0
    absent_delay: float = 300.0
    healthy_after: float = 120.0
    silence: float = 70.0
    unproven: int = 50
    watch_least: int = 300
    watch_most: int = 600
    lead_every: float = 3.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a resource was recorded: empty for one that never was.

    `gap` is the reason of the gap that a list will leave: one of `CoverageGap.Reason`.
    """

    resource_version: str = ""
    heard_at: datetime | None = None
    since: datetime | None = None
    gap: str = "expired"


@dataclass(slots=True)
class _Pages:
    """One list under way. `asked_at` is before its moment, `first_at`, when the first page came, after it."""

    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    first_at: datetime | None = None
    following: str = ""
    uids: set[str] = field(default_factory=set)


class Expired(Exception):
    """The server no longer has what changed since our version."""


class Ended(Exception):
    """Raised by the sink: nobody stores any more, so there is nothing left to do."""


class Reflector:
    """Runs in a thread of its own until `close`, or until the sink raises `Ended`."""

    def __init__(
        self,
        *,
        recorded: Recorded,
        connection: Connection,
        redactor: Redactor,
        checkpoint: Checkpoint,
        sink: Callable[[Batch], None],
        pace: Pace | None = None,
    ) -> None:
        self._recorded, self._connection = recorded, connection
        self._reader = reader_for(recorded, redactor)
        self._sink, self._pace = sink, pace or Pace()
        self._version = checkpoint.resource_version
        self._heard_at, self._since, self._gap = checkpoint.heard_at, checkpoint.since, checkpoint.gap
        self._resource: Resource | None = None
        self._watch: Watch | None = None
        self._failures = 0
        self._idle_at = datetime.now(UTC)
        self._has_bookmarks = False
        self._has_watched = False
        self._has_tried_again = False
        self._stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._round()
        except Ended:
            return

    def close(self) -> None:
        self._stopping.set()
        if (watch := self._watch) is not None:
            watch.close()

    def _round(self) -> None:
        began = datetime.now(UTC)
        try:
            if not self._version:
                self._list()
            before = self._version
            items = self._follow()
            lasted = (datetime.now(UTC) - began).total_seconds()
            if lasted < 1 and (not items or self._version == before):
                raise SourceError(Status.ERROR, "the server ended the watch at once", retryable=True)
        except Expired:
            self._version = ""
            self._failures += 1
            if self._failures > 1:
                self._pause(SourceError(Status.GONE, "the list's version expired before it could be watched"))
        except SourceError as error:
            if (datetime.now(UTC) - began).total_seconds() > self._pace.healthy_after:
                self._failures = 0
            self._pause(error)
        else:
            self._failures, self._has_tried_again = 0, False

    def _list(self) -> None:
        """Every page, stored as it comes; the checkpoint moves only with the last."""
        resource = self._served()
        self._tell("listing")
        limit, pages = PAGE, _Pages()
        with open_http(self._connection, LIST_BUDGET) as http:
            while not self._stopping.is_set():
                params = {"limit": str(limit)} | ({"continue": pages.following} if pages.following else {})
                http.bytes_left = PAGE_BYTES
                try:
                    body = http.get(resource.path(), params).body
                except Refusal as refusal:
                    if refusal.code != 410 or not pages.following:
                        raise
                    # The fresh token that comes with it would make a list of two different times.
                    pages = _Pages()
                    continue
                except SourceError as error:
                    if error.limit != "bytes" or limit == 1:
                        raise
                    limit = max(1, limit // 10)
                    continue
                # The list is of some moment between the question and the first page.
                pages.first_at = pages.first_at or datetime.now(UTC)
                version, pages.following, uids = self._store_page(body)
                pages.uids.update(uids)
                if not pages.following:
                    self._listed(version, pages)
                    return

    def _store_page(self, body: bytes) -> tuple[str, str, list[str]]:
        batch = Batch(self._recorded.name)
        now = datetime.now(UTC)
        try:
            version, following, uids = self._reader.page(body, batch, now)
        except Unreadable as problem:
            raise SourceError(Status.ERROR, f"a list that is {problem}", retryable=True) from None
        if not version:
            raise SourceError(Status.ERROR, "a list without a resourceVersion", retryable=True)
        if batch.dropped:
            detail = f"{batch.dropped} objects of a list could not be read"
            batch.gaps.append(unreadable(detail, since=self._heard_at, now=now))
        self._sink(batch)
        return version, following, uids

    def _listed(self, version: str, pages: _Pages) -> None:
        first_at = pages.first_at or pages.asked_at
        name, heard_at = self._recorded.name, pages.asked_at
        batch = Batch(name, resource_version=version, heard_at=heard_at, listed=pages.uids, state="watching")
        if self._since is None:
            self._since = batch.since = first_at
        elif self._heard_at is not None and self._heard_at < first_at:
            batch.gaps.append(Gap(self._heard_at, first_at, self._gap, GAP_DETAILS[self._gap]))
        self._gap = "expired"
        self._sink(batch)
        self._version, self._heard_at = version, heard_at

    def _follow(self) -> int:
        """One watch to its end; how many lines it brought."""
        pace = self._pace
        longest = random.randint(pace.watch_least, pace.watch_most)  # noqa: S311  spreads load, guards nothing
        seconds = longest if self._has_bookmarks else pace.unproven
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(seconds),
        }
        path = self._served().path()
        access = access_of(self._connection)
        watch = Watch(access, path, params, silence=pace.silence, longest=seconds + pace.silence)
        self._watch = watch
        try:
            if self._stopping.is_set():
                return 0
            began = self._idle_at = datetime.now(UTC)
            watch.open()
            self._tell("watching")
            lines = self._read(watch)
            if not self._stopping.is_set() and not self._has_bookmarks:
                self._hear_an_end(watch, began, seconds)
            return lines
        except Refusal as refusal:
            if refusal.code == 410 or _is_of_another_history(refusal.reason):
                raise Expired from None
            raise
        finally:
            self._watch = None
            watch.close()

    def _read(self, watch: Watch) -> int:
        lines, count = Lines(LONGEST_LINE), 0
        for piece in watch.pieces():
            now = datetime.now(UTC)
            if watch.waited > WAITED_SECONDS:
                self._idle_at = now
            batch = Batch(self._recorded.name)
            try:
                for line in lines.feed(piece):
                    count += 1
                    self._take(line, batch, now)
                    if len(batch.rows) >= ROWS_PER_BATCH:
                        self._pass_on(batch)
                        batch = Batch(self._recorded.name)
            except ErrorLine as error:
                self._pass_on(batch)
                raise _as_failure(error) from None
            self._pass_on(batch)
        return count

    def _take(self, line: bytes | None, batch: Batch, now: datetime) -> None:
        try:
            if line is None:
                raise Unreadable(f"a line of more than {LONGEST_LINE // 2**20} MiB")
            if self._reader.line(line, batch, now):
                # A bookmark alone says that everything before it was sent; what comes else may be old.
                self._has_bookmarks = True
                self._heard_at = batch.heard_at = max(self._heard_at or self._idle_at, self._idle_at)
        except Unreadable as problem:
            batch.dropped += 1
            batch.gaps.append(unreadable(f"Skipped: {problem}.", since=self._heard_at, now=now))

    def _pass_on(self, batch: Batch) -> None:
        if batch.rows or batch.gaps or batch.resource_version is not None:
            self._version = batch.resource_version or self._version
            self._sink(batch)

    def _hear_an_end(self, watch: Watch, began: datetime, seconds: int) -> None:
        """A server without bookmarks is heard by a watch that lasted its time and had nothing more to send.

        One that ends earlier may be shutting down, or think us too slow, with changes unsent.
        """
        now = datetime.now(UTC)
        lasted = (now - began).total_seconds()
        if watch.waited > WAITED_SECONDS and lasted >= seconds - min(END_SECONDS, seconds / 10):
            self._heard_at = now
            self._sink(Batch(self._recorded.name, heard_at=now))

    def _served(self) -> Resource:
        """The newest version of the resource that this server has."""
        if self._resource is not None:
            return self._resource
        candidates = self._recorded.resources
        if len(candidates) == 1:
            self._resource = candidates[0]
            return self._resource
        with open_http(self._connection, Budget(deadline_seconds=20)) as http:
            for candidate in candidates:
                try:
                    http.get(candidate.path(), {"limit": "1"})
                except Refusal as refusal:
                    if refusal.code == 404 and candidate is not candidates[-1]:
                        continue
                    raise
                self._resource = candidate
                return candidate
        raise SourceError(Status.NOT_INSTALLED, f"{self._recorded.plural}: not served")

    def _pause(self, error: SourceError) -> None:
        """Say what is wrong and wait: longer after each failure, longest where only people can help."""
        code = error.code if isinstance(error, Refusal) else 0
        if isinstance(error, Refusal) and code in {403, 404}:
            resource = self._resource or self._recorded.resources[0]
            told = explained(error, resource, "")
            state = "denied" if code == 403 else "not_installed"
            delay = self._pace.denied_delay if code == 403 else self._pace.absent_delay
            self._resource = None
            self._tell(state, told.reason, told.remedy)
        else:
            delay = self._delay(error, code)
            self._tell("waiting", error.reason, error.remedy)
        self._stopping.wait(delay)

    def _delay(self, error: SourceError, code: int) -> float:
        if code == 401 and not self._has_tried_again:
            # The token may have been renewed: a new client reads it anew.
            self._has_tried_again = True
            return self._pace.first_delay
        delay = min(self._pace.longest_delay, self._pace.first_delay * 2.0 ** min(self._failures, 16))
        self._failures += 1
        asked = retry_after(error.headers) if isinstance(error, Refusal) else None
        jitter: float = random.uniform(1, 1.5)  # noqa: S311  spreads load, guards nothing
        return max(delay * jitter, min(asked or 0.0, LONGEST_ASKED))

    def _tell(self, state: str, reason: str = "", remedy: str = "") -> None:
        reconnects = int(state == "watching" and self._has_watched)
        self._has_watched = self._has_watched or state == "watching"
        self._sink(Batch(self._recorded.name, state=state, reason=reason, remedy=remedy, reconnects=reconnects))


def _as_failure(error: ErrorLine) -> Exception:
    if error.code == 410 or error.reason in {"Expired", "Gone"} or _is_of_another_history(error.message):
        return Expired()
    words = f"the watch ended with {error.code or 'an error'} {error.reason}: {error.message}"
    return SourceError(Status.ERROR, public_words(words, []), retryable=True)


def _is_of_another_history(words: str) -> bool:
    """A version from the future: the cluster's store was restored from an older backup."""
    return "too large resource version" in words.lower()
