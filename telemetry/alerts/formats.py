"""Every format that is taken, one line each: the kind of its source, and what reads its bodies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from telemetry.alerts.alertmanager import decode_alertmanager
from telemetry.alerts.opsgenie import decode_opsgenie
from telemetry.alerts.pagerduty import decode_pagerduty
from telemetry.alerts.rows import Alerts
from telemetry.alerts.webhook import decode_webhook

Decode = Callable[[Any, datetime], Alerts]
FORMATS: dict[str, Decode] = {
    "alertmanager": decode_alertmanager,
    "grafana-alerting": decode_alertmanager,
    "pagerduty": decode_pagerduty,
    "opsgenie": decode_opsgenie,
    "webhook": decode_webhook,
}
