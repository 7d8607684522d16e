"""For operators and their probes: /healthz, /readyz, /metrics."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from config import recorder_metrics
from config.celery import app
from incidents.models import CollectionRun, FollowUp, Incident
from incidents.models.evidence import RunState
from telemetry.models import Heartbeat, LogRecord, Span

STARTED = time.time()


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations and broker; 503 with the part that is missing."""
    checks = {"database": database_problem(), "migrations": "", "broker": ""}
    if not checks["database"]:
        checks["migrations"] = migrations_problem()
        checks["broker"] = broker_problem()
    failed = {name: text for name, text in checks.items() if text}
    return JsonResponse({"ready": not failed, "failed": failed}, status=503 if failed else 200)


def database_problem() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return ""


def migrations_problem() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} not applied; run manage.py bootstrap" if waiting else ""


def broker_problem() -> str:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except Exception as problem:  # each transport raises errors of its own; shown in the answer
        return f"does not answer ({type(problem).__name__})"
    return ""


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format. Counts come from the database, so every process tells the same."""
    try:
        lines = _lines()
    except DatabaseError:
        lines = ["# TYPE debrief_up gauge", "debrief_up 0"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _lines() -> list[str]:
    now = timezone.now()
    lines = ["# TYPE debrief_up gauge", "debrief_up 1"]
    lines += ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {STARTED:.3f}"]
    lines += _grouped("debrief_incidents", "gauge", "status", Incident.objects.order_by(), "status")
    runs = CollectionRun.objects.order_by()
    lines += _grouped("debrief_collection_runs", "counter", "outcome", runs.filter(state=RunState.DONE), "status")
    waiting = runs.exclude(state=RunState.DONE).count()
    lines += ["# TYPE debrief_collection_runs_unfinished gauge", f"debrief_collection_runs_unfinished {waiting}"]
    overdue = FollowUp.objects.overdue(now).count()
    lines += ["# TYPE debrief_followups_overdue gauge", f"debrief_followups_overdue {overdue}"]
    recent = now - timedelta(minutes=5)
    lines.append("# TYPE debrief_intake_recent_rows gauge")
    for name, rows in (("logs", LogRecord.objects), ("spans", Span.objects)):
        lines.append(f'debrief_intake_recent_rows{{kind="{name}"}} {rows.filter(received_at__gt=recent).count()}')
    beat = Heartbeat.objects.filter(name="worker").first()
    age = (now - beat.at).total_seconds() if beat else -1
    lines += ["# TYPE debrief_worker_heartbeat_age_seconds gauge", f"debrief_worker_heartbeat_age_seconds {age:.1f}"]
    return lines + recorder_metrics.lines(now)


def _grouped(name: str, kind: str, label: str, rows: Any, field: str) -> list[str]:
    lines = [f"# TYPE {name} {kind}"]
    for row in rows.values(field).annotate(n=Count("pk")):
        lines.append(f'{name}{{{label}="{row[field]}"}} {row["n"]}')
    return lines
