"""The one form of an alert, and the safe readings that every format shares.

What comes in is hostile: texts are redacted and bounded here, times are checked, and one odd alert costs itself alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from telemetry.redaction import DEFAULT, storable

MOST_ALERTS = 1_000
MOST_LABELS = 64
NAME_LIMIT, VALUE_LIMIT = 200, 2_000
TITLE_LIMIT, URL_LIMIT = 300, 1_000
TRUNCATED = "truncated_alerts"


class BadAlerts(ValueError):
    """A body that holds no alerts in the sender's format; says what was expected."""


class OddAlert(ValueError):
    """One alert that is not taken; says what was expected."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One firing of one alert. `ends_at` is None while it fires; `severity` is the sender's word.

    `starts_known` is False where the sender did not say when it began. `told_at` is when this was so, where the sender
    tells what is so now; None where an old message may come late.
    """

    fingerprint: str
    starts_at: datetime
    ends_at: datetime | None
    title: str
    severity: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    redactions: Mapping[str, int] = field(default_factory=dict)
    starts_known: bool = True
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """What was taken, why others were not (reason → count), and how many the sender itself left out."""

    rows: tuple[AlertRow, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)
    truncated: int = 0


def read_alerts(entries: Iterable[Any], read: Callable[[Mapping[str, Any]], AlertRow], truncated: int = 0) -> Alerts:
    """`read` for each entry; one that raises OddAlert is counted and left out."""
    rows: list[AlertRow] = []
    reasons: Counter[str] = Counter()
    for entry in entries:
        try:
            if len(rows) >= MOST_ALERTS:
                raise OddAlert(f"over {MOST_ALERTS:,} alerts in one request")
            if not isinstance(entry, dict):
                raise OddAlert("alert: expected an object")
            rows.append(read(entry))
        except OddAlert as odd:
            reasons[str(odd)] += 1
    return Alerts(tuple(rows), dict(reasons), truncated)


def alert_row(
    *,
    fingerprint: str,
    starts_at: datetime,
    ends_at: datetime | None,
    title: Any,
    severity: Any = "",
    labels: Any = None,
    annotations: Any = None,
    url: Any = "",
    starts_known: bool = True,
    told_at: datetime | None = None,
) -> AlertRow:
    """The row with every text redacted and bounded; without a fingerprint its labels make one."""
    hits: Counter[str] = Counter()
    kept = _texts(labels, hits)
    known = _text(fingerprint, NAME_LIMIT, hits) or _digest(kept, title)
    return AlertRow(
        fingerprint=known,
        starts_at=starts_at,
        ends_at=None if ends_at is None else max(starts_at, ends_at),
        title=_text(title, TITLE_LIMIT, hits) or "An alert without a name",
        severity=_text(severity, 60, hits),
        labels=kept,
        annotations=_texts(annotations, hits),
        url=_address(url, hits),
        redactions=dict(hits),
        starts_known=starts_known,
        told_at=told_at,
    )


def is_firing(status: Any) -> bool:
    """Raises OddAlert for what is neither."""
    if status not in ("firing", "resolved"):
        raise OddAlert("status: expected firing or resolved")
    return bool(status == "firing")


def moment(value: Any, name: str) -> datetime:
    """An RFC 3339 time, or seconds, milliseconds, microseconds or nanoseconds since 1970. Raises OddAlert."""
    found = optional_moment(value)
    if found is None:
        raise OddAlert(f"{name}: expected a time between 2000 and 2100, such as 2026-11-21T06:37:20Z")
    return found


def optional_moment(value: Any) -> datetime | None:
    """None for what is no time of ours, Go's zero time among it."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            at = datetime.fromtimestamp(_seconds(value), UTC)
        else:
            return None
        at = at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if 2000 <= at.year < 2100 else None


def _seconds(value: float) -> float:
    """By its size: 2100 in seconds is less than 1970 in any finer unit would be of use."""
    for factor in (1.0, 1e3, 1e6, 1e9):
        if abs(value) < 4.2e9 * factor:
            return value / factor
    raise ValueError


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else 0


def _texts(value: Any, hits: Counter[str]) -> dict[str, str]:
    redacted = DEFAULT.value({str(key)[:NAME_LIMIT]: _plain(item) for key, item in mapping(value).items()})
    hits.update(redacted.hits)
    pairs = ((storable(key), item[:VALUE_LIMIT]) for key, item in redacted.value.items() if item)
    return dict(list(pairs)[:MOST_LABELS])


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value[: VALUE_LIMIT * 4]
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)[: VALUE_LIMIT * 4]


def _text(value: Any, limit: int, hits: Counter[str]) -> str:
    redacted = DEFAULT.text(" ".join(_plain(value).split()))
    hits.update(redacted.hits)
    return "".join(sign for sign in redacted.text if sign.isprintable())[:limit]


def _address(value: Any, hits: Counter[str]) -> str:
    """Of http and https alone: it becomes a link."""
    text = _text(value, URL_LIMIT, hits)
    try:
        return text if urlsplit(text).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _digest(labels: Mapping[str, str], title: Any) -> str:
    body = json.dumps(labels or _plain(title), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()[:16]
