"""Times, spans and the names of statuses, as plain strings: what the tags of `ui` print."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

__all__ = ["OUTCOME", "STATUS", "UTC", "ago", "moment", "ring", "span"]

# word: (class, icon, label). Incidents, post-mortems and follow-ups share one table: no word is in two of them.
STATUS = {
    "investigating": ("st-bad", "st-0", "Investigating"),
    "identified": ("st-warn", "st-1", "Identified"),
    "mitigated": ("st-acc", "st-2", "Mitigated"),
    "resolved": ("st-ok", "st-3", "Resolved"),
    "closed": ("", "st-4", "Closed"),
    "draft": ("st-acc", "st-1", "Draft"),
    "in_review": ("st-warn", "st-2", "In review"),
    "published": ("st-ok", "st-3", "Published"),
    "open": ("", "circle", "Open"),
    "in_progress": ("st-acc", "st-1", "In progress"),
    "reopened": ("st-acc", "st-1", "Reopened"),
    "done": ("st-ok", "st-3", "Done"),
    "not_doing": ("", "circle-minus", "Not doing"),
}
OUTCOME = {
    "complete": ("out-ok", "circle-check", "Complete"),
    "empty": ("out-n", "circle", "Empty"),
    "partial": ("out-warn", "circle-half-2", "Partial"),
    "truncated": ("out-warn", "scissors", "Truncated"),
    "denied": ("out-bad", "lock", "Denied"),
    "unauthenticated": ("out-bad", "key", "Not signed in"),
    "unreachable": ("out-bad", "plug-x", "Unreachable"),
    "timeout": ("out-bad", "clock-off", "Timed out"),
    "not_installed": ("out-n", "circle-dashed", "Not installed"),
    "not_configured": ("out-n", "circle-dashed", "Not configured"),
    "gone": ("out-warn", "archive", "Gone"),
    "invalid_query": ("out-bad", "alert-circle", "Invalid query"),
    "throttled": ("out-warn", "hourglass-high", "Throttled"),
    "error": ("out-bad", "circle-x", "Error"),
    "waiting": ("out-n", "circle-dashed", "Waiting"),
    "running": ("out-n", "loader-2", "Reading"),
}
_STYLES = {
    "time": "%H:%M:%S",
    "minute": "%H:%M",
    "date": "%a %-d %b %Y",
    "day": "%a %-d %b",
    "full": "%-d %b %Y %H:%M:%S",
}
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def moment(local: datetime, style: str) -> str:
    """`local` is in the zone to show. An unknown style is shown in full."""
    if style == "time":
        return f"{local.hour:02}:{local.minute:02}:{local.second:02}"
    return local.strftime(_STYLES.get(style, _STYLES["full"]))


def span(seconds: float | None) -> str:
    """At most two units, the second left out when it is 0; a negative span keeps its sign."""
    if seconds is None:
        return ""
    if 0 < abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    left = round(abs(seconds))
    for at, (unit, size) in enumerate(_UNITS):
        if left >= size:
            whole, rest = divmod(left, size)
            lower, lower_size = _UNITS[at + 1] if at + 1 < len(_UNITS) else ("", 1)
            more = f" {rest // lower_size} {lower}" if lower and rest // lower_size else ""
            return f"{'−' if seconds < 0 else ''}{whole} {unit}{more}"
    return "0 s"


def ago(value: datetime, now: datetime) -> str:
    """The largest unit alone: `4 min ago`, `in 3 d`; under ten seconds `now`."""
    seconds = (now - value).total_seconds()
    if abs(seconds) < 10:
        return "now"
    whole = " ".join(span(abs(seconds)).split()[:2])
    return f"{whole} ago" if seconds > 0 else f"in {whole}"


def ring(name: str) -> int:
    """1–3: the same person has the same ring on every page."""
    return zlib.crc32(name.encode()) % 3 + 1
