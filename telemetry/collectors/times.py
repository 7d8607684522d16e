"""Times as backends write them, and as payloads carry them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def parse_time(text: Any) -> datetime | None:
    """An RFC 3339 time in UTC; digits past microseconds are cut. None for anything else."""
    if not isinstance(text, str) or not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def credible(at: datetime | None) -> datetime | None:
    """None for what no clock means: Go's zero time, a far future that no page could show."""
    return at if at is not None and 2000 <= at.year < 2100 else None


def iso(at: datetime) -> str:
    """`2026-11-21T06:37:20Z`, with a fraction only where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
