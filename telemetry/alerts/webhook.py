"""Debrief's own documented form, for whatever has no format of its own here: docs/using/sources/alerts.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from telemetry.alerts.rows import (
    AlertRow,
    Alerts,
    BadAlerts,
    OddAlert,
    alert_row,
    is_firing,
    mapping,
    moment,
    optional_moment,
    read_alerts,
)


def decode_webhook(body: Any, now: datetime) -> Alerts:
    """One alert, a list of them, or an object with `alerts`. Raises BadAlerts."""
    entries = body.get("alerts", [body]) if isinstance(body, dict) else body
    if not isinstance(entries, list):
        raise BadAlerts('body: expected an alert, a list of them, or an object with "alerts"')

    def read(alert: Mapping[str, Any]) -> AlertRow:
        return _row(alert, now)

    return read_alerts(entries, read)


def _row(alert: Mapping[str, Any], now: datetime) -> AlertRow:
    title, firing = alert.get("title"), is_firing(alert.get("status", "firing"))
    if not isinstance(title, str) or not title.strip():
        raise OddAlert("title: expected what is wrong, in a few words")
    starts = alert.get("starts_at")
    labels = dict(mapping(alert.get("labels")))
    if alert.get("service"):
        labels.setdefault("service", alert["service"])
    return alert_row(
        fingerprint=str(alert.get("id") or ""),
        starts_at=now if starts is None else moment(starts, "starts_at"),
        ends_at=None if firing else optional_moment(alert.get("ends_at")) or now,
        title=title,
        severity=alert.get("severity") or labels.get("severity") or "",
        labels=labels,
        annotations={"description": alert.get("description"), **mapping(alert.get("annotations"))},
        url=alert.get("url"),
        starts_known=starts is not None,
    )
