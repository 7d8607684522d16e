"""Fills a template from evidence. Every drafted line cites the evidence it stands on."""

from __future__ import annotations

from datetime import datetime
from statistics import median

from django.db import transaction
from django.db.models import Q

from incidents.durations import between, spoken
from incidents.models import CollectionRun, Evidence, Incident, PostMortem, TimelineEntry
from incidents.models.evidence import GOOD, RunState
from incidents.models.timeline import EntrySource
from incidents.writing.documents import current_text, rewrite
from telemetry.observations import EvidenceType, Level

LINES = 40
# Entities where Python-Markdown knows no backslash; a quoted address is no link.
ESCAPES = {"<": "&lt;", ">": "&gt;", "~": "&#126;", "&": "&amp;"} | {char: f"\\{char}" for char in "\\`*_{}[]#|!"}
CHARTS = 2
LOUD = [Level.WARNING.value, Level.ERROR.value]


def redraft_untouched(incident: Incident, now: datetime) -> None:
    """After each collection: a draft that nobody has edited yet follows the evidence."""
    postmortem = PostMortem.objects.filter(incident=incident, state=PostMortem.State.DRAFT, edited_by=None).first()
    if postmortem is not None:
        draft(postmortem.pk, now)


@transaction.atomic
def draft(postmortem_id: int, now: datetime) -> None:
    """Write the body, unless a person has touched it."""
    postmortem = current_text(postmortem_id, now)
    if postmortem.edited_by_id is not None or postmortem.template is None:
        return
    body = fill(postmortem.template.body, postmortem.incident)
    rewrite(postmortem_id=postmortem_id, body=body, by=None, via="draft", now=now)


def fill(template: str, incident: Incident) -> str:
    """Replace {summary}, {impact}, {timeline}, {detection}, {contributing}, {followups}, {not_collected}."""
    parts = {
        "summary": _summary(incident),
        "impact": _impact(incident),
        "timeline": _timeline(incident),
        "detection": _detection(incident),
        "contributing": _contributing(incident),
        "followups": _followups(incident),
        "not_collected": _not_collected(incident),
    }
    for name, text in parts.items():
        template = template.replace("{" + name + "}", text)
    return template


def plain(text: str, limit: int = 160) -> str:
    """Backend text inside Markdown: no markup of its own, one line, bounded."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
    return "".join(ESCAPES.get(char, char) for char in flat).replace("://", ":&#47;/")


def cite(number: int | None) -> str:
    return f" [[E-{number}]]" if number else ""


def _summary(incident: Incident) -> str:
    times = incident.milestone_times()
    start = times.get("impact_started") or times.get("declared") or incident.created_at
    names = dict.fromkeys([*incident.services, *(w["name"] for w in incident.workloads), *incident.namespaces])
    where = ", ".join(list(names)[:4])
    text = f"On {start:%-d %B %Y} at {start:%H:%M} UTC: {plain(incident.title, 200)}"
    text += f" ({plain(where)})." if where else "."
    if incident.summary.strip():
        text += f"\n\n{incident.summary.strip()}"
    return text


def _impact(incident: Incident) -> str:
    times = incident.milestone_times()
    took = between(times)
    lines = []
    if took["TTM"] is not None:
        lines.append(f"Impact lasted {spoken(took['TTM'])} until it was mitigated.")
    elif "impact_started" not in times:
        lines.append("When the impact started is not known yet: set the milestone on the incident page.")
    charts = incident.evidence.filter(type=EvidenceType.METRIC.value).exclude(payload__series=[])
    chosen = sorted(charts.order_by("number")[:40], key=_telling, reverse=True)[:CHARTS]
    for chart in chosen:
        lines.append(f"{plain(chart.title)}: {plain(chart.summary) or 'see the chart'}{cite(chart.number)}.")
        lines.append(f'![[E-{chart.number} caption="{_caption(chart.title)}"]]')
    return "\n\n".join(lines) or "No metric was collected; say who noticed what, and for how long."


def _telling(chart: Evidence) -> tuple[float, int]:
    """Far from usual first; among those that are far, in the order of the plan, which begins with what users notice."""
    return min(_deviation(chart), 10.0), -(chart.run_id or 0)


def _deviation(chart: Evidence) -> float:
    """How far the peak stands from what was usual before, in units of the usual; 0 where nothing is known."""
    peak = (chart.payload.get("peak") or {}).get("value")
    before = [y for row in chart.payload.get("baseline") or [] for _, y in row.get("points") or [] if y is not None]
    if not isinstance(peak, int | float) or not before:
        return 0.0
    usual = median(before)
    return float(abs(peak - usual) / (abs(usual) + 0.05 * abs(peak) or 1.0))


def _caption(title: str) -> str:
    return plain(title.replace('"', "'"), 120).replace("\\", "")


def _timeline(incident: Incident) -> str:
    """The milestones, what was pinned, and the loudest of the rest, in order."""
    entries = TimelineEntry.objects.filter(incident=incident, hidden=False)
    told = (
        Q(pinned=True)
        | Q(source__in=[EntrySource.MILESTONE, EntrySource.ALERT])
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
    rows = ["| UTC | What happened |", "|---|---|"]
    return "\n".join([*rows, *(f"| {entry.occurred_at:%H:%M:%S} | {_told(entry)} |" for entry in chosen)])


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


def _detection(incident: Incident) -> str:
    times = incident.milestone_times()
    alert = incident.evidence.filter(type=EvidenceType.ALERT.value).order_by("first_at", "number").first()
    took = between(times)["TTD"]
    lines = []
    if alert is not None:
        lines.append(f"The first alert was {plain(alert.title)} at {alert.first_at:%H:%M:%S} UTC{cite(alert.number)}.")
    else:
        lines.append("No alert was found in the window: say who noticed, and why no alert did.")
    if took is not None:
        lines.append(f"It was detected {spoken(took)} after the impact started.")
    signs = [EvidenceType.EVENT.value, EvidenceType.STATE_CHANGE.value]
    first = incident.evidence.filter(level=Level.ERROR.value, type__in=signs).order_by("first_at", "number").first()
    if first is not None and (alert is None or first.first_at < alert.first_at):
        lines.append(
            f"The earliest loud sign was {plain(first.title)} at {first.first_at:%H:%M:%S} UTC{cite(first.number)}."
        )
    return " ".join(lines)


def _contributing(incident: Incident) -> str:
    """Candidates, not a verdict: what changed, and what failed first of its kind."""
    changes = incident.evidence.filter(type=EvidenceType.STATE_CHANGE.value, payload__change="rollout").exclude(
        payload__diff=[]
    )
    nodes = incident.evidence.filter(
        type=EvidenceType.STATE_CHANGE.value, payload__change="node_condition", level__in=LOUD
    )
    rows: list[Evidence] = [*changes.order_by("first_at")[:3], *nodes.order_by("first_at")[:2]]
    if not rows:
        return "Several things usually come together; name each of them with its evidence."
    lines = [
        f"### {plain(row.title, 120)}\n\nAt {row.first_at:%H:%M:%S} UTC{cite(row.number)}. Say what this made possible, and what it did not."
        for row in rows
    ]
    return "\n\n".join(lines)


def _followups(incident: Incident) -> str:
    rows = incident.followups.order_by("number")[:50]
    return (
        "\n".join(f"- [[F-{row.number}]] {plain(row.title)}" for row in rows)
        or "None yet; add them on the incident page."
    )


def _not_collected(incident: Incident) -> str:
    """Sources that did not answer in full, latest outcome of each."""
    latest = CollectionRun.objects.filter(incident=incident, state=RunState.DONE)
    latest = latest.order_by("source_name", "query_name", "-id").distinct("source_name", "query_name")
    failed = [run for run in latest if run.status not in GOOD]
    lines = [
        f"- {plain(run.source_name)}, {plain(run.query_title)}: {run.get_status_display().lower()}. {plain(run.reason, 240)}"
        for run in failed
    ]
    return "\n".join(lines) or "Every source that was asked answered in full."
