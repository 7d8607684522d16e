"""What knowledge does when something happened to an incident. Receivers only write rows; the sweep does the work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from incidents import signals
from knowledge.matching import request_matching


@signals.hears(signals.incident_declared)
def declared(incident_id: int, at: datetime, **_: Any) -> None:
    request_matching(incident_id, at)


@signals.hears(signals.evidence_collected)
def collected(incident_id: int, at: datetime, **_: Any) -> None:
    request_matching(incident_id, at)


@signals.hears(signals.incident_changed)
def changed(incident_id: int, at: datetime, change: str = "", **_: Any) -> None:
    """Its scope or its words may be others now."""
    if change == "fields":
        request_matching(incident_id, at)
