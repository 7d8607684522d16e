"""Keep a picture that somebody pasted beside its incident."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Incident, Picture
from incidents.pictures import WrongPicture, clean

PICTURES = 500


def store_picture(*, incident: Incident, name: str, data: bytes, by: User, now: datetime) -> Picture:
    """Checked and drawn anew; the same picture a second time is the row that is there."""
    require_respond(by)
    try:
        picture = clean(data)
    except WrongPicture as problem:
        raise InvalidInput("picture", str(problem)) from None
    digest = hashlib.sha256(picture.data).hexdigest()
    with transaction.atomic():
        Incident.objects.select_for_update().get(pk=incident.pk)
        kept = Picture.objects.filter(incident=incident)
        same = kept.filter(sha256=digest).first()
        if same is not None:
            return same
        if kept.count() >= PICTURES:
            raise InvalidInput("picture", f"would be one too many; an incident keeps at most {PICTURES}")
        return Picture.objects.create(
            incident=incident,
            name=_named(name),
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            sha256=digest,
            data=picture.data,
            created_by=by,
            created_at=now,
        )


def _named(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in last).split())
    return plain[:120] or "picture"
