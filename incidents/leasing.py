"""A lease on a row that a worker is at: renewed while it lives, so that a dead worker's row is taken by another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone


@contextmanager
def renewed(running: QuerySet[Any], *, lease: timedelta, every: float) -> Iterator[None]:
    """`lease_until` of `running` is moved on each `every` seconds, from a thread of its own while others are waited for."""
    done = threading.Event()

    def renew() -> None:
        try:
            while not done.wait(every):
                running.update(lease_until=timezone.now() + lease)
        finally:
            connection.close()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)
