"""What an imported text says of itself: title, severity, times, services. Plain values; nothing is invented.

Front matter is believed first, then lines such as `Severity: SEV2` and table rows such as `| Date | 2025-03-02 |`,
then the name of the file. What is not found stays None, and the plan says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

HEAD = 6_000
MOST_NAMES = 20
LONGEST_HOURS = 90 * 24
NAMES = {
    "title": ("title", "incident title", "subject", "summary title"),
    "severity": ("severity", "sev", "priority", "incident severity"),
    "started": ("started", "start", "start time", "impact started", "incident start", "began", "start date"),
    "detected": ("detected", "detected at", "detection time", "alerted"),
    "resolved": ("resolved", "end", "end time", "ended", "resolved at", "resolution time", "end date", "until"),
    "mitigated": ("mitigated", "mitigated at"),
    "date": ("date", "incident date", "date of incident", "day", "published", "created", "when", "occurred"),
    "services": ("services", "service", "affected services", "affected service", "components", "systems", "system"),
    "tags": ("tags", "labels", "categories", "keywords"),
    "duration": ("duration", "length", "total duration", "outage duration"),
}
BY_NAME = {word: name for name, words in NAMES.items() for word in words}
_LABELLED = re.compile(
    r"^\s{0,3}(?:[-*+]\s+)?(?:\*\*|__)?([A-Za-z][A-Za-z /-]{1,30}?)(?:\*\*|__)?\s*:(?:\*\*|__)?\s*(\S.{0,300})$"
)
_ROW = re.compile(r"^\s*\|\s*(?:\*\*)?([A-Za-z][A-Za-z /-]{1,30}?)(?:\*\*)?:?\s*\|\s*(.{1,300}?)\s*\|")
_HEADING = re.compile(r"^#\s+(.{1,300}?)\s*#*\s*$", re.MULTILINE)
_SEVERITY = re.compile(r"\b(?:SEV(?:ERITY)?[\s:_-]{0,2}|P(?:RIO(?:RITY)?[\s:_-]{0,2})?)([0-5])\b", re.IGNORECASE)
_CLOCK = re.compile(r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?!\d)")
_OTHER_ZONE = re.compile(r"\d:\d\d\s*(?!UTC|GMT|AM|PM)[A-Z]{2,5}\b")
_WORDED = {
    "critical": 1,
    "blocker": 1,
    "major": 2,
    "high": 2,
    "moderate": 3,
    "medium": 3,
    "minor": 3,
    "low": 4,
    "trivial": 4,
}
_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ,]+(?:at )?(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?\.?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})(?:,?\s+(?:at )?(\d{1,2}):(\d{2}))?"
)
_MONTH_DAY = re.compile(
    r"\b([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(?:at )?(\d{1,2}):(\d{2}))?"
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?)\b", re.IGNORECASE)
_NAME_DATE = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")


@dataclass(slots=True)
class Recognised:
    """Times are aware, UTC where the text names no zone; `severity` is a rank, 1 the worst.

    `day` is when it was, as far as known; the times are those whose time of day is known, so that durations are true.
    """

    title: str = ""
    severity: int | None = None
    day: datetime | None = None
    started_at: datetime | None = None
    detected_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    services: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def at(self) -> datetime | None:
        return self.started_at or self.detected_at or self.day


def recognise(text: str, front: Mapping[str, Any], name: str, known_services: Iterable[str] = ()) -> Recognised:
    """`name` is the file's without its ending; `known_services` are looked for in the title."""
    told = _told(text, front)
    found = Recognised(title=_title(text, told, name))
    found.severity = severity_of(told.get("severity", "")) or severity_of(f"{found.title}\n{text[:HEAD]}", worded=False)
    found.day = moment(told.get("started", "")) or moment(told.get("date", "")) or _in_name(name)
    if found.day is None and (first := moment(text[:HEAD])) is not None:
        found.day = first
        found.notes.append("The date is the first that stands in the text.")
    _add_times(found, told)
    found.services = _names(told.get("services", "")) or _known(found.title, known_services)
    found.tags = _names(told.get("tags", ""))
    return found


def _add_times(found: Recognised, told: Mapping[str, str]) -> None:
    day = found.day
    date_alone = told.get("date", "") if "started" not in told else ""
    found.started_at = timed(told.get("started", ""), day) or timed(date_alone, day)
    begun = found.started_at or (day.replace(hour=0, minute=0, second=0) if day else None)
    for name in ("detected", "mitigated", "resolved"):
        setattr(found, f"{name}_at", _later(told.get(name, ""), begun))
    if found.resolved_at is None and found.started_at is not None:
        found.resolved_at = _after(told.get("duration", ""), found.started_at)
    if any(_OTHER_ZONE.search(told.get(name, "")) for name in ("started", "date", "detected", "mitigated", "resolved")):
        found.notes.append("It names a zone by letters, which are not understood; its times were read as UTC.")


def _told(text: str, front: Mapping[str, Any]) -> dict[str, str]:
    """What is said under a known name, the front matter first."""
    found: dict[str, str] = {}
    for key, value in front.items():
        if name := BY_NAME.get(str(key).strip().lower().replace("_", " ").replace("-", " ")):
            found.setdefault(name, _flat(value))
    for line in text[:HEAD].splitlines():
        match = _LABELLED.match(line) or _ROW.match(line)
        if match and (name := BY_NAME.get(match[1].strip().lower())) and not _is_heading(match[2]):
            found.setdefault(name, match[2].strip(" *_`"))
    return found


def _is_heading(value: str) -> bool:
    """`| Service | Owner |` heads a table of something else."""
    return value.strip(" *_`").lower() in HEADINGS


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    if isinstance(value, datetime):
        return value.isoformat()
    # Python writes no integer of thousands of digits.
    return str(value) if not isinstance(value, int) or abs(value) < 10**18 else ""


HEADINGS = {
    *BY_NAME,
    "owner",
    "role",
    "value",
    "description",
    "details",
    "action",
    "event",
    "what",
    "who",
    "name",
    "note",
}


def _title(text: str, told: Mapping[str, str], name: str) -> str:
    heading = _HEADING.search(text[:HEAD])
    raw = (
        told.get("title")
        or (heading[1] if heading else "")
        or _NAME_DATE.sub(" ", name).replace("-", " ").replace("_", " ")
    )
    cleaned = " ".join(re.sub(r"[*`]+", "", raw).split())
    cleaned = re.sub(r"(?i)^(?:incident )?post-?mortem(?: report)?\s*[:–—-]\s*", "", cleaned)
    return cleaned[:200] or "Imported post-mortem"


def severity_of(text: str, *, worded: bool = True) -> int | None:
    if found := _SEVERITY.search(text):
        return min(4, max(1, int(found[1])))
    words = re.findall(r"[a-z]+", text.lower()) if worded else []
    return next((_WORDED[word] for word in words if word in _WORDED), None)


def moment(text: str) -> datetime | None:
    """The first day that is told, with its time where one follows."""
    found = [made for made in (_iso(text), _worded_day(text)) if made is not None]
    return min(found)[1] if found else None


Placed = tuple[int, datetime]


def _iso(text: str) -> Placed | None:
    for match in _ISO.finditer(text):
        year, month, day, hour, minute, second, zone = match.groups()
        made = _made(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if made is not None:
            return match.start(), made - _offset(zone)
    return None


def _worded_day(text: str) -> Placed | None:
    for pattern, place in ((_DAY_MONTH, (3, 2, 1)), (_MONTH_DAY, (3, 1, 2))):
        for match in pattern.finditer(text):
            year, month, day = (match[one] for one in place)
            number = next((at for at, word in enumerate(_MONTHS, 1) if month.lower().startswith(word)), 0)
            made = _made(int(year), number, int(day), int(match[4] or 0), int(match[5] or 0))
            if made is not None:
                return match.start(), made
    return None


def _made(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | None:
    if not 1995 <= year <= 2100:
        return None
    try:
        return datetime.combine(date(year, month, day), time(hour, minute, second), tzinfo=UTC)
    except ValueError:
        return None


def _offset(zone: str | None) -> timedelta:
    if not zone or zone in {"Z", "UTC", "GMT"}:
        return timedelta()
    digits = zone.replace(":", "")
    size = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return size if zone[0] == "+" else -size


def _in_name(name: str) -> datetime | None:
    found = _NAME_DATE.search(name)
    return _made(int(found[1]), int(found[2]), int(found[3])) if found else None


def timed(text: str, day: datetime | None) -> datetime | None:
    """A moment whose time of day is told: with its own day, or on `day`; None for a day alone."""
    if not text or not (clock := _CLOCK.search(text)):
        return None
    at = moment(text)
    if at is not None or day is None:
        return at
    return _made(day.year, day.month, day.day, int(clock[1]), int(clock[2]))


def _later(text: str, begun: datetime | None) -> datetime | None:
    """Never before the start: a time alone that is earlier belongs to the next day."""
    at = timed(text, begun)
    if at is None or begun is None or at >= begun:
        return at
    return at + timedelta(days=1) if moment(text) is None else None


def _after(text: str, day: datetime | None) -> datetime | None:
    parts = _DURATION.findall(text)
    if not parts or day is None:
        return None
    hours = {"d": 24.0, "h": 1.0, "m": 1 / 60}
    length = sum(float(count) * hours[unit[0].lower()] for count, unit in parts)
    return day + timedelta(hours=length) if 0 < length < LONGEST_HOURS else None


def _names(text: str) -> list[str]:
    parts = re.split(r"[,;/]|\band\b", re.sub(r"[\[\]`*\"']", "", text))
    return list(dict.fromkeys(name[:60] for part in parts if (name := " ".join(part.split()))))[:MOST_NAMES]


def _known(title: str, services: Iterable[str]) -> list[str]:
    words = set(re.findall(r"[a-z0-9][a-z0-9.-]*", title.lower()))
    return [service for service in services if service.lower() in words][:MOST_NAMES]
