"""Alerts from the series `ALERTS`, the only history of them that Prometheus keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.alert_levels import level_of_alert
from telemetry.collectors.prometheus.series import Series, spans
from telemetry.collectors.times import iso
from telemetry.observations import EvidenceType, Level, Observation, Window

NOT_IDENTITY = frozenset({"__name__", "alertstate"})
ALERT_STEP_SECONDS = 5.0
# Each a part of the next, so that a moment of a coarse grid is one of every finer grid.
STEPS = (ALERT_STEP_SECONDS, 15.0, 60.0, 300.0, 3_600.0, 86_400.0)
# Prometheus answers 11,000 to a query.
MOST_POINTS = 10_000


def alert_step(seconds: float) -> float:
    """The finest step, in seconds, that a window of that length may be asked with; 5 s for up to 13 hours."""
    return next((step for step in STEPS if seconds / step <= MOST_POINTS), STEPS[-1])


def starts_between(series: Sequence[Series], window: Window, step: float) -> list[Window]:
    """Where the stretches begin, between a sample without and the first one with them; nothing for the finest step."""
    if step <= ALERT_STEP_SECONDS:
        return []
    firsts = sorted({first for one in series for first, _ in spans(one.points, step)})
    starts = [(max(window.start, _time(first) - timedelta(seconds=step)), _time(first)) for first in firsts]
    return [Window(start, end) for start, end in starts if start < end]


def alert_observations(
    series: Sequence[Series], window: Window, *, step: float, query: str, links: Sequence[dict[str, str]]
) -> list[Observation]:
    """One observation for each stretch of firing; of pending only where nothing came of it."""
    fired = {_identity(one) for one in series if one.labels.get("alertstate") == "firing"}
    found = []
    for one in series:
        state = one.labels.get("alertstate", "")
        if state == "pending" and _identity(one) in fired:
            continue
        for first, last in spans(one.points, step):
            found.append(_observe(one, state, _time(first), _time(last), window, step, query, links))
    return sorted(found, key=lambda observation: (observation.first_at, observation.dedup_key))


def _observe(
    one: Series,
    state: str,
    first: datetime,
    last: datetime,
    window: Window,
    step: float,
    query: str,
    links: Sequence[dict[str, str]],
) -> Observation:
    labels = {key: value for key, value in one.labels.items() if key not in NOT_IDENTITY}
    name = labels.get("alertname", "unnamed")
    began_before = (first - window.start).total_seconds() < ALERT_STEP_SECONDS
    payload: dict[str, Any] = {
        "alertname": name,
        "labels": labels,
        "state": state,
        "first_at": iso(first),
        "last_at": iso(last),
        "began_before": began_before,
        "ongoing": (window.end - last).total_seconds() <= step * 2,
    }
    level = level_of_alert(labels.get("severity", "")) if state == "firing" else Level.INFO
    parts = [f"{key}={labels[key]}" for key in sorted(labels) if key != "alertname"]
    return Observation(
        type=EvidenceType.ALERT,
        dedup_key=f"alert:{_identity(one)}:{state}:{'before' if began_before else iso(first)}",
        title=f"{name} {state}",
        first_at=first,
        last_at=last,
        level=level,
        subject={key: labels[key] for key in ("namespace", "pod", "container", "node") if key in labels},
        summary=", ".join(parts)[:500],
        payload=payload,
        links=tuple(links),
        query=query,
    )


def _identity(one: Series) -> str:
    labels = {key: value for key, value in one.labels.items() if key not in NOT_IDENTITY}
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
