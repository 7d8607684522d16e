"""Alertmanager's webhook, version 4, and Grafana's, which has the same shape with more in it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from telemetry.alerts.rows import (
    TRUNCATED,
    AlertRow,
    Alerts,
    BadAlerts,
    alert_row,
    is_firing,
    mapping,
    moment,
    optional_moment,
    read_alerts,
    whole,
)


def decode_alertmanager(body: Any, now: datetime) -> Alerts:
    """The alerts of one notification. Raises BadAlerts."""
    if not isinstance(body, dict) or not isinstance(body.get("alerts"), list):
        raise BadAlerts('body: expected an object with "alerts", as a webhook of version 4 has it')
    truncated = whole(body.get("truncatedAlerts"))
    group = str(body.get("externalURL") or "")

    def read(alert: Mapping[str, Any]) -> AlertRow:
        return _row(alert, group, truncated, now)

    return read_alerts(body["alerts"], read, truncated)


def _row(alert: Mapping[str, Any], external: str, truncated: int, now: datetime) -> AlertRow:
    labels = mapping(alert.get("labels"))
    firing = is_firing(alert.get("status"))
    annotations = dict(mapping(alert.get("annotations")))
    if told := alert.get("valueString"):
        annotations.setdefault("value", told)
    if truncated:
        annotations[TRUNCATED] = str(truncated)
    return alert_row(
        fingerprint=str(alert.get("fingerprint") or ""),
        starts_at=moment(alert.get("startsAt"), "startsAt"),
        ends_at=None if firing else optional_moment(alert.get("endsAt")) or now,
        title=labels.get("alertname") or annotations.get("summary") or "",
        severity=labels.get("severity") or labels.get("priority") or "",
        labels=labels,
        annotations=annotations,
        url=alert.get("panelURL") or alert.get("generatorURL") or external,
        told_at=now,
    )
