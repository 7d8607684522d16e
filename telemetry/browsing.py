"""Looking through the archived Events: what was asked for, a page of them, their counts over time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import psycopg
from django.db import OperationalError, connection, transaction
from django.db.models import Count, DateTimeField, F, Func, Q, Value
from django.db.models.fields.tuple_lookups import TupleLessThan
from django.db.models.functions import Least
from django.utils.dateparse import parse_datetime

from accounts.problems import InvalidInput
from telemetry.models import Cluster, ClusterEvent
from telemetry.models.archive import ClusterEventQuerySet

# The expression of the index events_by_words; written otherwise, the index is not used.
WORDS = "to_tsvector('simple', reason || ' ' || about_name || ' ' || message)"
TEXTS = ("cluster", "namespace", "kind", "object", "reason", "type", "signal", "q")
FIELDS = {
    "namespace": "namespace",
    "kind": "about_kind",
    "object": "about_name",
    "reason": "reason",
    "type": "type",
    "signal": "signal",
}
LONGEST = 300
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
EXPECTED_TIME = "expected a time such as 2026-11-21T06:38:12Z"
# Words are sought in each row of the chosen time; a page that takes longer is better asked more narrowly.
PATIENCE_MS = 5_000


class TooMuch(Exception):
    """The question reads more rows than the time allows; a shorter time or one more filter answers it."""

    retryable = False


class UnknownPlace(ValueError):
    """A cursor that no page of ours gave."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader asked for; empty texts and None ask for everything. Times are [since, until)."""

    cluster: str = ""
    namespace: str = ""
    kind: str = ""
    object: str = ""
    reason: str = ""
    type: str = ""
    signal: str = ""
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def rows(self, clusters: Mapping[int, Cluster]) -> ClusterEventQuerySet:
        """Events of these clusters that went on in the wanted time. Raises InvalidInput for an unknown cluster."""
        rows = ClusterEvent.objects.filter(cluster_id__in=self._cluster_ids(clusters))
        for name, field in FIELDS.items():
            if value := getattr(self, name):
                rows = rows.filter(**{field: value})
        if self.since is not None:
            rows = rows.filter(last_at__gte=self.since)
        if self.until is not None:
            rows = rows.filter(first_at__lt=self.until, created_at__lt=self.until)
        if self.q:
            rows = rows.filter(Q(message__icontains=self.q) | Q(about_name__icontains=self.q))
        return rows

    def _cluster_ids(self, clusters: Mapping[int, Cluster]) -> list[int]:
        if not self.cluster:
            return list(clusters)
        found = [pk for pk, cluster in clusters.items() if cluster.name == self.cluster]
        if not found:
            raise InvalidInput("cluster", f"is {self.cluster!r}; expected the name of a connected cluster")
        return found


def wanted_from(given: Mapping[str, str], *, zone: tzinfo | None = None) -> Wanted:
    """Reads a query string's fields. A time without a zone is of `zone`, and refused where that is None.

    Raises InvalidInput naming every field that cannot be read.
    """
    errors: dict[str, str] = {}
    texts = {name: given.get(name, "").strip() for name in TEXTS}
    for name, text in texts.items():
        if len(text) > LONGEST:
            errors[name] = f"is longer than {LONGEST} characters"
    times: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        try:
            times[name] = read_time(given.get(name, ""), zone)
        except ValueError as problem:
            errors[name] = str(problem)
    since, until = times.get("since"), times.get("until")
    if since is not None and until is not None and since >= until:
        errors["until"] = "is not after since"
    if errors:
        raise InvalidInput(errors=errors)
    return Wanted(**texts, since=since, until=until)


def read_time(text: str, zone: tzinfo | None) -> datetime | None:
    """None for nothing. Raises ValueError with a sentence."""
    if not text.strip():
        return None
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"is {text[:60]!r}; {EXPECTED_TIME}")
    if found.tzinfo is None:
        if zone is None:
            raise ValueError(f"has no zone; {EXPECTED_TIME}")
        found = found.replace(tzinfo=zone)
    if not FIRST.year < found.year < LAST.year:
        raise ValueError(f"lies outside {FIRST.year} to {LAST.year}; {EXPECTED_TIME}")
    return found.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class EventPage:
    """`following` is the cursor of the next page, empty on the last one. Each row's `cluster` is filled in."""

    rows: list[ClusterEvent]
    following: str


def events_page(wanted: Wanted, *, after: str, size: int) -> EventPage:
    """Newest first, by (last_at, id). Raises InvalidInput, UnknownPlace for a bad cursor, TooMuch."""
    clusters = Cluster.objects.in_bulk()
    rows = wanted.rows(clusters)
    if after:
        rows = rows.filter(TupleLessThan((F("last_at"), F("id")), _place(after)))
    with at_most(PATIENCE_MS):
        found = list(rows.order_by("-last_at", "-id")[: size + 1])
    for row in found:
        row.cluster = clusters[row.cluster_id]
    return EventPage(found[:size], _cursor(found[size - 1]) if len(found) > size else "")


def _cursor(row: ClusterEvent) -> str:
    return base64.urlsafe_b64encode(f"{row.last_at.isoformat()} {row.pk}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[datetime, int]:
    try:
        at, _, pk = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
        moment, number = datetime.fromisoformat(at), int(pk)
    except (ValueError, binascii.Error):
        raise UnknownPlace(cursor) from None
    if moment.tzinfo is None or not 0 <= number < 2**63:
        raise UnknownPlace(cursor)
    return moment, number


def earliest(wanted: Wanted) -> datetime | None:
    """When the oldest of these Events was last seen. Raises InvalidInput and TooMuch."""
    rows = wanted.rows(Cluster.objects.in_bulk()).order_by("last_at", "id")
    with at_most(PATIENCE_MS):
        return rows.values_list("last_at", flat=True).first()


@dataclass(frozen=True, slots=True)
class Bar:
    """Events last seen in [at, at + step)."""

    at: datetime
    warnings: int
    others: int


def counts_over_time(wanted: Wanted, *, start: datetime, end: datetime, step: timedelta) -> list[Bar]:
    """A bar for each step of [start, end), empty ones too; what went on after `end` counts in the last one.

    Raises InvalidInput and TooMuch.
    """
    rows = wanted.rows(Cluster.objects.in_bulk()).filter(last_at__gte=start).order_by()
    seen = Least(F("last_at"), Value(end - timedelta(microseconds=1)))
    at = Func(Value(step), seen, Value(start), function="date_bin", output_field=DateTimeField())
    warning = Q(type="Warning")
    with at_most(PATIENCE_MS):
        counted = rows.values(at=at).annotate(warnings=Count("pk", filter=warning), others=Count("pk", filter=~warning))
        found = {row["at"]: row for row in counted}
    nothing = {"warnings": 0, "others": 0}
    places = [start + step * place for place in range(-(-(end - start) // step))]
    bars = [(place, found.get(place, nothing)) for place in places]
    return [Bar(place, row["warnings"], row["others"]) for place, row in bars]


@contextmanager
def at_most(milliseconds: int) -> Iterator[None]:
    """A transaction whose statements are cancelled after so long; raises TooMuch then."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            yield
    except OperationalError as problem:
        if isinstance(problem.__cause__, psycopg.errors.QueryCanceled):
            raise TooMuch(f"This took longer than {milliseconds // 1000} s; ask for a shorter time") from None
        raise
