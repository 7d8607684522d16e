"""`/incident …` with all it needs: one action each, and an answer that only who asked sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from accounts.models import User
from accounts.problems import InvalidInput
from incidents.actions.collection import collect_again
from incidents.actions.followup import create_followup
from incidents.actions.incident import assign_role, change_incident, change_status
from incidents.actions.timeline import add_note
from incidents.actions.update import post_update
from incidents.models import Incident, Severity, TimelineEntry
from incidents.models.incident import IncidentRole, Status
from incidents.reading import outcomes
from incidents.related import related_incidents
from incidents.slack import blocks, driving, finding, forms, mrkdwn, names
from incidents.slack.digest import zone_of
from incidents.slack.models import SlackPerson
from incidents.slack.people import actor, person

if TYPE_CHECKING:
    from incidents.slack.handling import Asked

MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
CLOCK = re.compile(r"\A(\d{1,2}):(\d{2})(?::(\d{2}))?\Z")
LISTED, LINES, MATCHES = 15, 8, 5


def run(asked: Asked) -> None:
    said = driving.parse(str(asked.body.get("text", "")))
    if said.name == "list":
        _list(asked)
        return
    # Strangers read the list and declare. Everything else is for people who are known here.
    actor(asked.who)
    incident = finding.meant(said.number, asked.channel, asked.who)
    DEEDS[said.name](asked, incident, said.rest)


def show_list(asked: Asked) -> None:
    _list(asked)


def _list(asked: Asked) -> None:
    rows = list(finding.visible(asked.who).open().order_by("severity__rank", "-number")[: LISTED + 1])
    if not rows:
        asked.answer("Nothing is open. `/incident new` declares an incident.")
        return
    lines = [_line(one) for one in rows[:LISTED]]
    if len(rows) > LISTED:
        lines.append(blocks.link(forms.absolute("/incidents/"), "and more"))
    asked.answer(f"{len(lines)} open incidents", [blocks.section(line) for line in lines])


def _line(incident: Incident) -> str:
    channel = getattr(incident, "slack_channel", None)
    where = f" <#{channel.channel_id}>" if channel else ""
    title = blocks.link(forms.address(incident), f"{incident.key} {incident.title}")
    since = blocks.clock(incident.declared_at, "{ago}")
    return f"{title}{where}\n{incident.severity.name}, {incident.get_status_display().lower()}, declared {since}"


def _status(asked: Asked, incident: Incident, rest: str) -> None:
    wanted, _, reason = rest.partition(" ")
    if not wanted:
        asked.answer(_line(incident), incident=incident.pk)
        return
    closure = "resolved" if wanted.lower() == Status.CLOSED else ""
    changed = change_status(
        incident=incident,
        status=wanted.lower(),
        by=asked.user,
        now=asked.now,
        reason=mrkdwn.plain(reason),
        closure_reason=closure,
        via=names.SERVICE,
    )
    asked.answer(f"{changed.key} is {changed.get_status_display().lower()}.", incident=incident.pk)


def _mitigated(asked: Asked, incident: Incident, rest: str) -> None:
    _status(asked, incident, f"{Status.MITIGATED} {rest}".strip())


def _resolved(asked: Asked, incident: Incident, rest: str) -> None:
    _status(asked, incident, f"{Status.RESOLVED} {rest}".strip())


def _severity(asked: Asked, incident: Incident, rest: str) -> None:
    wanted = rest.strip().upper()
    known = {one.name.upper(): one for one in Severity.objects.all()}
    chosen = known.get(wanted) or known.get(f"SEV{wanted}")
    if chosen is None:
        raise InvalidInput("severity", f"expected one of {', '.join(known)}")
    change_incident(incident=incident, severity=chosen, by=asked.user, now=asked.now, via=names.SERVICE)
    asked.answer(f"{incident.key} is {chosen.name}.", incident=incident.pk)


def _update(asked: Asked, incident: Incident, rest: str) -> None:
    post_update(incident=incident, text=mrkdwn.to_markdown(rest), by=asked.user, now=asked.now, via=names.SERVICE)
    asked.answer(f"Posted for {incident.key}.", incident=incident.pk)


def _role(asked: Asked, incident: Incident, rest: str) -> None:
    role, _, who = rest.partition(" ")
    role = role.lower() or IncidentRole.RESPONDER
    found = MENTION.search(who)
    by = asked.user
    user: User = actor(person(found[1])) if found else by
    if who.strip() and not found:
        raise InvalidInput("", "name somebody with @, or nobody to take the role yourself")
    assign_role(incident=incident, role=role, user=user, by=by, now=asked.now, via=names.SERVICE)
    asked.answer(f"{blocks.said(user.display_name)} is {role} of {incident.key}.", incident=incident.pk)


def _timeline(asked: Asked, incident: Incident, rest: str) -> None:
    if not rest:
        _last_lines(asked, incident)
        return
    at, text = told_time(rest, asked.who, asked.now)
    add_note(incident=incident, text=mrkdwn.to_markdown(text), by=asked.user, now=asked.now, occurred_at=at)
    asked.answer(f"On the timeline of {incident.key} at {blocks.clock(at)}.", incident=incident.pk)


def told_time(rest: str, who: SlackPerson, now: datetime) -> tuple[datetime, str]:
    """`14:32 text` is the last time that it was 14:32 where this person is."""
    first, _, text = rest.partition(" ")
    found = CLOCK.match(first)
    if not found:
        return now, rest
    zone = zone_of(who.zone)
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    try:
        at = now.astimezone(zone).replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise InvalidInput("time", f"is {first}; expected a time such as 14:32") from None
    return (at if at <= now else at - timedelta(days=1)).astimezone(UTC), text.strip()


def _last_lines(asked: Asked, incident: Incident) -> None:
    rows = TimelineEntry.objects.filter(incident=incident, hidden=False).order_by("-occurred_at", "-id")[:LINES]
    lines = [f"{blocks.clock(row.occurred_at, '{time_secs}')} {blocks.said(row.title, 150)}" for row in reversed(rows)]
    more = blocks.link(forms.address(incident, "#h-tl"), "The whole timeline")
    asked.answer("\n".join([*lines, more]) if lines else f"Nothing yet. {more}", incident=incident.pk)


def _followup(asked: Asked, incident: Incident, rest: str) -> None:
    made = create_followup(incident=incident, title=mrkdwn.plain(rest), by=asked.user, now=asked.now)
    address = forms.absolute(made.get_absolute_url())
    asked.answer(f"Created {blocks.link(address, f'{made.key} {made.title}')}.", incident=incident.pk)


def _evidence(asked: Asked, incident: Incident, rest: str) -> None:
    if rest.lower() == "collect":
        collect_again(incident=incident, by=asked.user, now=asked.now)
        asked.answer(f"Every source of {incident.key} is asked again.", incident=incident.pk)
        return
    asked.answer("\n".join(evidence_lines(incident)), incident=incident.pk)


def evidence_lines(incident: Incident) -> list[str]:
    """How many sources answered, and by name each that did not, with its reason."""
    found = outcomes(incident)
    lines = [f"{incident.evidence_count} items of evidence, {found.asked} questions asked."]
    if found.unfinished:
        lines.append(f"{len(found.unfinished)} still under way.")
    for run in [*found.failed, *found.in_part][:LINES]:
        lines.append(f":warning: {blocks.said(run.source_name, 80)}: {blocks.said(run.reason, 200)}")
    lines.append(blocks.link(forms.address(incident, "evidence/"), "All evidence"))
    return lines


def _seen(asked: Asked, incident: Incident, rest: str) -> None:
    found = related_incidents(incident, asked.user)[:MATCHES]
    if not found:
        asked.answer(f"Nothing like {incident.key} is on record.", incident=incident.pk)
        return
    lines = [
        f"{blocks.link(forms.address(one.incident), f'{one.incident.key} {one.incident.title}')}: {blocks.said(', '.join(one.reasons))}"
        for one in found
    ]
    asked.answer("\n".join(lines), incident=incident.pk)


def _postmortem(asked: Asked, incident: Incident, rest: str) -> None:
    part = "postmortem/" if hasattr(incident, "postmortem") else ""
    word = "The post-mortem" if part else "There is no post-mortem yet. Write it on the incident's page:"
    asked.answer(f"{word} {blocks.link(forms.address(incident, part), incident.key)}", incident=incident.pk)


DEEDS: dict[str, Callable[[Asked, Incident, str], None]] = {
    "status": _status,
    "mitigated": _mitigated,
    "resolved": _resolved,
    "severity": _severity,
    "update": _update,
    "role": _role,
    "timeline": _timeline,
    "followup": _followup,
    "evidence": _evidence,
    "seen": _seen,
    "postmortem": _postmortem,
}
