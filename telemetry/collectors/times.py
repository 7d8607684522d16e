"""Times as backends write them, and as payloads carry them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}


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


def seconds_of(text: str) -> float:
    """The seconds of a duration as Go and Prometheus write it, `744h0m0s` or `31d`; 0 for anything else."""
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(ms|us|µs|ns|[smhdwy])", text)
    seconds = sum(float(amount) * SECONDS[unit] for amount, unit in parts)
    return seconds if seconds < 100_000 * 86_400 else 0.0
