"""Times that people and programs send in: from this century, so that every zone can show them. Plain Python."""

from __future__ import annotations

from datetime import UTC, datetime

from accounts.problems import InvalidInput

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def check_moment(field: str, at: datetime | None) -> None:
    if at is not None and not EARLIEST <= at <= LATEST:
        raise InvalidInput(field, f"is in the year {at.year}; expected a time between 2000 and 2100")
