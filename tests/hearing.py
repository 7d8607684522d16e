"""What receivers of a signal would hear: `with heard(signals.incident_updated) as said:`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    said: list[dict[str, Any]] = []

    def hear(sender: Any, signal: Signal, **told: Any) -> None:
        said.append(told)

    signal.connect(hear, weak=False)
    try:
        yield said
    finally:
        signal.disconnect(hear)
