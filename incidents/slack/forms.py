"""The forms that Slack shows. What they are about travels in `private_metadata` as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from incidents.models import FollowUp, Incident, Severity
from incidents.models.incident import TITLE_LIMIT, Status
from incidents.models.update import UPDATE_LIMIT
from incidents.slack import blocks, names

NEXT_IN = (("15", "In 15 minutes"), ("30", "In 30 minutes"), ("60", "In an hour"), ("120", "In two hours"))
PRIVATE = "private"
SHOWN_OPEN = 5


def about(**what: Any) -> str:
    return json.dumps({name: value for name, value in what.items() if value not in (None, "")})


def read_about(view: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def changed(found: Mapping[str, Any], about: Mapping[str, Any], name: str) -> str:
    """What was chosen in a menu, where it is not what the form showed when it opened."""
    chosen = str(found.get(name) or "")
    return "" if chosen == about.get(name) else chosen


def absolute(path: str) -> str:
    return f"{settings.BASE_URL}{path}"


def address(incident: Incident, part: str = "") -> str:
    return absolute(f"{incident.get_absolute_url()}{part}")


def declare(*, lately: Sequence[Incident], title: str = "", summary: str = "", private: str = "") -> blocks.Block:
    """First what is open already, so that nobody declares it twice."""
    parts: list[blocks.Block] = []
    if lately:
        parts.append(blocks.section("*Open since less than an hour.* Is it one of these?"))
        parts += [_lately(one) for one in lately[:SHOWN_OPEN]]
        parts.append(blocks.divider())
    severities = [(str(one.pk), f"{one.name} {one.description}".strip()) for one in Severity.objects.all()]
    places = {
        "type": "multi_external_select",
        "action_id": names.PLACE,
        "placeholder": blocks.plain("checkout, shop, …", blocks.PLACEHOLDER),
        "min_query_length": 0,
        "max_selected_items": 10,
    }
    box = {"type": "checkboxes", "options": [blocks.option("Only those who take part may see it", PRIVATE)]}
    parts += [
        blocks.field("title", "What do users notice?", blocks.text_input(limit=TITLE_LIMIT, initial=title)),
        blocks.field(
            "severity",
            "Severity",
            blocks.menu("value", "Not known yet", severities),
            optional=True,
            hint="Leave it empty if nobody can tell yet; the channel will ask.",
        ),
        blocks.field("places", "Namespaces and workloads", places, optional=True),
        blocks.field("summary", "What is known", blocks.text_input(lines=True, initial=summary), optional=True),
        blocks.field("private", "Private", box, optional=True),
    ]
    return blocks.modal(names.DECLARE_FORM, "Declare an incident", parts, submit="Declare", private=private)


def _lately(incident: Incident) -> blocks.Block:
    channel = getattr(incident, "slack_channel", None)
    where = f" in <#{channel.channel_id}>" if channel else ""
    facts = f"{incident.severity.name}, {incident.get_status_display().lower()}, {blocks.clock(incident.declared_at)}"
    text = f"*{incident.key}* {blocks.said(incident.title, 200)}{where}\n{facts}"
    return blocks.section(text, accessory=blocks.button("Open", names.VISIT, url=address(incident)))


def declaring(text: str) -> blocks.Block:
    """What stands in the form's place once it was sent."""
    return blocks.modal(names.DECLARE_FORM, "Declare an incident", [blocks.section(text)])


def update(incident: Incident, template: str) -> blocks.Block:
    severities = [(str(one.pk), one.name) for one in Severity.objects.all()]
    severity = "" if incident.severity_is_open else str(incident.severity_id)
    statuses = [(one.value, one.label) for one in Status if one != Status.CLOSED]
    parts = [
        blocks.context(f"*{incident.key}* {blocks.said(incident.title, 200)}"),
        blocks.field(
            "text",
            "What shall people know?",
            blocks.text_input(lines=True, limit=UPDATE_LIMIT, initial=template),
        ),
    ]
    # To open one again asks for a reason, which an update does not hold.
    if incident.is_open:
        parts.append(blocks.field("status", "Status", blocks.menu("value", "Stays", statuses, chosen=incident.status)))
    parts += [
        blocks.field(
            "severity", "Severity", blocks.menu("value", "Not chosen yet", severities, chosen=severity), optional=True
        ),
        blocks.field("next_in", "Next update", blocks.menu("value", "Not promised", NEXT_IN), optional=True),
    ]
    # What is sent back as it was shown is nobody's wish: others may have changed it meanwhile.
    private = about(incident=incident.number, status=incident.status, severity=severity)
    return blocks.modal(names.UPDATE_FORM, f"Update {incident.key}", parts, submit="Post", private=private)


def timeline(*, incident: Incident | None, text: str, at: datetime, private: str) -> blocks.Block:
    """A message's own time, which can be changed; which incident, where the channel does not say."""
    parts = [blocks.section(f">{blocks.said(text, 1_000)}")]
    if incident is None:
        choice = {"type": "external_select", "action_id": names.JOIN, "min_query_length": 0}
        parts.append(blocks.field("incident", "Incident", choice))
    else:
        parts.append(blocks.context(f"*{incident.key}* {blocks.said(incident.title, 200)}"))
    when = {"type": "datetimepicker", "initial_date_time": int(at.timestamp())}
    parts.append(blocks.field("at", "When it happened", when))
    return blocks.modal(names.TIMELINE_FORM, "Add to timeline", parts, submit="Add", private=private)


def followup(*, incident: Incident | None, title: str, owner: str, private: str) -> blocks.Block:
    """`owner` is a Slack id."""
    parts: list[blocks.Block] = []
    if incident is None:
        choice = {"type": "external_select", "action_id": names.JOIN, "min_query_length": 0}
        parts.append(blocks.field("incident", "Incident", choice))
    else:
        parts.append(blocks.context(f"*{incident.key}* {blocks.said(incident.title, 200)}"))
    who: blocks.Block = {"type": "users_select", "placeholder": blocks.plain("Nobody yet", blocks.PLACEHOLDER)}
    if owner:
        who["initial_user"] = owner
    types = [(value, label) for value, label in FollowUp.Type.choices]
    priorities = [(value, label) for value, label in FollowUp.Priority.choices]
    parts += [
        blocks.field("title", "What will be done?", blocks.text_input(limit=TITLE_LIMIT, initial=title)),
        blocks.field("type", "Type", blocks.menu("value", "Type", types, chosen=FollowUp.Type.PREVENT)),
        blocks.field("priority", "Priority", blocks.menu("value", "Priority", priorities, chosen="medium")),
        blocks.field("owner", "Owner", who, optional=True),
        blocks.field("description", "Details", blocks.text_input(lines=True), optional=True),
    ]
    return blocks.modal(names.FOLLOWUP_FORM, "Create a follow-up", parts, submit="Create", private=private)


def only_text(title: str, text: str) -> blocks.Block:
    return blocks.modal("said", title, [blocks.section(text)])
