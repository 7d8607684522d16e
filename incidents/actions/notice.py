"""What a person does with the notices told to them."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from incidents.models import Notice


def mark_read(*, by: User, now: datetime, notice: int | None = None) -> int:
    """One's own notices, or the one with that id; how many had been unread."""
    rows = Notice.objects.filter(person=by, read_at=None)
    if notice is not None:
        rows = rows.filter(pk=notice)
    return rows.update(read_at=now)
