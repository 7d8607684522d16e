"""What was stored of Slack's files goes with them, unless people here use it."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from incidents.models import Attachment, IncidentUpdate, Picture, PostMortem, Publication, SharedUpdate, TimelineEntry
from incidents.models.timeline import EntrySource
from incidents.slack.models import SlackFile


def discard(*, picture: Picture | None = None, attachment: Attachment | None = None) -> None:
    """What nobody else gave or uses."""
    if attachment is not None and not _is_used(attachment, SlackFile.objects.filter(attachment=attachment)):
        attachment.delete()
    # One that somebody pasted here as well is theirs.
    is_slacks = picture is not None and picture.created_by is not None and picture.created_by.is_stand_in
    if picture is not None and is_slacks and not _is_used(picture, SlackFile.objects.filter(picture=picture)):
        picture.delete()


def _is_used(stored: Attachment | Picture, given_as: QuerySet[SlackFile]) -> bool:
    return given_as.exists() or is_named_in_texts(stored.get_absolute_url())


def is_named_in_texts(address: str) -> bool:
    """Whether people wrote it into a post-mortem, an update or a note; also where the writing is a moment old."""
    in_text = Q(body__contains=address) | Q(published_body__contains=address)
    written = (
        PostMortem.objects.filter(in_text),
        Publication.objects.filter(body__contains=address),
        IncidentUpdate.objects.filter(text__contains=address),
        TimelineEntry.objects.exclude(source=EntrySource.CHAT).filter(text__contains=address),
    )
    if any(rows.exists() for rows in written):
        return True
    fresh = SharedUpdate.objects.filter(pk__gt=F("document__written_through"))
    return any(address.encode() in bytes(one) for one in fresh.values_list("payload", flat=True).iterator())
