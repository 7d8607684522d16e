"""Celery's entry point of accounts."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts.models import IdempotencyKey, SignInLink

KEYS_KEPT = timedelta(days=1)


@shared_task(name="accounts.tasks.prune")
def prune() -> int:
    """Answers kept for repeated POSTs go after a day, sign-in links when they no longer work."""
    now = timezone.now()
    keys, _ = IdempotencyKey.objects.filter(created_at__lt=now - KEYS_KEPT).delete()
    links, _ = SignInLink.objects.filter(expires_at__lt=now).delete()
    return keys + links
