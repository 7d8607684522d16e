"""Alerts that were pushed: kept once for each firing, however often they are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from telemetry.alerts.rows import AlertRow
from telemetry.models import Alert, Source
from telemetry.models.alert import AlertStatus

TOLD = ("title", "severity", "labels", "annotations", "url", "redactions")
# A "firing" that is told so long after the end is no late delivery: it fires again.
AGAIN_AFTER = timedelta(minutes=5)
LOCK = 20_261_121


@transaction.atomic
def receive_alerts(*, source: Source, rows: Sequence[AlertRow], now: datetime) -> int:
    """New firings become rows, known ones are brought up to date; returns how many rows that changed.

    Told twice it changes nothing, and a late "firing" does not open what has ended. An end also ends the earlier
    firings of the same alert whose end was never told.
    """
    if not rows:
        return 0
    # Two requests about the same new alert would each see none: one source is received one after the other.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, source.pk])
    known = _Known(source, rows, now)
    for row in sorted(rows, key=lambda one: (one.ends_at is not None, one.starts_at)):
        known.tell(row)
    return known.save()


class _Known:
    """The firings of the alerts that a request tells of, as they are and as they become."""

    def __init__(self, source: Source, rows: Sequence[AlertRow], now: datetime) -> None:
        self._source, self._now = source, now
        found = Alert.objects.select_for_update().filter(
            source=source, fingerprint__in={one.fingerprint for one in rows}
        )
        wanted = found.filter(Q(starts_at__in={one.starts_at for one in rows}) | Q(status=AlertStatus.FIRING))
        self._by_start = {(alert.fingerprint, alert.starts_at): alert for alert in wanted.order_by("pk")}
        self._firing: dict[str, list[Alert]] = defaultdict(list)
        for alert in sorted(self._by_start.values(), key=lambda one: one.starts_at):
            if alert.is_firing:
                self._firing[alert.fingerprint].append(alert)
        self._changed: dict[int, Alert] = {}

    def tell(self, row: AlertRow) -> None:
        alert = self._meant(row)
        if row.ends_at is None:
            if alert is not None and alert.is_firing:
                self._update(alert, row)
            return
        if alert is not None:
            self._update(alert, row)
        for one in self._firing[row.fingerprint]:
            if one.starts_at <= row.ends_at:
                self._end(one, row.ends_at)
        self._firing[row.fingerprint] = [one for one in self._firing[row.fingerprint] if one.is_firing]

    def save(self) -> int:
        changed = list(self._changed.values())
        fresh = [alert for alert in changed if alert.pk is None]
        Alert.objects.bulk_create(fresh, batch_size=500)
        old = [alert for alert in changed if alert not in fresh]
        Alert.objects.bulk_update(old, [*TOLD, "status", "ends_at", "changed_at"], batch_size=500)
        return len(changed)

    def _meant(self, row: AlertRow) -> Alert | None:
        """The firing that the row tells of, made where there is none; None for a late delivery."""
        firing = self._firing[row.fingerprint]
        if firing and not row.starts_known:
            return firing[-1]
        alert = self._by_start.get((row.fingerprint, row.starts_at))
        if alert is None:
            return None if row.ends_at is not None and not row.starts_known else self._make(row, row.starts_at)
        if row.ends_at is None and not alert.is_firing and alert.ends_at is not None:
            if row.told_at is None or row.told_at <= alert.ends_at + AGAIN_AFTER:
                return None
            return firing[-1] if firing else self._make(row, row.told_at)
        return alert

    def _make(self, row: AlertRow, starts_at: datetime) -> Alert:
        alert = Alert(
            source=self._source,
            fingerprint=row.fingerprint,
            starts_at=starts_at,
            received_at=self._now,
            changed_at=self._now,
            **{name: getattr(row, name) for name in TOLD},
        )
        self._by_start[row.fingerprint, starts_at] = alert
        self._firing[row.fingerprint].append(alert)
        self._changed[id(alert)] = alert
        return alert

    def _update(self, alert: Alert, row: AlertRow) -> None:
        if [getattr(alert, name) for name in TOLD] == [getattr(row, name) for name in TOLD]:
            return
        for name in TOLD:
            setattr(alert, name, getattr(row, name))
        self._touch(alert)

    def _end(self, alert: Alert, at: datetime) -> None:
        alert.status, alert.ends_at = AlertStatus.RESOLVED, max(at, alert.starts_at)
        self._touch(alert)

    def _touch(self, alert: Alert) -> None:
        alert.changed_at = self._now
        self._changed[id(alert)] = alert
