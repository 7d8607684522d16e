"""Milestones: set, moved, and told on the timeline."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Incident, Milestone, TimelineEntry
from incidents.models.incident import MilestoneKind
from incidents.models.timeline import EntrySource
from incidents.moments import check_moment
from telemetry.observations import Level

LEVELS = {MilestoneKind.IMPACT_STARTED: Level.ERROR}


@transaction.atomic
def set_milestone(*, incident: Incident, kind: MilestoneKind | str, at: datetime, by: User, now: datetime) -> Milestone:
    """Set or move one. Raises InvalidInput for an unknown kind, a time to come, or one out of order."""
    require_respond(by)
    if kind not in MilestoneKind.values:
        raise InvalidInput("kind", f"is {kind!r}; expected one of {', '.join(MilestoneKind.values)}")
    check_past("at", at, now)
    _check_order(incident, MilestoneKind(kind), at)
    return write_milestone(incident=incident, kind=kind, at=at, by=by)


def write_milestone(*, incident: Incident, kind: MilestoneKind | str, at: datetime, by: User | None) -> Milestone:
    """For actions whose own rules already hold."""
    milestone, _ = Milestone.objects.update_or_create(incident=incident, kind=kind, defaults={"at": at, "set_by": by})
    TimelineEntry.objects.update_or_create(
        incident=incident,
        dedup_key=f"milestone:{MilestoneKind(kind).value}",
        defaults={
            "occurred_at": at,
            "source": EntrySource.MILESTONE,
            "level": LEVELS.get(MilestoneKind(kind), Level.INFO).value,
            "title": MilestoneKind(kind).label,
            "detail": {"milestone": MilestoneKind(kind).value},
            "actor": by,
        },
    )
    return milestone


def forget_milestones(incident: Incident, *kinds: MilestoneKind) -> None:
    """What is no longer so, with its line; the line "Reopened" and the audit trail tell that it once was."""
    incident.milestones.filter(kind__in=kinds).delete()
    incident.timeline.filter(dedup_key__in=[f"milestone:{kind.value}" for kind in kinds]).delete()


def check_past(field: str, at: datetime | None, now: datetime) -> None:
    check_moment(field, at)
    if at is not None and at > now + timedelta(minutes=1):
        raise InvalidInput(field, "lies in the future; expected a time that has passed")


def _check_order(incident: Incident, kind: MilestoneKind, at: datetime) -> None:
    """Nothing ends before the impact began; the other milestones may come in any order."""
    times = incident.milestone_times()
    impact = times.get(MilestoneKind.IMPACT_STARTED)
    if kind == MilestoneKind.IMPACT_STARTED:
        early = min((when for name, when in times.items() if name != kind), default=None)
        if early is not None and at > early:
            raise InvalidInput(
                "at", f"is after another milestone ({early:%Y-%m-%d %H:%M:%S} UTC); expected an earlier time"
            )
    elif impact is not None and at < impact:
        raise InvalidInput(
            "at", f"is before the impact started ({impact:%Y-%m-%d %H:%M:%S} UTC); expected a later time"
        )
