"""The Home tab: what is open, what is yours, and the button for the worst night."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from incidents.chat.lanes import Never
from incidents.models import Delivery, FollowUp, Incident
from incidents.slack import blocks, finding, forms, names
from incidents.slack.client import SlackRefusal, call
from incidents.slack.headline import SIGNS
from incidents.slack.models import SlackPerson
from incidents.slack.people import person

OPEN, MINE = 30, 10


def publish(delivery: Delivery) -> None:
    """For one person, with what they may see."""
    who = person(str(delivery.content["user"]))
    try:
        call("views.publish", user_id=who.slack_id, view={"type": "home", "blocks": view(who)})
    except SlackRefusal as problem:
        if problem.code == "not_enabled":
            raise Never("The app's Home tab is off. Turn it on under App Home.") from None
        raise


def view(who: SlackPerson) -> list[blocks.Block]:
    parts = [
        blocks.actions(
            blocks.button("Declare an incident", names.OPEN_DECLARE, style="danger"),
            blocks.button("Open Debrief", names.VISIT, url=forms.absolute("/")),
        )
    ]
    if who.reader is None:
        text = (
            "Your Slack account is not linked to anybody in Debrief; you can declare incidents. An admin can link you."
        )
        parts.append(blocks.context(text))
    rows = finding.visible(who).open().order_by("severity__rank", "-number")
    found, total = list(rows[:OPEN]), rows.count()
    parts.append(blocks.header(f"Open incidents ({total})"))
    parts += [_incident(one) for one in found]
    if not found:
        parts.append(blocks.section("Nothing is open. May it stay so."))
    if total > OPEN:
        parts.append(blocks.context(blocks.link(forms.absolute("/incidents/?status=open"), f"and {total - OPEN} more")))
    if who.reader is not None:
        parts += _mine(who.reader)
    return parts


def _incident(one: Incident) -> blocks.Block:
    channel = getattr(one, "slack_channel", None)
    where = f", <#{channel.channel_id}>" if channel else ""
    title = blocks.link(forms.address(one), f"{one.key} {one.title}")
    facts = f"{one.severity.name}, {one.get_status_display().lower()}, since {blocks.clock(one.declared_at)}{where}"
    return blocks.section(f"{SIGNS.get(one.severity.rank, ':white_circle:')} {title}\n{facts}")


def _mine(user: User) -> list[blocks.Block]:
    """Follow-ups of one's own, the most urgent first."""
    now = timezone.now()
    rows = (
        FollowUp.objects.visible_to(user).unfinished().filter(owner=user).select_related("incident").order_by("due_at")
    )
    found = list(rows[:MINE])
    parts = [blocks.divider(), blocks.header("Your follow-ups")]
    if not found:
        return [*parts, blocks.section("None waits for you.")]
    return parts + [part for one in found for part in followup(one, is_late=one.is_overdue(now))]


def followup(row: FollowUp, *, is_late: bool) -> list[blocks.Block]:
    """What it is and when it is due, with buttons to end it, put it off, or give it to somebody else."""
    title = blocks.link(forms.absolute(row.get_absolute_url()), f"{row.key} {row.title}")
    due = f"{'*overdue* since' if is_late else 'due'} {blocks.clock(row.due_at, '{date_short}')}"
    reassign: blocks.Block = {
        "type": "users_select",
        "action_id": f"{names.FOLLOWUP_REASSIGN}:{row.number}",
        "placeholder": blocks.plain("Give it to …", blocks.PLACEHOLDER),
    }
    return [
        blocks.section(f"{title}\n{row.incident.key}, {row.get_priority_display().lower()}, {due}"),
        blocks.actions(
            blocks.button("Done", f"{names.FOLLOWUP_DONE}:{row.number}", style="primary"),
            blocks.button("Snooze 3 days", f"{names.FOLLOWUP_SNOOZE}:{row.number}"),
            reassign,
        ),
    ]
