"""Telling people of what concerns them: one row per person and thing, and word of it to chat services."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from accounts.models import User
from incidents import signals
from incidents.models import Incident, Notice

TEXT_LIMIT = 300
MENTIONS = 30
_MENTION = re.compile(r"(?<![\w@/.`])@(\w[\w.+-]{0,149})")


def tell(
    people: Iterable[User | None], *, incident: Incident, key: str, text: str, address: str, now: datetime
) -> list[Notice]:
    """Write the notice that each of `people` lacks, to those who may see the incident. The same `key` is told once."""
    wanted = {one.pk: one for one in people if one is not None and one.is_active}
    known = set(Notice.objects.filter(key=key, person__in=wanted).values_list("person", flat=True))
    told = []
    for pk, person in wanted.items():
        if pk in known or not may_see(person, incident):
            continue
        fields = {"incident": incident, "text": _short(text), "address": address, "created_at": now}
        notice, is_new = Notice.objects.get_or_create(person=person, key=key, defaults=fields)
        if is_new:
            signals.tell("person_notified", at=now, notice_id=notice.pk)
            told.append(notice)
    return told


def may_see(person: User, incident: Incident) -> bool:
    return not incident.is_restricted or Incident.objects.visible_to(person).filter(pk=incident.pk).exists()


def mentioned(text: str) -> list[User]:
    """The people whom a text calls by `@username`, at most MENTIONS."""
    names = [name.rstrip(".-+") for name in _MENTION.findall(text)]
    wanted = [*dict.fromkeys(names)][:MENTIONS]
    return list(User.objects.choosable().filter(username__in=wanted)) if wanted else []


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= TEXT_LIMIT else f"{flat[: TEXT_LIMIT - 1]}…"
