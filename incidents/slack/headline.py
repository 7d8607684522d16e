"""The one message of an incident that is always right: edited, never posted again."""

from __future__ import annotations

from datetime import datetime

from incidents.durations import spoken
from incidents.models import Incident, Severity
from incidents.models.evidence import RunState
from incidents.models.incident import OPEN_STATUSES, IncidentRole, Status
from incidents.reading import outcomes
from incidents.slack import blocks, forms, names

SIGNS = {1: ":red_circle:", 2: ":large_orange_circle:", 3: ":large_yellow_circle:", 4: ":large_blue_circle:"}
NAMED = 3


def headline(incident: Incident, now: datetime) -> list[blocks.Block]:
    parts = [blocks.header(f"{incident.key} {incident.title}"), blocks.fields(_facts(incident))]
    if incident.summary.strip():
        parts.append(blocks.section(blocks.said(incident.summary, 600)))
    update = incident.updates.first()
    if update is not None:
        promised = f", the next by {blocks.clock(update.next_at)}" if update.next_at else ""
        parts.append(
            blocks.context(f"Update {blocks.clock(update.posted_at)}{promised}: {blocks.said(update.text, 500)}")
        )
    parts.append(blocks.context(_evidence(incident)))
    parts += _buttons(incident)
    return parts


def bare(incident: Incident) -> list[blocks.Block]:
    """What may stand where everybody reads, of an incident that not everybody may see."""
    page = blocks.link(forms.address(incident), "its page")
    return [
        blocks.header(incident.key),
        blocks.section(f"This incident is restricted. Who takes part finds it on {page}."),
    ]


def announcement(incident: Incident, channel_id: str) -> list[blocks.Block]:
    """For the central channel: what it is, how it stands, where to go."""
    sign = SIGNS.get(incident.severity.rank, ":white_circle:")
    title = blocks.link(forms.address(incident), f"{incident.key} {incident.title}")
    facts = f"{incident.severity.name}, {incident.get_status_display().lower()}, declared {blocks.clock(incident.declared_at)}"
    where = f"Talk in <#{channel_id}>"
    return [blocks.section(f"{sign} *{title}*\n{facts}"), blocks.context(where, _people(incident))]


def summary(incident: Incident) -> str:
    """Where blocks are not shown: notifications, screen readers."""
    return f"{incident.key} {blocks.said(incident.title)} ({incident.severity.name}, {incident.get_status_display().lower()})"


def _facts(incident: Incident) -> list[tuple[str, str]]:
    times = incident.milestone_times()
    sign = SIGNS.get(incident.severity.rank, ":white_circle:")
    asked = " (nobody chose it yet)" if incident.severity_is_open else ""
    began = times.get("impact_started") or times.get("detected") or incident.declared_at
    ended = times.get("resolved")
    lasted = f"{blocks.clock(began)}" + (f", lasted {spoken((ended - began).total_seconds())}" if ended else "")
    scope = ", ".join([*incident.namespaces, *(one["name"] for one in incident.workloads)][:6])
    return [
        ("Severity", f"{sign} {incident.severity.name}{asked}"),
        ("Status", incident.get_status_display()),
        ("People", _people(incident)),
        ("Since", lasted),
        ("Where", blocks.said(scope, 300) or "not said yet"),
        ("Page", blocks.link(forms.address(incident), "Open in Debrief")),
    ]


def _people(incident: Incident) -> str:
    roles = [one for one in incident.roles.all() if one.role != IncidentRole.RESPONDER]
    named = [f"{blocks.said(one.user.display_name, 60)} ({one.role})" for one in roles]
    return ", ".join(named) or "no commander yet"


def _evidence(incident: Incident) -> str:
    """How far collecting is, and by name what could not be had."""
    found = outcomes(incident)
    done = found.asked - len(found.unfinished)
    if not found.asked:
        return "Evidence: no source is set up for this scope."
    text = f"Evidence: {incident.evidence_count} items, {done} of {found.asked} questions answered"
    failed = [*dict.fromkeys(f"{run.source_name} ({run.reason})" for run in found.failed)]
    if failed:
        more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
        text += f". Not to be had: {blocks.said('; '.join(failed[:NAMED]), 600)}{more}"
    return text


def is_collecting(incident: Incident) -> bool:
    return incident.collections.filter(runs__state__in=[RunState.QUEUED, RunState.RUNNING]).exists()


def _buttons(incident: Incident) -> list[blocks.Block]:
    number = str(incident.number)
    page = blocks.button("Open post-mortem", names.VISIT, url=forms.address(incident, _writing(incident)))
    if incident.status not in OPEN_STATUSES:
        return [blocks.actions(blocks.button("Add follow-up", names.OPEN_FOLLOWUP, value=number), page)]
    statuses = [(f"{number}:{one.value}", one.label) for one in Status if one != Status.CLOSED]
    severities = [(f"{number}:{one.pk}", one.name) for one in Severity.objects.all()]
    first = blocks.actions(
        blocks.menu(names.SET_STATUS, "Status", statuses, chosen=f"{number}:{incident.status}"),
        blocks.menu(names.SET_SEVERITY, "Severity", severities, chosen=f"{number}:{incident.severity_id}"),
        blocks.button("Take command", names.TAKE_COMMAND, value=number),
    )
    second = blocks.actions(
        blocks.button("Post update", names.OPEN_UPDATE, value=number, style="primary"),
        blocks.button("Add follow-up", names.OPEN_FOLLOWUP, value=number),
        page,
    )
    return [first, second]


def _writing(incident: Incident) -> str:
    """The page that is there: the text where there is one, else the incident."""
    return "postmortem/" if hasattr(incident, "postmortem") else ""
