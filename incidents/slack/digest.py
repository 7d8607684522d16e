"""Once a day, at the hour that an admin chose and in each reader's own zone: what of theirs is overdue."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from incidents.chat import outbox
from incidents.models import Delivery, FollowUp, Incident, PostMortem, RoleAssignment
from incidents.models.followup import FollowUpQuerySet
from incidents.reminders import responsible
from incidents.slack import blocks, forms, home, names, posting
from incidents.slack.models import SlackPerson
from incidents.slack.people import slack_id_of
from incidents.slack.settings import chosen

SHOWN, MOST = 12, 500
# A digest that the hour missed, because nothing ran, still comes; in the evening it would only disturb.
HOURS = 6


def due(now: datetime) -> int:
    """Enqueues the digest of everybody who has something overdue and whose hour has come; once a day each."""
    hour, asked = chosen().digest_hour, 0
    # Whether they may still see it is asked when it is sent.
    writers = {one.pk for row in _late_texts(now) for one in responsible(row)}
    owners = set(_followups(now).values_list("owner", flat=True)) | writers
    zones = dict(SlackPerson.objects.filter(user__in=owners).values_list("user", "zone"))
    for user in User.objects.choosable().filter(pk__in=owners):
        local = now.astimezone(zone_of(user.zone or zones.get(user.pk, "")))
        if hour <= local.hour < hour + HOURS and local.weekday() < 5:
            key = f"digest:{user.pk}:{local:%Y-%m-%d}"
            made = outbox.enqueue(
                service=names.SERVICE,
                kind="digest",
                lane=f"person:{user.pk}",
                now=now,
                key=key,
                content={"person": user.pk},
                once=True,
            )
            asked += made is not None
    return asked


def send(delivery: Delivery) -> None:
    """As it stands at the moment of sending; who has nothing overdue any more hears nothing."""
    now = timezone.now()
    user = User.objects.filter(pk=delivery.content["person"], is_active=True).first()
    slack_id = slack_id_of(user) if user else ""
    if user is None or not slack_id:
        return
    parts = view(user, now)
    if not parts:
        return
    posting.post_direct(delivery, slack_id, text="What of yours is overdue", parts=parts)


def view(user: User, now: datetime) -> list[blocks.Block]:
    """Empty where nothing is overdue."""
    visible = Incident.objects.visible_to(user)
    followups = list(_followups(now).filter(owner=user, incident__in=visible)[: SHOWN + 1])
    texts = [row for row in _late_texts(now, _concerning(user), incident__in=visible) if user in responsible(row)]
    if not followups and not texts:
        return []
    parts = [blocks.header("What of yours is overdue")]
    for text in texts[:SHOWN]:
        title = blocks.link(forms.address(text.incident, "postmortem/edit/"), f"{text.incident.key} {text.title}")
        since = blocks.clock(text.due_at, "{date_short}") if text.due_at else ""
        parts.append(blocks.section(f":notebook: The post-mortem {title} was due {since}."))
    for row in followups[:SHOWN]:
        parts += home.followup(row, is_late=True)
    if len(followups) > SHOWN:
        parts.append(blocks.context(blocks.link(forms.absolute("/follow-ups/?owner=me"), "and more")))
    return parts


def _followups(now: datetime) -> FollowUpQuerySet:
    rows = FollowUp.objects.overdue(now).filter(Q(quiet_until=None) | Q(quiet_until__lte=now)).exclude(owner=None)
    return rows.select_related("incident").order_by("due_at")


def _late_texts(now: datetime, *concerning: Q, **among: Any) -> list[PostMortem]:
    """Post-mortems that somebody owes, the longest overdue first, with what tells who."""
    rows = PostMortem.objects.filter(published_at=None, due_at__lt=now, incident__closure_reason__in=["", "resolved"])
    rows = rows.filter(*concerning, **among).select_related("incident__declared_by", "edited_by")
    return list(rows.prefetch_related("incident__roles__user").order_by("due_at", "pk")[:MOST])


def _concerning(user: User) -> Q:
    """Those that may be theirs to write: `responsible` chooses among these."""
    roles = RoleAssignment.objects.filter(user=user).values("incident")
    return Q(edited_by=user) | Q(incident__declared_by=user) | Q(incident__in=roles)


def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
