"""PagerDuty's webhooks, version 3. https://developer.pagerduty.com/docs/webhooks-overview"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from telemetry.alerts.rows import AlertRow, Alerts, BadAlerts, OddAlert, alert_row, mapping, moment, read_alerts


def decode_pagerduty(body: Any, now: datetime) -> Alerts:
    """An incident of PagerDuty is one alert here; other events (a ping, a service that changed) hold none."""
    event = mapping(body).get("event")
    if not isinstance(event, dict) or not isinstance(event.get("event_type"), str):
        raise BadAlerts('body: expected an object with "event", as webhooks of version 3 have it')
    data = mapping(event.get("data"))
    concerns = event["event_type"].startswith("incident.") and data.get("type") == "incident"
    return read_alerts([event] if concerns else [], _row)


def _row(event: Mapping[str, Any]) -> AlertRow:
    data = mapping(event.get("data"))
    if not data.get("id"):
        raise OddAlert("event.data.id: expected the id of an incident")
    at = moment(event.get("occurred_at"), "event.occurred_at")
    # Opened again, it fires a second time: its first firing has its own end.
    again = event["event_type"] == "incident.reopened"
    service, priority = mapping(data.get("service")), mapping(data.get("priority"))
    labels = {
        "service": service.get("summary"),
        "urgency": data.get("urgency"),
        "priority": priority.get("summary"),
        "team": ", ".join(str(mapping(team).get("summary") or "") for team in _listed(data.get("teams"))),
        "incident_number": data.get("number"),
    }
    return alert_row(
        fingerprint=str(data["id"]),
        starts_at=at if again else moment(data.get("created_at"), "event.data.created_at"),
        ends_at=at if data.get("status") == "resolved" else None,
        title=data.get("title"),
        severity=priority.get("summary") or data.get("urgency"),
        labels={name: value for name, value in labels.items() if value},
        annotations={"incident_key": data.get("incident_key")},
        url=data.get("html_url"),
        told_at=at,
    )


def _listed(value: Any) -> list[Any]:
    return value[:20] if isinstance(value, list) else []
