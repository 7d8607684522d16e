from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from knowledge import matching


@shared_task(name="knowledge.tasks.sweep_matches", soft_time_limit=50, time_limit=60)
def sweep_matches() -> int:
    """Compares the incidents that changed since they were compared."""
    return matching.sweep(timezone.now())
