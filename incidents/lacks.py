"""What open incidents lack, said at the distance that each thing asks for while it lasts and nobody snoozed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery

from accounts.models import User
from incidents import signals
from incidents.models import Incident, IncidentUpdate, Notice, Reminder, RoleAssignment
from incidents.models.incident import IncidentQuerySet, IncidentRole
from incidents.notices import tell

SEVERITY_AFTER = timedelta(minutes=10)
COMMANDER_AFTER = timedelta(minutes=5)
MOST = 500
Kind = Reminder.Kind


@dataclass(frozen=True, slots=True)
class Watched:
    """`told_at`: of the last update, or of the declaration; `promised_at`: when that update promised the next."""

    incident: Incident
    told_at: datetime
    promised_at: datetime | None
    has_commander: bool

    def lacks(self) -> Iterator[tuple[Kind, datetime, timedelta]]:
        """Each thing with when it is to be said first, and at which distance again."""
        declared_at = self.incident.declared_at
        if self.incident.severity_is_open:
            yield Kind.SEVERITY, declared_at + SEVERITY_AFTER, SEVERITY_AFTER
        if not self.has_commander:
            yield Kind.COMMANDER, declared_at + COMMANDER_AFTER, COMMANDER_AFTER
        if minutes := self.incident.severity.reminder_minutes:
            distance = timedelta(minutes=minutes)
            yield Kind.UPDATE, self.promised_at or self.told_at + distance, distance


def remind_of_lacks(now: datetime) -> int:
    """How many things were said. Asked again or by two at once, each is said once a distance."""
    watched = _watched()
    rows = Reminder.objects.filter(incident__in=[one.incident for one in watched])
    known = {(row.incident_id, row.kind): row for row in rows}
    said = 0
    for one in watched:
        for kind, first_at, distance in one.lacks():
            if _is_due(known.get((one.incident.pk, kind.value)), first_at, distance, now):
                said += _say(one, kind, first_at, distance, now)
    return said


def is_lacking(incident_id: int, kind: str, now: datetime) -> bool:
    """Whether it still is so, and nobody has asked for quiet about it."""
    snoozed = Reminder.objects.filter(incident=incident_id, kind=kind, snoozed_until__gt=now)
    if snoozed.exists():
        return False
    found = _watched(Incident.objects.filter(pk=incident_id))
    return any(lack == kind and now >= first_at for one in found for lack, first_at, _ in one.lacks())


def _watched(among: IncidentQuerySet | None = None) -> list[Watched]:
    updates = IncidentUpdate.objects.filter(incident=OuterRef("pk")).order_by("-posted_at", "-id")
    commander = RoleAssignment.objects.filter(incident=OuterRef("pk"), role=IncidentRole.COMMANDER)
    told = Subquery(updates.values("posted_at")[:1])
    promised = Subquery(updates.values("next_at")[:1])
    rows = (Incident.objects.all() if among is None else among).open().order_by("-number")
    incidents = {row.pk: row for row in rows.select_related("severity", "declared_by")[:MOST]}
    facts = Incident.objects.filter(pk__in=incidents).annotate(told=told, promised=promised, led=Exists(commander))
    return [
        Watched(incidents[pk], told_at or incidents[pk].declared_at, promised_at, led)
        for pk, told_at, promised_at, led in facts.values_list("pk", "told", "promised", "led").order_by("-number")
    ]


def _is_due(reminder: Reminder | None, first_at: datetime, distance: timedelta, now: datetime) -> bool:
    times = [first_at]
    if reminder is not None:
        times += [reminder.said_at + distance] if reminder.said_at else []
        times += [reminder.snoozed_until] if reminder.snoozed_until else []
    return now >= max(times)


@transaction.atomic
def _say(one: Watched, kind: Kind, first_at: datetime, distance: timedelta, now: datetime) -> bool:
    """Under the row's lock it is asked once more whether it is due: another beat may have said it."""
    incident = one.incident
    Reminder.objects.get_or_create(incident=incident, kind=kind)
    reminder = Reminder.objects.select_for_update().get(incident=incident, kind=kind)
    if not _is_due(reminder, first_at, distance, now):
        return False
    reminder.said_at = now
    reminder.save(update_fields=["said_at"])
    _notice(one, kind, now)
    signals.tell("reminder_due", at=now, incident_id=incident.pk, kind=kind.value)
    return True


def _notice(one: Watched, kind: Kind, now: datetime) -> None:
    """To who commands, else to who declared it; none beside one of the same kind that is not read yet."""
    incident = one.incident
    person = _concerned(incident)
    key = f"lack:{incident.pk}:{kind.value}:"
    if Notice.objects.filter(person=person, key__startswith=key, read_at=None).exists():
        return
    tell(
        [person],
        incident=incident,
        key=f"{key}{int(now.timestamp())}",
        text=f"{incident.key} “{incident.title}”: {_words(one, kind, now)}",
        address=incident.get_absolute_url(),
        now=now,
    )


def _concerned(incident: Incident) -> User:
    held = incident.roles.filter(role=IncidentRole.COMMANDER).select_related("user").first()
    return held.user if held else incident.declared_by


def _words(one: Watched, kind: Kind, now: datetime) -> str:
    if kind == Kind.SEVERITY:
        return f"nobody has chosen a severity; {one.incident.severity.name} stands in"
    if kind == Kind.COMMANDER:
        return "it has no commander"
    minutes = int((now - one.told_at).total_seconds() // 60)
    return f"no update for {minutes} minutes"
