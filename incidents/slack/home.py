"""The Home tab."""

from __future__ import annotations

from incidents.models import Delivery


def publish(delivery: Delivery) -> None:
    """For one person."""
