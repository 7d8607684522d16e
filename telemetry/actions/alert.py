"""Alerts that were pushed: kept once for each firing, however often they are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from telemetry.alerts.rows import AlertRow
from telemetry.models import Alert, Source
from telemetry.models.alert import AlertStatus

TOLD = ("title", "severity", "labels", "annotations", "url", "redactions")


@transaction.atomic
def receive_alerts(*, source: Source, rows: Sequence[AlertRow], now: datetime) -> int:
    """New firings become rows, known ones are brought up to date; returns how many rows that changed.

    Told twice it changes nothing, and a late "firing" never opens what has ended. An end also ends the earlier
    firings of the same alert whose end was never told.
    """
    told = {(row.fingerprint, row.starts_at): row for row in sorted(rows, key=lambda row: row.ends_at is not None)}
    # In one order, so that two requests about the same alerts wait for each other instead of failing.
    ordered = [told[key] for key in sorted(told)]
    _insert(source, ordered, now)
    known = Alert.objects.select_for_update().filter(source=source, fingerprint__in={key[0] for key in told})
    wanted = known.filter(Q(starts_at__in={key[1] for key in told}) | Q(status=AlertStatus.FIRING)).order_by("pk")
    changed = [alert for alert in wanted if _bring_up(alert, told, now)]
    Alert.objects.bulk_update(changed, [*TOLD, "status", "ends_at", "changed_at"], batch_size=500)
    return len(changed)


def _insert(source: Source, rows: Iterable[AlertRow], now: datetime) -> None:
    """As firing at first: what ends with the same request is ended below, like all others."""
    Alert.objects.bulk_create(
        (
            Alert(
                source=source,
                fingerprint=row.fingerprint,
                starts_at=row.starts_at,
                received_at=now,
                changed_at=now,
                **{name: getattr(row, name) for name in TOLD},
            )
            for row in rows
        ),
        batch_size=500,
        ignore_conflicts=True,
    )


def _bring_up(alert: Alert, told: dict[tuple[str, datetime], AlertRow], now: datetime) -> bool:
    """Whether the row is another than before, or new with this request."""
    row = told.get((alert.fingerprint, alert.starts_at))
    before = [getattr(alert, name) for name in (*TOLD, "status")]
    if row is not None and (alert.is_firing or row.ends_at is not None):
        for name in TOLD:
            setattr(alert, name, getattr(row, name))
    ends = [one.ends_at for (name, _), one in told.items() if name == alert.fingerprint and one.ends_at is not None]
    if alert.is_firing and (end := max((end for end in ends if end >= alert.starts_at), default=None)):
        alert.status, alert.ends_at = AlertStatus.RESOLVED, end
    if before == [getattr(alert, name) for name in (*TOLD, "status")] and alert.received_at != now:
        return False
    alert.changed_at = now
    return True
