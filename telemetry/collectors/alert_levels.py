"""How loud an alert is, by the words that teams use for it."""

from __future__ import annotations

from telemetry.observations import Level

SERIOUS = frozenset(
    {"critical", "page", "error", "high", "fatal", "emergency", "sev1", "sev2", "p1", "p2", "sev-1", "sev-2"}
)


def level_of_alert(severity: str) -> Level:
    """Of one that fires; what has no severity is a warning all the same."""
    return Level.ERROR if severity.strip().lower() in SERIOUS else Level.WARNING
