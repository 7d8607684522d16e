from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from knowledge.search import indexing


@shared_task(name="knowledge.tasks.sweep_search", soft_time_limit=50, time_limit=60)
def sweep_search() -> int:
    """Brings into search what was written in bulk."""
    return indexing.sweep(timezone.now())
