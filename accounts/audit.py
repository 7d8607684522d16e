"""Writing the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import AuditEvent, User


def record(
    *,
    at: datetime,
    actor: User | None,
    verb: str,
    target: str = "",
    via: str = "page",
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    return AuditEvent.objects.create(
        at=at,
        actor=actor,
        actor_name=actor.display_name if actor else "system",
        via=via,
        verb=verb,
        target=target[:200],
        detail=detail or {},
    )
