"""Celery's entry points of telemetry."""

from __future__ import annotations

from datetime import UTC, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from telemetry import ageing, trying
from telemetry.models import Heartbeat
from telemetry.recorder import retention


@shared_task(name="telemetry.tasks.beat")
def beat() -> None:
    """A sign that beat and worker both live; /readyz and the doctor read it."""
    Heartbeat.objects.update_or_create(name="worker", defaults={"at": timezone.now()})


@shared_task(name="telemetry.tasks.prune_intake", time_limit=600, soft_time_limit=590)
def prune_intake() -> dict[str, int]:
    """Let go of what was pushed and is past its source's days or rows; what an incident kept stays with the incident."""
    return ageing.let_go(now=timezone.now(), seconds=500)


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
