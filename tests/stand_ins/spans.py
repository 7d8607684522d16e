"""Spans for stand-ins of trace backends, in the forms in which they answer."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Spanned:
    """One span; ids are hex, `ms` is its duration."""

    trace_id: str
    span_id: str
    start: datetime
    ms: float = 100.0
    parent: str = ""
    service: str = "checkout"
    name: str = "POST /checkout"
    message: str | None = None
    namespace: str = "shop"

    @property
    def failed(self) -> bool:
        return self.message is not None

    @property
    def end(self) -> datetime:
        return self.start + timedelta(milliseconds=self.ms)


def a_trace(number: int, start: datetime, **more: Any) -> list[Spanned]:
    """A root of the service with a call to the database in it."""
    trace_id = f"{number + 1:032x}"
    root = Spanned(trace_id, f"{number * 2 + 1:016x}", start, **more)
    inner = {**more, "ms": root.ms / 2, "service": "db", "name": "SELECT"}
    return [root, Spanned(trace_id, f"{number * 2 + 2:016x}", start, parent=root.span_id, **inner)]


def traces_of(spans: Iterable[Spanned]) -> dict[str, list[Spanned]]:
    found: dict[str, list[Spanned]] = {}
    for span in spans:
        found.setdefault(span.trace_id, []).append(span)
    return found


def nanoseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1_000_000) * 1_000)


def resource_spans(spans: Iterable[Spanned], *, as_base64: bool = False) -> list[dict[str, Any]]:
    def identity(text: str) -> str:
        return base64.b64encode(bytes.fromhex(text)).decode() if as_base64 else text

    return [
        {
            "resource": {
                "attributes": [
                    {"key": "service.name", "value": {"stringValue": span.service}},
                    {"key": "k8s.namespace.name", "value": {"stringValue": span.namespace}},
                ]
            },
            "scopeSpans": [
                {
                    "scope": {},
                    "spans": [
                        {
                            "traceId": identity(span.trace_id),
                            "spanId": identity(span.span_id),
                            "parentSpanId": identity(span.parent),
                            "name": span.name,
                            "kind": "SPAN_KIND_SERVER" if as_base64 else 2,
                            "startTimeUnixNano": nanoseconds(span.start),
                            "endTimeUnixNano": nanoseconds(span.end),
                            "status": {
                                "code": ("STATUS_CODE_ERROR" if as_base64 else 2) if span.failed else 0,
                                "message": span.message or "",
                            },
                        }
                    ],
                }
            ],
        }
        for span in spans
    ]


def as_jaeger(trace_id: str, spans: list[Spanned], *, warnings: list[str] | None = None) -> dict[str, Any]:
    """A trace in the JSON of Jaeger's first API."""
    services = sorted({span.service for span in spans})
    names = {service: f"p{place}" for place, service in enumerate(services, start=1)}
    return {
        "traceID": trace_id.lstrip("0"),
        "spans": [
            {
                "traceID": trace_id.lstrip("0"),
                "spanID": span.span_id.lstrip("0"),
                "operationName": span.name,
                "references": [
                    {"refType": "CHILD_OF", "traceID": trace_id.lstrip("0"), "spanID": span.parent.lstrip("0")}
                ]
                if span.parent
                else [],
                "startTime": int(span.start.timestamp() * 1_000_000),
                "duration": int(span.ms * 1_000),
                "tags": [
                    {"key": "span.kind", "type": "string", "value": "server"},
                    *(
                        [
                            {"key": "error", "type": "bool", "value": True},
                            {"key": "otel.status_description", "type": "string", "value": span.message},
                        ]
                        if span.failed
                        else []
                    ),
                ],
                "logs": [],
                "processID": names[span.service],
                "warnings": None,
            }
            for span in spans
        ],
        "processes": {
            names[service]: {
                "serviceName": service,
                "tags": [{"key": "k8s.namespace.name", "type": "string", "value": "shop"}],
            }
            for service in services
        },
        "warnings": warnings,
    }
