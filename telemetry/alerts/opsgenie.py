"""Opsgenie's outgoing webhook. https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/"""

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
    mapping,
    moment,
    optional_moment,
    read_alerts,
)

ENDED = frozenset({"Close", "Delete"})


def decode_opsgenie(body: Any, now: datetime) -> Alerts:
    """One action on one alert."""
    if not isinstance(body, dict) or not isinstance(body.get("action"), str):
        raise BadAlerts('body: expected an object with "action" and "alert"')

    def read(told: Mapping[str, Any]) -> AlertRow:
        return _row(mapping(told.get("alert")), told["action"], now)

    return read_alerts([body] if body.get("alert") is not None else [], read)


def _row(alert: Mapping[str, Any], action: str, now: datetime) -> AlertRow:
    if not alert.get("alertId"):
        raise OddAlert("alert.alertId: expected the id of an alert")
    labels: dict[str, Any] = {name: alert.get(name) for name in ("alias", "entity", "source", "team", "priority")}
    plain = []
    for tag in alert["tags"][:64] if isinstance(alert.get("tags"), list) else ():
        name, colon, value = str(tag).partition(":")
        if colon and name and value:
            labels.setdefault(name, value)
        else:
            plain.append(str(tag))
    labels |= {"tags": ", ".join(plain), **mapping(alert.get("details"))}
    return alert_row(
        fingerprint=str(alert["alertId"]),
        starts_at=moment(alert.get("createdAt"), "alert.createdAt"),
        ends_at=(optional_moment(alert.get("updatedAt")) or now) if action in ENDED else None,
        title=alert.get("message"),
        severity=alert.get("priority"),
        labels={name: value for name, value in labels.items() if value},
        annotations={"description": alert.get("description")},
    )
