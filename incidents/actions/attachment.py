"""Keep a file that somebody gave to an incident."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from accounts.problems import InvalidInput
from incidents.models import Attachment, Incident

BYTES = 8 * 2**20
ATTACHMENTS = 500
NAME_LIMIT = 200


def store_attachment(*, incident: Incident, name: str, data: bytes, given_by: str, now: datetime) -> Attachment:
    """As it came; the same content a second time is the row that is there. `given_by` is a name.

    Whoever calls has asked whether this may be given: chats know people who have no account.
    """
    if not data:
        raise InvalidInput("file", "is empty; expected some content")
    if len(data) > BYTES:
        raise InvalidInput("file", f"has {len(data) / 2**20:.1f} MiB; expected at most {BYTES // 2**20} MiB")
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        Incident.objects.select_for_update().get(pk=incident.pk)
        kept = Attachment.objects.filter(incident=incident).defer("data")
        same = kept.filter(sha256=digest).first()
        if same is not None:
            return same
        if kept.count() >= ATTACHMENTS:
            raise InvalidInput("file", f"would be one too many; an incident keeps at most {ATTACHMENTS}")
        return Attachment.objects.create(
            incident=incident,
            name=_named(name),
            size=len(data),
            sha256=digest,
            data=data,
            given_by=" ".join(given_by.split())[:120],
            created_at=now,
        )


def _named(name: str) -> str:
    """The last part of a path, printable, its ending kept where it is long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in last).split()).lstrip(".")
    if len(plain) > NAME_LIMIT:
        stem, dot, ending = plain.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 20 else ""
        plain = plain[: NAME_LIMIT - len(ending)] + ending
    return plain or "file"
