"""What a person does about something that a chat service was not told."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from accounts.permissions import require_respond
from incidents.chat import outbox
from incidents.models import Delivery


def retry_delivery(*, delivery: Delivery, by: User, now: datetime) -> None:
    """One that failed begins anew; any other is left to itself."""
    require_respond(by)
    outbox.try_again(delivery, now)
