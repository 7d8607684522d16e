"""Rows that are worked on one after another in each lane, whichever process does it, until each has an end.

One process at a time holds a lane, by a lock of PostgreSQL's that goes with its connection: what a killed one had
under way is tried again by the next. A row that is tried again holds up its lane, so that order is kept; one whose
time has not come yet does not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.dispatch import Signal
from django.utils import timezone

from incidents.models.delivery import UNFINISHED, Queued, QueuedState

Q = TypeVar("Q", bound=Queued)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
GIVE_UP_AFTER = timedelta(hours=24)
# A failure that nobody foresaw is not tried for a whole day: others wait behind it.
MOST_SURPRISES = 5
TURN_SECONDS = 40.0
NAP_SECONDS = 2.0

given_up = Signal()  # sender: the model; row, problem
log = logging.getLogger(__name__)


class Later(Exception):
    """It could not be done now; `after` seconds, where it was said, else growing pauses, until a day has passed."""

    retryable = True

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Never(Exception):
    """It cannot be done; the message tells a person why, and what would mend it."""

    retryable = False


def work(model: type[Q], lane: str, handle: Callable[[Q], None]) -> bool:
    """Everything of the lane that is due. True when its turn is over and something is left."""
    until = time.monotonic() + TURN_SECONDS
    while True:
        with _held(model, lane) as mine:
            if not mine:
                return False
            while (row := _next(model, lane)) is not None:
                if time.monotonic() > until:
                    return True
                if not _napped(row):
                    return False
                _attempt(row, handle)
        # Whoever asked for the lane while it was held went away again.
        if not _is_due(model, lane):
            return False


def waiting_lanes(model: type[Q], now: datetime, limit: int = 500) -> list[str]:
    rows = model._default_manager.filter(state__in=UNFINISHED, due_at__lte=now)
    return list(rows.order_by("lane").values_list("lane", flat=True).distinct()[:limit])


def _next(model: type[Q], lane: str) -> Q | None:
    rows = model._default_manager.filter(lane=lane, state__in=UNFINISHED)
    return rows.exclude(attempts=0, due_at__gt=timezone.now()).order_by("id").first()


def _is_due(model: type[Q], lane: str) -> bool:
    row = _next(model, lane)
    return row is not None and row.due_at <= timezone.now()


def _napped(row: Queued) -> bool:
    """Whether its time has come, or came within a moment's wait."""
    left = (row.due_at - timezone.now()).total_seconds()
    if left > NAP_SECONDS:
        return False
    time.sleep(max(0.0, left))
    return True


def _attempt(row: Q, handle: Callable[[Q], None]) -> None:
    # The last try wrote no end: its process died in it. One that kills each process must not do so for ever.
    row.surprises += row.state == QueuedState.WORKING and row.tried_at is not None and row.due_at <= row.tried_at
    row.state, row.attempts, row.tried_at = QueuedState.WORKING, row.attempts + 1, timezone.now()
    row.save(update_fields=["state", "attempts", "tried_at", "surprises"])
    if row.surprises >= MOST_SURPRISES:
        _end(row, QueuedState.FAILED, "The process that worked on it died, again and again.")
        return
    try:
        handle(row)
    except Later as problem:
        _again(row, str(problem), problem.after, timezone.now())
    except Never as problem:
        _end(row, QueuedState.FAILED, str(problem))
    except SoftTimeLimitExceeded:
        _again(row, "It took longer than a worker may take.", None, timezone.now())
    except Exception as problem:
        _surprised(row, problem)
    else:
        _end(row, QueuedState.DONE, "")


def _surprised(row: Queued, problem: Exception) -> None:
    log.exception("%s %s", type(row).__name__, row.pk)
    said = f"{type(problem).__name__}: the worker's log says more"
    row.surprises += 1
    row.save(update_fields=["surprises"])
    if row.surprises >= MOST_SURPRISES:
        _end(row, QueuedState.FAILED, said)
    else:
        _again(row, said, None, timezone.now())


def _again(row: Queued, reason: str, after: float | None, now: datetime) -> None:
    if now - row.created_at > GIVE_UP_AFTER:
        _end(row, QueuedState.FAILED, reason)
        return
    pause = after if after is not None else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row.attempts - 1, 10))
    row.problem, row.due_at = reason[:1_000], now + timedelta(seconds=pause)
    row.save(update_fields=["problem", "due_at"])


def _end(row: Queued, state: str, problem: str) -> None:
    row.state, row.problem, row.finished_at = state, problem[:1_000], timezone.now()
    row.save(update_fields=["state", "problem", "finished_at"])
    if state == QueuedState.FAILED:
        for _, failure in given_up.send_robust(type(row), row=row, problem=problem):
            if failure is not None:
                log.error("nobody was told of the end of %s %s", type(row).__name__, row.pk, exc_info=failure)


@contextmanager
def _held(model: type[Q], lane: str) -> Iterator[bool]:
    name = f"{model._meta.db_table}:{lane}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
