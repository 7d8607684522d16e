"""Follow-ups: raised with a due date from the severity, moved on, ended with a reason where they are not done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Team, User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Counter, FollowUp, Incident
from incidents.models.incident import TITLE_LIMIT
from incidents.moments import check_moment

QUIET = timedelta(days=90)
FIELDS = (
    "title",
    "description",
    "type",
    "priority",
    "owner",
    "team",
    "due_at",
    "status",
    "reason",
    "external_url",
)


@transaction.atomic
def create_followup(
    *,
    incident: Incident,
    title: str,
    by: User,
    now: datetime,
    description: str = "",
    type: str = FollowUp.Type.PREVENT,
    priority: str = FollowUp.Priority.MEDIUM,
    owner: User | None = None,
    team: Team | None = None,
    due_at: datetime | None = None,
    external_url: str = "",
) -> FollowUp:
    """F-n. Without `due_at` the severity's follow-up deadline counts from now."""
    require_respond(by)
    check_moment("due_at", due_at)
    followup = FollowUp(
        incident=incident,
        title=_title(title),
        description=description,
        type=type,
        priority=priority,
        owner=owner,
        team=team,
        due_at=due_at or now + timedelta(days=incident.severity.followup_sla_days),
        external_url=external_url,
        created_by=by,
        number=0,
    )
    followup.clean_fields(exclude=["number", "incident", "owner", "team", "created_by"])
    followup.number = Counter.take("F")
    followup.save()
    return followup


@transaction.atomic
def change_followup(*, followup: FollowUp, by: User, now: datetime, **fields: Any) -> FollowUp:
    """Any of FIELDS; not doing something needs a reason, and ending it is dated."""
    require_respond(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    check_moment("due_at", fields.get("due_at"))
    followup = FollowUp.objects.select_for_update(of=("self",)).select_related("incident").get(pk=followup.pk)
    if "title" in fields:
        fields["title"] = _title(fields["title"])
    for name, value in fields.items():
        setattr(followup, name, value)
    if followup.status == FollowUp.Status.NOT_DOING and not followup.reason.strip():
        raise InvalidInput("reason", "say why it is not done")
    followup.clean_fields(exclude=["number", "incident", "owner", "team", "created_by"])
    followup.ended_at = (followup.ended_at or now) if followup.is_ended else None
    followup.save()
    return followup


@transaction.atomic
def snooze_followup(*, followup: FollowUp, by: User, now: datetime, until: datetime) -> FollowUp:
    """Its owner is not reminded before `until`, at most QUIET from now. Owners may, and whoever responds."""
    if followup.owner_id is None or followup.owner_id != by.pk:
        require_respond(by)
    check_moment("until", until)
    if until <= now:
        raise InvalidInput("until", "has passed; expected a time to come")
    if until > now + QUIET:
        raise InvalidInput("until", f"is too far away; expected at most {QUIET.days} days from now")
    followup = FollowUp.objects.select_for_update(of=("self",)).select_related("incident").get(pk=followup.pk)
    followup.quiet_until = until
    followup.save()
    return followup


def _title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned:
        raise InvalidInput("title", "is empty; say what will be done")
    if len(cleaned) > TITLE_LIMIT:
        raise InvalidInput("title", f"has {len(cleaned):,} characters; expected at most {TITLE_LIMIT}")
    return cleaned
