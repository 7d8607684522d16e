"""Writing what was pushed: one INSERT … ON CONFLICT DO NOTHING a batch, so that redelivery adds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from telemetry.models import LogRecord, Span
from telemetry.otlp.decode import LogRow, SpanRow

BATCH = 1_000


def _namespace(resource: dict[str, Any]) -> str:
    return str(resource.get("k8s.namespace.name") or resource.get("service.namespace") or "")[:200]


def store_spans(rows: Iterable[SpanRow], now: datetime) -> None:
    Span.objects.bulk_create(
        (
            Span(
                trace_id=row.trace_id,
                span_id=row.span_id,
                parent_span_id=row.parent_span_id,
                service=row.service[:200],
                namespace=_namespace(dict(row.resource)),
                name=row.name[:300],
                kind=row.kind,
                start_at=row.start_at,
                end_at=row.end_at,
                status_code=row.status_code,
                status_message=row.status_message[:5_000],
                attributes=dict(row.attributes),
                resource=dict(row.resource),
                received_at=now,
            )
            for row in rows
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def store_logs(rows: Iterable[LogRow], now: datetime) -> None:
    LogRecord.objects.bulk_create(
        (
            LogRecord(
                at=row.at,
                severity_number=row.severity_number,
                severity_text=row.severity_text[:32],
                service=row.service[:200],
                namespace=_namespace(dict(row.resource)),
                body=row.body,
                trace_id=row.trace_id,
                span_id=row.span_id,
                attributes=dict(row.attributes),
                resource=dict(row.resource),
                digest=row.digest,
                received_at=now,
            )
            for row in rows
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
