"""The only upward channel: what happened, told after the transaction that did it, and once.

`tell` writes it down in that transaction and sends it when that is committed. Receivers only write rows, and hearing
the same again writes nothing more; the note goes with what they wrote. A process that dies before leaves the note, a
receiver that fails keeps it, and the sweep tells it again.
Each signal carries ids and the time alone: receivers (knowledge, chat services) read what they need.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any

from django.db import DatabaseError, transaction
from django.dispatch import Signal
from django.utils import timezone

from incidents.models.happening import Happening

incident_declared = Signal()  # incident_id, at
incident_changed = (
    Signal()
)  # incident_id, at, change ("status", "severity", "roles", "fields"), status, severity as they were then
incident_updated = Signal()  # incident_id, at, update_id
incident_proposed = Signal()  # proposal_id, at
incident_matched = Signal()  # incident_id, at, matches: [{"title", "address", "reason"}]
evidence_collected = Signal()  # incident_id, at, collection_id
postmortem_published = Signal()  # postmortem_id, at
person_notified = Signal()  # notice_id, at
reminder_due = Signal()  # incident_id, at, kind ("severity", "commander", "update")

SIGNALS = {
    "incident_declared": incident_declared,
    "incident_changed": incident_changed,
    "incident_updated": incident_updated,
    "incident_proposed": incident_proposed,
    "incident_matched": incident_matched,
    "evidence_collected": evidence_collected,
    "postmortem_published": postmortem_published,
    "person_notified": person_notified,
    "reminder_due": reminder_due,
}
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(days=1)
KEPT = timedelta(days=14)
log = logging.getLogger(__name__)
Receiver = Callable[..., None]


def hears(signal: Signal) -> Callable[[Receiver], Receiver]:
    """Connects a receiver: what it writes stands or falls by itself, and it may be told the same again."""

    def connect(receiver: Receiver) -> Receiver:
        @wraps(receiver)
        def heard(**told: Any) -> None:
            with transaction.atomic():
                receiver(**told)

        signal.connect(heard, weak=False, dispatch_uid=f"{receiver.__module__}.{receiver.__qualname__}")
        return receiver

    return connect


def tell(name: str, *, at: datetime, **told: Any) -> None:
    """`name` is one of SIGNALS; `told` is JSON."""
    row = Happening.objects.create(name=name, at=at, told=told, due_at=timezone.now() + FIRST_PAUSE)
    transaction.on_commit(partial(deliver, row.pk))


def deliver(pk: int) -> bool:
    """False where somebody else tells it, or a receiver failed; then all are told again later."""
    try:
        with transaction.atomic():
            row = Happening.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            return row is not None and _told(row)
    except DatabaseError:
        # The deed is done; that nobody heard of it yet must not look like its failure.
        log.exception("happening %s could not be told; the sweep will", pk)
        return False


def _told(row: Happening) -> bool:
    answers = SIGNALS[row.name].send_robust(Happening, at=row.at, **row.told)
    failures = [answer for _, answer in answers if isinstance(answer, Exception)]
    if not failures:
        row.delete()
        return True
    row.attempts += 1
    row.due_at = timezone.now() + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row.attempts, 10))
    row.save(update_fields=["attempts", "due_at"])
    return False


def sweep(now: datetime) -> int:
    """Tells what a process that died, or a receiver that failed, left; for a day."""
    Happening.objects.filter(created_at__lt=now - KEPT).delete()
    rows = Happening.objects.filter(due_at__lte=now, created_at__gt=now - GIVE_UP_AFTER).order_by("id")
    return sum(deliver(pk) for pk in rows.values_list("pk", flat=True)[:500])


def untold(now: datetime) -> int:
    """How many things those above should have heard of and did not."""
    return Happening.objects.filter(due_at__lt=now - FIRST_PAUSE).count()
