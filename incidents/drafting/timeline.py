"""What happened when: a table with a citation in each line."""

from __future__ import annotations

from django.db.models import Q

from incidents.drafting.words import cite, plain
from incidents.models import Incident, TimelineEntry
from incidents.models.timeline import EntrySource
from telemetry.observations import Level

LINES = 40
HEAD = ["| UTC | What happened |", "|---|---|"]


def timeline(incident: Incident) -> str:
    """The milestones, what was pinned, and the loudest of the rest, in order."""
    entries = TimelineEntry.objects.filter(incident=incident, hidden=False)
    told = (
        Q(pinned=True)
        | Q(source__in=[EntrySource.MILESTONE, EntrySource.ALERT, EntrySource.CHAT])
        | Q(source=EntrySource.NOTE, detail={})
    )
    loud = Q(level=Level.ERROR.value) | Q(source=EntrySource.CHANGE, detail__has_key="diff")
    chosen = list(entries.filter(told).select_related("evidence").in_order()[:LINES])
    room = LINES - len(chosen)
    chosen += list(entries.filter(loud).exclude(told).select_related("evidence").in_order()[: max(room, 0)])
    chosen.sort(key=lambda entry: (entry.occurred_at, entry.pk))
    firsts: dict[object, TimelineEntry] = {}
    for entry in chosen:
        firsts.setdefault(_alike(entry), entry)
    chosen = list(firsts.values())
    if not chosen:
        return "Nothing is on the timeline yet."
    return "\n".join([*HEAD, *(f"| {entry.occurred_at:%H:%M:%S} | {_told(entry)} |" for entry in chosen)])


def _alike(entry: TimelineEntry) -> object:
    """The same log pattern in several pods, the same failing request again: told once, where it began."""
    return (entry.source, entry.title) if entry.source in {EntrySource.LOG, EntrySource.TRACE} else entry.pk


def _told(entry: TimelineEntry) -> str:
    text = _titled(entry.title)
    if entry.subject:
        text += f" `{entry.subject.replace('`', '')[:80]}`".replace("|", "")
    if entry.count > 1:
        text += f" ×{entry.count}"
    if entry.until:
        text += f" until {entry.until:%H:%M:%S}"
    if diff := entry.detail.get("diff"):
        said = "; ".join(f"{d.get('path')} {d.get('before')} → {d.get('after')}" for d in diff[:3])
        text += f": {plain(said)}"
    elif entry.text:
        text += f": {plain(entry.text, 120)}"
    return text + cite(entry.evidence.number if entry.evidence else None)


def _titled(title: str) -> str:
    """A log pattern stands in curly quotes; as code it needs no escapes and reads as it was written."""
    head, opened, rest = title.partition("“")
    pattern, closed, tail = rest.partition("”")
    if not (opened and closed):
        return plain(title)
    code = pattern.replace("`", "'").replace("|", "¦")[:160]
    return f"{plain(head)}`{code}`{plain(tail)}"
