"""A stretch of the timeline inside a text: a compact table with citations. Plain Python; every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import Any

from incidents.drawing import words
from incidents.parts import WrongPart

SOURCES = ("event", "change", "alert", "log", "trace", "metric", "chat", "milestone", "note")
ROWS = 60


def sources_of(options: Mapping[str, str]) -> tuple[str, ...]:
    """The sources that `source=event,log` names; none means all."""
    chosen = tuple(name.strip().lower() for name in options.get("source", "").split(",") if name.strip())
    if "source" in options and not chosen:
        raise WrongPart(f"The option source is empty: expected some of {', '.join(SOURCES)}.")
    for name in chosen:
        if name not in SOURCES:
            raise WrongPart(f"source={name[:40]}: expected some of {', '.join(SOURCES)}, divided by commas.")
    return chosen


def pinned_of(options: Mapping[str, str]) -> bool:
    text = options.get("pinned", "0")
    if text not in ("0", "1"):
        raise WrongPart(f"pinned={text[:40]}: expected 1 for pinned lines alone, or 0 for all.")
    return text == "1"


def timeline_table(rows: Sequence[Mapping[str, Any]], *, zone: tzinfo, address: str) -> str:
    """`rows` are in order, one more than ROWS where there are more; `address` is that of the incident's evidence."""
    if not rows:
        return '<p class="sm mut">No line of the timeline lies in this stretch.</p>'
    shown = rows[:ROWS]
    several = len({row["occurred_at"].astimezone(zone).date() for row in shown}) > 1
    lines = "".join(_line(row, zone, address, several) for row in shown)
    head = f"<thead><tr><th>{escape(_zone_name(shown[0]['occurred_at'], zone))}</th><th>What happened</th></tr></thead>"
    more = f'<p class="xs mut">The first {ROWS} lines of this stretch; narrow it with from and to.</p>'
    table = f'<div class="scroll-x"><table class="tl-part">{head}<tbody>{lines}</tbody></table></div>'
    return table + (more if len(rows) > ROWS else "")


def _zone_name(at: datetime, zone: tzinfo) -> str:
    return words(at.astimezone(zone).tzname() or "Time", 20)


def _line(row: Mapping[str, Any], zone: tzinfo, address: str, several: bool) -> str:
    told = escape(words(row["title"], 200))
    if subject := words(row.get("subject"), 80):
        told += f" <code>{escape(subject)}</code>"
    if (row.get("count") or 1) > 1:
        told += f" ×{int(row['count'])}"
    if until := row.get("until"):
        told += f" until {until.astimezone(zone):%H:%M:%S}"
    if text := words(row.get("text"), 160):
        told += f": {escape(text)}"
    if number := row.get("evidence__number"):
        told += f'<sup><a class="ev" href="{escape(address)}{int(number)}/">E-{int(number)}</a></sup>'
    form = "%-d %b %H:%M:%S" if several else "%H:%M:%S"
    kind = ' class="loud"' if row.get("level") == "error" else ""
    return f"<tr{kind}><td>{row['occurred_at'].astimezone(zone).strftime(form)}</td><td>{told}</td></tr>"
