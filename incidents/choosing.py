"""Evidence at hand beside the text: the drawer's items, and the dialog that chooses a part of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.utils import timezone

from incidents.drawing import clock, epoch, rows, words
from incidents.embeds import covered, evidence_html, named_series
from incidents.models import Evidence, Incident, PostMortem, TimelineEntry
from incidents.models.timeline import EntrySource
from incidents.naming import references
from incidents.reading import EvidencePanel, evidence_panel

ITEMS = 30
LINES = 400


@dataclass(frozen=True, slots=True)
class LogLine:
    number: int
    time: str
    text: str
    is_error: bool


def drawer_panel(incident: Incident, wanted: QueryDict) -> EvidencePanel:
    """`?seek=&type=&pinned=1&used=1&numbers=1,2&from=`: `used` are those in the text, as the editor or the last save says."""
    among = Evidence.objects.filter(incident=incident).defer("payload")
    if wanted.get("pinned") == "1":
        among = among.filter(Exists(TimelineEntry.objects.filter(evidence=OuterRef("pk"), pinned=True)))
    if wanted.get("used") == "1":
        among = among.filter(number__in=_used(incident, wanted.get("numbers", "")))
    return evidence_panel(incident, wanted, size=ITEMS, tallied=True, among=among)


def _used(incident: Incident, told: str) -> list[int]:
    numbers = [int(one) for one in told.split(",")[:500] if one.isascii() and one.isdigit() and len(one) < 9]
    if numbers:
        return numbers
    body = PostMortem.objects.filter(incident=incident).values_list("body", flat=True).first()
    return sorted(references(body or "")["E"])


def markup(ref: str, options: Mapping[str, str]) -> str:
    """The line that embeds this part."""
    parts = [ref]
    for name, value in options.items():
        if text := " ".join(value.replace("[", "(").replace("]", ")").split()):
            bare = name not in ("caption", "series") and " " not in text and '"' not in text
            parts.append(f"{name}={text}" if bare else name + '="' + text.replace('"', '\\"') + '"')
    return f"![[{' '.join(parts)}]]"


def chosen_options(wanted: QueryDict, names: tuple[str, ...]) -> dict[str, str]:
    return {name: text[:200] for name in names if (text := wanted.get(name, "").strip())}


def evidence_part(item: Evidence, incident: Incident, options: Mapping[str, str]) -> dict[str, Any]:
    """What the dialog shows: the part as it would stand in the text, and what there is to choose from."""
    payload = item.payload if isinstance(item.payload, Mapping) else {}
    zone = timezone.get_current_timezone()
    start, end = covered(payload)
    return {
        "item": item,
        "drawn": evidence_html(item.type, item.title, payload, zone=zone, band=incident.band(), options=options),
        "markup": markup(item.key, options),
        "series": named_series(payload) if item.type == "metric" and len(rows(payload.get("series"), 50)) > 1 else [],
        "lines": _lines(payload) if item.type == "log" else [],
        "start": _utc(start),
        "end": _utc(end),
        "options": options,
    }


def _lines(payload: Mapping[str, Any]) -> list[LogLine]:
    found = []
    for number, row in enumerate(rows(payload.get("lines"), LINES), 1):
        at = epoch(row.get("at"))
        time = clock(at, UTC) if at is not None else ""
        found.append(LogLine(number, time, words(row.get("text"), 300), row.get("level") == "error"))
    return found


def _utc(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}" if at is not None else ""


def timeline_sources() -> list[tuple[str, str]]:
    return list(EntrySource.choices)
