"""Schedules: a checklist that Debrief starts by itself for one target."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from knowledge.models import Checklist, ChecklistSchedule
from knowledge.targets import clean_target

MOST_HOURS = 24 * 366


@transaction.atomic
def add_schedule(
    *,
    checklist: Checklist,
    by: User,
    now: datetime,
    every_hours: int = 24,
    first_at: datetime | None = None,
    **target: Any,
) -> ChecklistSchedule:
    """The first run comes at `first_at`, or within a minute."""
    require_respond(by)
    if not 1 <= every_hours <= MOST_HOURS:
        raise InvalidInput("every_hours", f"expected 1 to {MOST_HOURS:,} hours")
    known = clean_target(**target)
    if not (known["service"] or known["namespace"]):
        raise InvalidInput("namespace", "name the namespace or the service that is to be checked")
    return ChecklistSchedule.objects.create(
        checklist=checklist, every_hours=every_hours, next_at=first_at or now, created_by=by, **known
    )


@transaction.atomic
def remove_schedule(*, schedule: ChecklistSchedule, by: User, now: datetime) -> None:
    """Its runs stay."""
    require_respond(by)
    schedule.delete()
