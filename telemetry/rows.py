"""What is pushed, as plain rows: redacted, cut to size and storable."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson

from telemetry.redaction import DEFAULT
from telemetry.secrets import MASK

RECORDS_LIMIT = 50_000
ATTRIBUTES_LIMIT = 128
TEXT_LIMIT = 16_000
# As much as a secret takes that is known only by its end; those that are longer are known by their begin.
LONGEST_SECRET = 5_000
READ_LIMIT = TEXT_LIMIT + LONGEST_SECRET
SERVICE_LIMIT = 200
NAME_LIMIT = 300
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The year 2100: later times are a sender's broken clock or a wrong unit.
LATEST_NANOSECONDS = 4_102_444_800 * 10**9
LARGEST_INTEGER = 2**63
NAMESPACE_KEYS = ("k8s.namespace.name", "service.namespace")

Row = TypeVar("Row")

# The rows are not frozen: that alone would double what making one costs, and there are millions. Nobody changes them.


@dataclass(slots=True)
class SpanRow:
    """One span. Ids are lower-case hex; `status_code` 2 is an error."""

    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: int
    start_at: datetime
    end_at: datetime
    status_code: int = 0
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class LogRow:
    """One log record; `digest` (32 hex digits) is the same whenever the same record comes again."""

    at: datetime
    observed_at: datetime | None
    severity_number: int
    severity_text: str
    body: str
    service: str
    trace_id: str = ""
    span_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRow:
    """One metric with one set of labels; `kind` is gauge, counter, histogram or summary."""

    name: str
    unit: str
    kind: str
    is_delta: bool
    service: str
    labels: Mapping[str, Any]
    resource: Mapping[str, Any]
    digest: str


@dataclass(slots=True)
class PointRow:
    """`value` is the sum where there is a `count`; `distribution` as in `telemetry.models.MetricPoint`."""

    series: SeriesRow
    at: datetime
    start_at: datetime | None
    value: float | None
    count: int | None = None
    distribution: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Row]):
    """The rows that were taken, and why others were not: reason → count."""

    rows: list[Row]
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return sum(self.reasons.values())

    @property
    def message(self) -> str:
        return "; ".join(f"{count} × {reason}" for reason, count in self.reasons.items())

    def without(self, refused: Mapping[str, int]) -> Decoded[Row]:
        """With what the store refused beside what could not be read."""
        return Decoded(self.rows, dict(Counter(self.reasons) + Counter(refused))) if refused else self


class Rejected(Exception):
    """One record that is not taken; bad ones cost themselves alone."""


class Taking(Generic[Row]):
    """Rows as they are made, and the reasons of those that are not."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._reasons: Counter[str] = Counter()

    def reject(self, reason: str, count: int = 1) -> None:
        self._reasons[reason] += count

    def has_room(self) -> bool:
        """False, and the next one is counted, when a request holds more than is taken of one."""
        if len(self.rows) < RECORDS_LIMIT:
            return True
        self._reasons[f"over {RECORDS_LIMIT:,} records in one request"] += 1
        return False

    def decoded(self) -> Decoded[Row]:
        return Decoded(self.rows, dict(self._reasons))


def clean_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Redacted and storable. Cut to size last: half a secret has no looks to be known by."""
    if len(text) <= READ_LIMIT:
        return DEFAULT.clean_text(text)[:limit]
    found = DEFAULT.clean_text(text[:READ_LIMIT])
    # Its end may be half a secret, however much shorter the masks before it made the rest.
    return found[: min(limit, max(0, len(found) - LONGEST_SECRET))] or MASK.format("too-long")


def cut(text: str) -> str:
    """Text that `clean_mapping` gets later, no longer than may be kept; what is longer is redacted before."""
    return text if len(text) <= TEXT_LIMIT else clean_text(text)


def clean_mapping(values: Mapping[str, Any]) -> dict[str, Any]:
    """Redacted and storable; values are texts, finite numbers, booleans, None, lists and mappings."""
    found: dict[str, Any] = DEFAULT.clean(values)
    return found


def clean_body(value: Any) -> str:
    """A line as text; a structured one as JSON."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None:
        return ""
    return orjson.dumps(DEFAULT.clean(value)).decode()[:TEXT_LIMIT]


def storable_integer(number: int) -> int | str:
    """Past 64 bits a number becomes text: nothing between here and the page would hold it."""
    return number if -LARGEST_INTEGER <= number < LARGEST_INTEGER else str(number)


def time_of(nanoseconds: int, reason: str) -> datetime:
    if not 0 < nanoseconds <= LATEST_NANOSECONDS:
        raise Rejected(reason)
    return EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def service_of(resource: Mapping[str, Any]) -> str:
    return str(resource.get("service.name") or "unknown_service")[:SERVICE_LIMIT]


def namespace_of(resource: Mapping[str, Any]) -> str:
    return next((str(resource[key])[:SERVICE_LIMIT] for key in NAMESPACE_KEYS if resource.get(key)), "")


def digest_of(*parts: Any) -> str:
    """128 bits of sha256 over values of JSON, in hex; the order of keys makes no difference."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
