"""What a person answers to a reminder."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Incident, Reminder

SNOOZES = (30, 60, 90)


@transaction.atomic
def snooze_reminder(*, incident: Incident, kind: str, minutes: int, by: User, now: datetime) -> Reminder:
    """Nobody is reminded of this for so many minutes."""
    require_respond(by)
    if kind not in Reminder.Kind.values:
        raise InvalidInput("kind", f"is {kind!r}; expected one of {', '.join(Reminder.Kind.values)}")
    if minutes not in SNOOZES:
        raise InvalidInput("minutes", f"is {minutes}; expected one of {', '.join(map(str, SNOOZES))}")
    fields = {"snoozed_until": now + timedelta(minutes=minutes), "snoozed_by": by}
    return Reminder.objects.update_or_create(incident=incident, kind=kind, defaults=fields)[0]
