"""Which incident somebody in Slack means, and whether they may see it."""

from __future__ import annotations

from datetime import datetime, timedelta

from incidents.models import Incident
from incidents.models.incident import IncidentQuerySet, Visibility
from incidents.slack.models import SlackPerson

LATELY = timedelta(hours=1)


class NoIncident(Exception):
    """The message says what to write instead."""

    retryable = False


def visible(person: SlackPerson | None) -> IncidentQuerySet:
    """What this person may see; a stranger sees what is internal."""
    rows: IncidentQuerySet = Incident.objects.select_related("severity", "slack_channel")
    if person is None or person.reader is None:
        return rows.filter(visibility=Visibility.INTERNAL)
    return rows.visible_to(person.reader)


def lately_open(person: SlackPerson | None, now: datetime) -> list[Incident]:
    return list(visible(person).open().filter(declared_at__gt=now - LATELY).order_by("-number")[:5])


def here(channel_id: str, person: SlackPerson | None) -> Incident | None:
    """The channel's incident, where this person may see it: a channel may be more public than its incident."""
    return visible(person).filter(slack_channel__channel_id=channel_id).first() if channel_id else None


def meant(number: int | None, channel_id: str, person: SlackPerson | None) -> Incident:
    """By its number, else by the channel; raises NoIncident, alike for what is hidden and what is not there."""
    if number is None:
        found = here(channel_id, person)
        if found is None:
            raise NoIncident(
                "This channel belongs to no incident that you may see. Name one, such as `/incident status INC-42 mitigated`."
            )
        return found
    found = visible(person).filter(number=number).first()
    if found is None:
        raise NoIncident(f"There is no INC-{number} that you may see.")
    return found
