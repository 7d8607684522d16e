"""What a stream hands to the store: rows, how far they reach, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something may be missing; `reason` is one of `CoverageGap.Reason`."""

    started_at: datetime
    ended_at: datetime
    reason: str
    detail: str


def unreadable(detail: str, *, since: datetime | None, now: datetime) -> Gap:
    """`since` is up to when all was heard. A gap without a length would be seen by nobody."""
    return Gap(since if since is not None and since < now else now - A_MOMENT, now, "unreadable", detail)


@dataclass(slots=True)
class Batch:
    """Changes of one resource, in the order in which the server sent them.

    `rows` are rows of `recorder.events` or `State`s. `resource_version` and `heard_at`, where given,
    become the checkpoint in the transaction that stores the rows. `since` begins the recording.
    `listed` ends a list: every uid in it; objects that are not have been deleted. `state`, `reason`
    and `remedy` are how the stream goes, None where nothing changed.
    """

    resource: str
    rows: list[Any] = field(default_factory=list)
    resource_version: str | None = None
    heard_at: datetime | None = None
    since: datetime | None = None
    listed: set[str] | None = None
    gaps: list[Gap] = field(default_factory=list)
    received: int = 0
    dropped: int = 0
    reconnects: int = 0
    state: str | None = None
    reason: str = ""
    remedy: str = ""
