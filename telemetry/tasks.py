"""Celery's entry points of telemetry."""

from __future__ import annotations

from datetime import UTC, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from telemetry import trying
from telemetry.models import Heartbeat, LogRecord, Span
from telemetry.recorder import retention


@shared_task(name="telemetry.tasks.beat")
def beat() -> None:
    """A sign that beat and worker both live; /readyz and the doctor read it."""
    Heartbeat.objects.update_or_create(name="worker", defaults={"at": timezone.now()})


@shared_task(name="telemetry.tasks.prune_intake", time_limit=600, soft_time_limit=590)
def prune_intake() -> int:
    """Drop pushed logs and spans past INTAKE_RETENTION_DAYS; what an incident kept stays with the incident."""
    before = timezone.now() - timedelta(days=settings.INTAKE_RETENTION_DAYS)
    logs, _ = LogRecord.objects.older_than(before).delete()
    spans, _ = Span.objects.older_than(before).delete()
    return logs + spans


@shared_task(name="telemetry.tasks.keep_archive", time_limit=280, soft_time_limit=270)
def keep_archive() -> dict[str, int]:
    """Makes the days to come of the archive and lets go what is older than ARCHIVE_RETENTION_DAYS."""
    now = timezone.now()
    retention.make_days(now.astimezone(UTC).date())
    return retention.let_go(before=now - timedelta(days=settings.ARCHIVE_RETENTION_DAYS), seconds=240)


@shared_task(name="telemetry.tasks.try_query", time_limit=60, soft_time_limit=50)
def try_query(trial_id: int) -> None:
    trying.try_out(trial_id)


@shared_task(name="telemetry.tasks.prune_trials")
def prune_trials() -> int:
    return trying.prune(timezone.now())
