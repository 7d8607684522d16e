"""Files of captured messages."""

from __future__ import annotations

from incidents.models import Delivery


def fetch(delivery: Delivery) -> None:
    """Those of one message."""
