"""Traces and logs of the recorded outage, pushed as OTLP/HTTP JSON: every checkout waits for a database that is gone."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from datetime import datetime, timedelta
from typing import Any

IMPACT, MITIGATED = (
    datetime.fromisoformat("2026-11-21T06:37:20+00:00"),
    datetime.fromisoformat("2026-11-21T06:43:50+00:00"),
)
FIRST = datetime.fromisoformat("2026-11-21T06:30:00+00:00")
TRACES, STEP = 60, timedelta(seconds=19)


def push(address: str, token: str) -> None:
    """Raises urllib.error.HTTPError where the intake refuses."""
    _post(f"{address}/v1/traces", token, {"resourceSpans": _traces()})
    _post(f"{address}/v1/logs", token, {"resourceLogs": _logs()})


def _post(address: str, token: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - our own loopback address
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


def _resource(service: str) -> dict[str, Any]:
    pairs = {"service.name": service, "k8s.namespace.name": "shop"}
    return {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]}


def _nano(at: datetime) -> str:
    return str(int(at.timestamp() * 1_000_000) * 1000)


def _id(text: str, size: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:size]


def _span(trace: int, name: str, parent: str, start: datetime, milliseconds: float, error: str = "") -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": _id(f"trace {trace}", 32),
        "spanId": _id(f"{trace} {name}", 16),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": _nano(start),
        "endTimeUnixNano": _nano(start + timedelta(milliseconds=milliseconds)),
    }
    if parent:
        span["parentSpanId"] = _id(f"{trace} {parent}", 16)
    if error:
        span["status"] = {"code": 2, "message": error}
    return span


def _traces() -> list[dict[str, Any]]:
    by_service: dict[str, list[dict[str, Any]]] = {"web": [], "checkout": []}
    for trace in range(TRACES):
        start = FIRST + trace * STEP
        broken = IMPACT <= start < MITIGATED and trace % 5 != 0
        wait = 4_951.0 if broken else 8.0 + trace % 7
        error = "dial tcp orders-db-0:5432: i/o timeout" if broken else ""
        soon = timedelta(milliseconds=3)
        by_service["web"].append(_span(trace, "POST /checkout", "", start, wait + 53, error and "502 from checkout"))
        checkout = by_service["checkout"]
        checkout.append(_span(trace, "create_order", "POST /checkout", start + soon, wait + 47, error))
        checkout.append(_span(trace, "reserve_stock", "create_order", start + 2 * soon, 38))
        checkout.append(_span(trace, "db.connect", "create_order", start + 15 * soon, wait, error))
    return [{"resource": _resource(service), "scopeSpans": [{"spans": found}]} for service, found in by_service.items()]


def _logs() -> list[dict[str, Any]]:
    records = []
    for place in range(240):
        at = FIRST + timedelta(seconds=5 * place)
        broken = IMPACT <= at < MITIGATED and place % 3 != 0
        body = "create order: dial tcp orders-db-0:5432: i/o timeout" if broken else f"order {4_100 + place} created"
        number, text = (17, "ERROR") if broken else (9, "INFO")
        trace = int((at - FIRST) / STEP)
        records.append(
            {
                "timeUnixNano": _nano(at),
                "severityNumber": number,
                "severityText": text,
                "body": {"stringValue": body},
                "traceId": _id(f"trace {trace}", 32),
                "spanId": _id(f"{trace} create_order", 16),
            }
        )
    return [{"resource": _resource("checkout"), "scopeLogs": [{"logRecords": records}]}]
