"""Files of captured messages: fetched with the bot's token, checked, stored. Nothing is ever made public for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import httpx
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from accounts.problems import InvalidInput
from incidents.actions.attachment import BYTES, store_attachment
from incidents.actions.picture import store_picture
from incidents.chat import lanes
from incidents.chat.lanes import Later
from incidents.models import Delivery
from incidents.slack import belongings, lines, names
from incidents.slack.client import SlackRefusal, call
from incidents.slack.models import SlackFile, SlackMessage
from incidents.slack.people import stand_in
from incidents.slack.places import is_slacks

HOST = "files.slack.com"
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
MIB = 2**20
REDIRECTS = 3
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
LACKS_SCOPE = "was not given to the app: it lacks files:read, or this file is not shared with it"
GIVEN_UP = "was not fetched:"
GONE = frozenset({"file_not_found", "file_deleted"})


class Unusable(Exception):
    """Why a file is not kept; the message goes on after its name."""

    retryable = False


def fetch(delivery: Delivery) -> None:
    """Those of one message, each by itself: what is done stays done when another must wait. Raises Later."""
    later: Later | None = None
    for told in delivery.content.get("files") or []:
        row = SlackFile.objects.filter(message=delivery.content["message"], slack_id=str(told.get("id"))).first()
        if row is None or not _is_wanted(row):
            continue
        try:
            _fetch(row, told)
        except Later as problem:
            later = problem
        except Unusable as problem:
            _settle(row, reason=str(problem))
    if later is not None:
        raise later


def _is_wanted(row: SlackFile) -> bool:
    return row.reason == lines.FETCHING or row.reason.startswith(GIVEN_UP)


@receiver(lanes.given_up, sender=Delivery, dispatch_uid="slack-files-given-up")
def tell_end(row: Delivery, problem: str, **_: Any) -> None:
    """The lines say why; "Try again" on the incident's page begins anew."""
    if row.service == names.SERVICE and row.kind == "files":
        ids = [str(told.get("id")) for told in row.content.get("files") or []]
        for file in SlackFile.objects.filter(message=row.content["message"], slack_id__in=ids, reason=lines.FETCHING):
            _settle(file, reason=f"{GIVEN_UP} {problem}")


def _fetch(row: SlackFile, told: Mapping[str, Any]) -> None:
    if told.get("file_access") == "check_file_info" or not _address(told):
        told = _asked(row.slack_id)
    size = told.get("size")
    if isinstance(size, int) and size > BYTES:
        raise Unusable(_too_large(size))
    if told.get("mode") == "tombstone":
        raise Unusable(lines.DELETED)
    address = _address(told)
    if not address:
        raise Unusable("has no address to be fetched from")
    data = _downloaded(address, str(told.get("mimetype") or ""))
    _keep(row, data, str(told.get("mimetype") or ""))


def _address(told: Mapping[str, Any]) -> str:
    return str(told.get("url_private_download") or told.get("url_private") or "")


def _asked(slack_id: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = call("files.info", file=slack_id)["file"]
    except SlackRefusal as problem:
        if problem.code in GONE:
            raise Unusable("is not there any more") from None
        if problem.code == "missing_scope":
            raise Unusable("cannot be read: the app lacks files:read") from None
        raise Unusable(f"cannot be read: {problem}"[:300]) from None
    return found


def _too_large(size: int) -> str:
    return f"too large: {size / MIB:,.0f} MB; at most {BYTES // MIB} MB are kept"


def _downloaded(address: str, mimetype: str) -> bytes:
    headers = {"Authorization": f"Bearer {settings.SLACK_BOT_TOKEN}"}
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
            for _ in range(REDIRECTS):
                # The token goes to Slack alone, wherever an address or an answer points.
                if not is_slacks(address, HOST):
                    raise Unusable("does not lie on Slack's servers")
                with client.stream("GET", address, headers=headers) as answer:
                    if answer.is_redirect:
                        address = urljoin(address, answer.headers.get("Location", ""))
                        continue
                    return _body(answer, mimetype)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
        raise Later(f"A file could not be fetched ({type(problem).__name__}).") from None
    raise Unusable(LACKS_SCOPE)


def _body(answer: httpx.Response, mimetype: str) -> bytes:
    if answer.status_code == 429 or answer.status_code >= 500:
        after = answer.headers.get("Retry-After", "")
        raise Later(f"A file could not be fetched ({answer.status_code}).", float(after) if after.isdigit() else None)
    if answer.status_code in {404, 410}:
        raise Unusable("is not there any more")
    if answer.status_code in {401, 403}:
        raise Unusable(LACKS_SCOPE)
    if answer.status_code != 200:
        raise Unusable(f"could not be fetched: Slack answered {answer.status_code}")
    # Who may not read a file gets a page to sign in on, with 200.
    if answer.headers.get("Content-Type", "").startswith("text/html") and not mimetype.startswith("text/html"):
        raise Unusable(LACKS_SCOPE)
    found = bytearray()
    for chunk in answer.iter_bytes():
        found += chunk
        if len(found) > BYTES:
            raise Unusable(f"too large: more than {BYTES // MIB} MB")
    return bytes(found)


def _keep(row: SlackFile, data: bytes, mimetype: str) -> None:
    """What calls itself a picture and is none is kept as a file."""
    message = SlackMessage.objects.select_related("incident", "author").get(pk=row.message_id)
    now = timezone.now()
    if mimetype in PICTURES:
        try:
            picture = store_picture(incident=message.incident, name=row.name, data=data, by=stand_in(), now=now)
        except InvalidInput:
            pass
        else:
            _settle(row, picture=picture)
            return
    given_by = message.author.name if message.author else "Slack"
    try:
        attachment = store_attachment(incident=message.incident, name=row.name, data=data, given_by=given_by, now=now)
    except InvalidInput as problem:
        raise Unusable(" ".join(problem.errors.values())[:300]) from None
    _settle(row, attachment=attachment)


def _settle(row: SlackFile, *, reason: str = "", **stored: Any) -> None:
    """On the row and on the line at once. What was deleted in Slack meanwhile is not kept."""
    with transaction.atomic():
        message = SlackMessage.objects.select_for_update().get(pk=row.message_id)
        rows = SlackFile.objects.filter(pk=row.pk).exclude(reason=lines.DELETED)
        kept = rows.update(reason=reason[:300], **stored)
        if not kept:
            belongings.discard(**stored)
            return
        if message.entry is not None:
            message.entry.detail = message.entry.detail | {"files": lines.files_of(message)}
            message.entry.save(update_fields=["detail", "updated_at"])
