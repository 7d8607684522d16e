"""Observations → timeline lines. Plain Python: no Django, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from telemetry.observations import EvidenceType, Level, Observation

PATTERNS_PER_LOG = 3
TITLE_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `until` draws a span; `key` is stable, so that deriving again finds the same line."""

    key: str
    occurred_at: datetime
    source: str
    title: str
    until: datetime | None = None
    count: int = 1
    level: Level = Level.INFO
    subject: str = ""
    text: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def lines_for(observation: Observation) -> list[Line]:
    """The lines of one observation, none for what only illustrates (a metric without alarm, a link)."""
    build = {
        EvidenceType.EVENT: _event,
        EvidenceType.STATE_CHANGE: _state_change,
        EvidenceType.ALERT: _alert,
        EvidenceType.LOG: _log,
        EvidenceType.TRACE: _trace,
        EvidenceType.METRIC: _metric,
        EvidenceType.BACKUP: _backup,
        EvidenceType.ANNOTATION: _annotation,
    }.get(observation.type)
    return list(build(observation)) if build else []


def subject_text(subject: Mapping[str, str]) -> str:
    """`pod/checkout-1`, `node/node-1`: how people write it."""
    kind, name = str(subject.get("kind", "")).lower(), str(subject.get("name", ""))
    return f"{kind}/{name}" if kind and name else name


def _until(observation: Observation) -> datetime | None:
    return observation.last_at if observation.last_at > observation.first_at else None


def _event(observation: Observation) -> Iterable[Line]:
    payload = observation.payload
    yield Line(
        key=observation.dedup_key,
        occurred_at=observation.first_at,
        until=_until(observation),
        count=1 if payload.get("until_only") else observation.count,
        source="event",
        level=observation.level,
        title=str(payload.get("reason") or observation.title)[:TITLE_LIMIT],
        subject=subject_text(observation.subject),
        text=str(payload.get("message") or observation.summary),
        detail=_signal(payload),
    )


def _state_change(observation: Observation) -> Iterable[Line]:
    payload = observation.payload
    diff = payload.get("diff")
    yield Line(
        key=observation.dedup_key,
        occurred_at=observation.first_at,
        until=_until(observation),
        count=observation.count,
        source="change",
        level=observation.level,
        title=observation.title[:TITLE_LIMIT],
        subject="" if payload.get("change") == "rollout" else subject_text(observation.subject),
        text=observation.summary,
        detail=({"diff": diff} if diff else {}) | _signal(payload),
    )


def _signal(payload: Mapping[str, Any]) -> dict[str, str]:
    """The name of the rule that recognised it, where one did."""
    name = payload.get("signal")
    return {"signal": str(name)[:40]} if name else {}


def _alert(observation: Observation) -> Iterable[Line]:
    yield Line(
        key=observation.dedup_key,
        occurred_at=observation.first_at,
        until=_until(observation),
        source="alert",
        level=observation.level,
        title=f"{observation.payload.get('alertname') or observation.title} firing"[:TITLE_LIMIT],
        text=observation.summary,
    )


def _log(observation: Observation) -> Iterable[Line]:
    """Where an error pattern was first seen; the lines themselves stay in the evidence."""
    payload = observation.payload
    patterns = [p for p in payload.get("patterns") or [] if p.get("level") in {"error", "warning", "fatal"}]
    where = payload.get("container") or payload.get("service") or observation.subject.get("name", "")
    for place, pattern in enumerate(sorted(patterns, key=lambda p: -int(p.get("count") or 0))[:PATTERNS_PER_LOG]):
        first_at = _parsed(pattern.get("first_at")) or observation.first_at
        yield Line(
            key=f"{observation.dedup_key}:pattern:{place}",
            occurred_at=first_at,
            source="log",
            level=Level.WARNING if pattern.get("level") == "warning" else Level.ERROR,
            title=f"First seen in {where}: “{str(pattern.get('pattern'))[:160]}”"[:TITLE_LIMIT],
            subject=subject_text(observation.subject),
            text=f"{pattern.get('count')} lines like this in what was read",
        )


def _trace(observation: Observation) -> Iterable[Line]:
    payload = observation.payload
    if observation.level not in {Level.ERROR, Level.WARNING}:
        return
    root = payload.get("root") or {}
    failed = [span for span in payload.get("spans") or [] if span.get("error")]
    blame = max(failed, key=lambda span: float(span.get("duration_ms") or 0), default=None)
    text = f"{float(payload.get('duration_ms') or 0):,.0f} ms"
    if blame is not None:
        text += f", failing in {blame.get('service')} {blame.get('name')}"
    yield Line(
        key=observation.dedup_key,
        occurred_at=observation.first_at,
        source="trace",
        level=observation.level,
        title=f"Trace {root.get('service', '')} {root.get('name', '')} failed"[:TITLE_LIMIT],
        text=text,
    )


def _metric(observation: Observation) -> Iterable[Line]:
    if observation.level not in {Level.ERROR, Level.WARNING}:
        return
    peak_at = _parsed((observation.payload.get("peak") or {}).get("at")) or observation.first_at
    yield Line(
        key=f"{observation.dedup_key}:peak",
        occurred_at=peak_at,
        source="metric",
        level=observation.level,
        title=observation.title[:TITLE_LIMIT],
        text=observation.summary,
    )


def _backup(observation: Observation) -> Iterable[Line]:
    """What happened to backups within the window; the points before it stay in the evidence."""
    payload = observation.payload
    if payload.get("restore"):
        yield Line(
            key=observation.dedup_key,
            occurred_at=observation.first_at,
            until=_until(observation),
            source="backup",
            level=observation.level,
            title=observation.title[:TITLE_LIMIT],
            text=observation.summary,
        )
        return
    window = payload.get("window") or {}
    start, end = _parsed(window.get("start")), _parsed(window.get("end"))
    for point in payload.get("points") or []:
        at = _parsed(point.get("at"))
        if at is None or start is None or end is None or not start <= at < end:
            continue
        state = str(point.get("state"))
        level = {"failed": Level.ERROR, "partial": Level.WARNING, "unknown": Level.WARNING}.get(state, Level.INFO)
        yield Line(
            key=f"{observation.dedup_key}:{point.get('name')}",
            occurred_at=at,
            until=_parsed(point.get("finished_at")),
            source="backup",
            level=level,
            title=f"{payload.get('tool')} backup {point.get('name')}: {state}"[:TITLE_LIMIT],
            text=str(point.get("reason") or f"Of {payload.get('covers')}."),
        )


def _annotation(observation: Observation) -> Iterable[Line]:
    yield Line(
        key=observation.dedup_key,
        occurred_at=observation.first_at,
        until=_until(observation),
        source="annotation",
        level=observation.level,
        title=observation.title[:TITLE_LIMIT],
        text=observation.summary,
    )


def _parsed(value: Any) -> datetime | None:
    """Payload times are epoch seconds or ISO 8601."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return value
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
