"""A decoded Event as a row of the archive."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from telemetry.collectors.times import credible
from telemetry.recorder.decoding import Event, Involved, Reporter
from telemetry.redaction import Redacted, Redactor
from telemetry.signals import signal_of_event

COLUMNS = (
    *("uid", "created_at", "namespace", "name", "resource_version", "first_at", "last_at", "count", "is_lower_bound"),
    *("type", "reason", "message", "action", "reporter", "host", "about_group", "about_kind", "about_namespace"),
    *("about_name", "about_uid", "about_field_path", "signal", "redactions", "is_gone"),
)
Row = tuple[Any, ...]
LONGEST_MESSAGE = 16_384
LARGEST_COUNT = 2**31 - 1
_NOBODY = Reporter()
_NOTHING = Involved()


class EventRows:
    """Makes rows; remembers what redacting gave for texts that come again and again with a rising count."""

    def __init__(self, redactor: Redactor) -> None:
        self._passes = redactor.passes
        self._redacted: Callable[[str], Redacted] = functools.lru_cache(maxsize=8_192)(redactor.text)

    def row(self, event: Event, *, is_gone: bool = False) -> Row | None:
        """In the order of COLUMNS; None for an Event that has neither uid nor name, or tells no time."""
        metadata = event.metadata
        times = occurrence(event)
        uid = metadata.uid or (f"{metadata.namespace or ''}/{metadata.name}" if metadata.name else "")
        if times is None or not uid:
            return None
        first, last, count, is_lower_bound = times
        about = event.involved_object or _NOTHING
        source = event.source or _NOBODY
        message, hits = (event.message or "")[:LONGEST_MESSAGE], "{}"
        if not self._passes(message):
            found = self._redacted(message)
            message, hits = found.text, json.dumps(found.hits)
        reason, kind, name = (event.reason or "")[:200], (about.kind or "")[:120], (about.name or "")[:300]
        return (
            uid[:128],
            credible(metadata.creation_timestamp) or first,
            (metadata.namespace or "")[:253],
            metadata.name[:300],
            metadata.resource_version[:200],
            first,
            last,
            count,
            is_lower_bound,
            (event.type or "")[:40],
            reason,
            message,
            (event.action or "")[:200],
            (event.reporting_component or source.component or "")[:253],
            (source.host or "")[:253],
            (about.api_version or "").rpartition("/")[0][:253],
            kind,
            (about.namespace or "")[:253],
            name,
            (about.uid or "")[:128],
            (about.field_path or "")[:300],
            signal_of_event(reason=reason, kind=kind, name=name, message=message),
            hits,
            is_gone,
        )


def occurrence(event: Event) -> tuple[datetime, datetime, int, bool] | None:
    """First and last time, count, and whether that count is a minimum: as `collectors.kubernetes.events` has it."""
    first, last = event.first_timestamp, event.last_timestamp
    # Nearly every Event is of this form, so it is worth a way of its own.
    if (
        first is not None
        and last is not None
        and event.series is None
        and event.event_time is None
        and 2000 <= first.year <= last.year < 2100
        and first <= last
    ):
        count = min(max(1, event.count or 0), LARGEST_COUNT)
        return first, last, count, count == 1 and last > first
    return _any_occurrence(event)


def _any_occurrence(event: Event) -> tuple[datetime, datetime, int, bool] | None:
    series, created, event_time = event.series, credible(event.metadata.creation_timestamp), credible(event.event_time)
    seen = (credible(series.last_observed_time) if series else None, credible(event.last_timestamp), event_time)
    last = max((at for at in seen if at is not None), default=created)
    first = credible(event.first_timestamp) or event_time or created or last
    if last is None or first is None:
        return None
    first = min(first, last)
    if series is not None:
        told = min(series.count or 0, LARGEST_COUNT)
        return first, last, max(2, told), told < 2
    count = min(max(1, event.count or 0), LARGEST_COUNT)
    return first, last, count, count == 1 and last > first
