"""The only upward channel: what happened, told after the transaction that did it, and once.

`tell` writes it down in that transaction and sends it when that is committed. Receivers only write rows, in one
transaction that also takes the note away: a process that dies between leaves the note, and the sweep tells it.
Each signal carries ids and the time alone: receivers (knowledge, chat services) read what they need.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F
from django.dispatch import Signal

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
LEFT_ALONE = timedelta(seconds=10)
MOST_ATTEMPTS = 20
log = logging.getLogger(__name__)


def tell(name: str, *, at: datetime, **told: Any) -> None:
    """`name` is one of SIGNALS; `told` is JSON."""
    row = Happening.objects.create(name=name, at=at, told=told)
    transaction.on_commit(partial(deliver, row.pk))


def deliver(pk: int) -> bool:
    """False where somebody else told it, or a receiver failed; then it is told again later."""
    try:
        with transaction.atomic():
            row = Happening.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is None:
                return False
            SIGNALS[row.name].send(Happening, at=row.at, **row.told)
            row.delete()
    except Exception:
        # What a receiver cannot do must not look like a failure of the deed, which is done.
        log.exception("happening %s", pk)
        _count(pk)
        return False
    return True


def sweep(now: datetime) -> int:
    """Tells what a process that died, or a receiver that failed, left."""
    rows = Happening.objects.filter(created_at__lt=now - LEFT_ALONE, attempts__lt=MOST_ATTEMPTS).order_by("id")
    return sum(deliver(pk) for pk in rows.values_list("pk", flat=True)[:500])


def _count(pk: int) -> None:
    try:
        Happening.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
    except DatabaseError:
        log.warning("happening %s could not be counted", pk)
