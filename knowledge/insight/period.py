"""Which incidents are looked at: of a time, of some severities, of one service, and only what the reader may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import QuerySet

from accounts.models import User
from incidents.models import Incident
from incidents.models.incident import ClosureReason, Kind

LENGTHS = {"3": "Last 3 months", "12": "Last 12 months", "36": "Last 3 years"}
USUAL = "12"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months up to `until`; `months` are their first days, oldest first."""

    since: datetime
    until: datetime
    months: list[datetime]
    length: str
    severity: str
    service: str

    @property
    def before(self) -> tuple[datetime, datetime]:
        """The time of the same length just before, to compare with."""
        return self.since - (self.until - self.since), self.since


def period_of(wanted: Mapping[str, str], now: datetime) -> Period:
    """`?months=12&severity=SEV1&service=checkout`; what is not understood is as if it were not there."""
    length = wanted.get("months", "")
    length = length if length in LENGTHS else USUAL
    this = now.year * 12 + now.month - 1
    months = [month_of(place) for place in range(this - int(length) + 1, this + 1)]
    return Period(
        since=months[0],
        until=now,
        months=months,
        length=length,
        severity=wanted.get("severity", "")[:20],
        service=wanted.get("service", "")[:200],
    )


def month_of(place: int) -> datetime:
    """Its first moment in UTC; `place` counts months since the year 0."""
    return datetime(place // 12, place % 12 + 1, 1, tzinfo=UTC)


def incidents_of(period: Period, person: User, *, before: bool = False) -> QuerySet[Incident]:
    """Real incidents that ended as what they were: no drills, duplicates, false alarms or cancelled ones."""
    since, until = period.before if before else (period.since, period.until)
    rows = Incident.objects.visible_to(person).filter(kind=Kind.INCIDENT, declared_at__gte=since, declared_at__lt=until)
    others = [ClosureReason.DUPLICATE, ClosureReason.FALSE_POSITIVE, ClosureReason.CANCELLED]
    rows = rows.exclude(closure_reason__in=others)
    if period.severity:
        rows = rows.filter(severity__name=period.severity)
    if period.service:
        rows = rows.filter(services__contains=[period.service])
    return rows
