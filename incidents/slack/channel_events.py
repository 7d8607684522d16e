"""Events that are about channels, people and the app itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from incidents.chat import outbox
from incidents.slack import answering, blocks, channels, driving, mrkdwn, names
from incidents.slack.models import SlackChannel, SlackRequest
from incidents.slack.people import person

Event = dict[str, Any]
Deed = Callable[[], object]
MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")
DECLARE = re.compile(r"(?i)\A\W*(?:declare|new)\b\W?\s*(?P<title>.*)", re.DOTALL)
log = logging.getLogger(__name__)


def asks_to_declare(event: Event) -> bool:
    return DECLARE.match(_words(event)) is not None


def _words(event: Event) -> str:
    """What was said to the app, without its name."""
    return MENTION.sub(" ", str(event.get("text") or ""), count=1).strip()


def answer_mention(event: Event, request: SlackRequest) -> Deed:
    """Buttons that only who asked sees; with a title where they said one."""
    told = DECLARE.match(_words(event))
    body = request.payload

    def deed() -> None:
        if told is None:
            said = driving.AT_ONCE[""](driving.parse(""))
            answering.answer(body, said["text"], parts=said["blocks"], now=timezone.now())
            return
        title = " ".join(mrkdwn.plain(mrkdwn.to_markdown(told["title"])).split())
        button = blocks.button("Declare an incident", names.OPEN_DECLARE, value=title, style="danger")
        shown = f"Declare an incident: {blocks.said(title, 300)}" if title else "Declare an incident"
        answering.answer(body, shown, parts=[blocks.section(shown), blocks.actions(button)], now=timezone.now())

    return deed


def _renamed(event: Event, request: SlackRequest) -> Deed:
    told = event.get("channel") or {}
    rows = SlackChannel.objects.filter(channel_id=str(told.get("id") or ""))
    return lambda: rows.update(name=str(told.get("name") or "")[:80])


def _archived(event: Event, request: SlackRequest) -> Deed:
    rows = SlackChannel.objects.filter(channel_id=str(event.get("channel") or ""), archived_at=None)
    return lambda: rows.update(archived_at=request.created_at)


def _unarchived(event: Event, request: SlackRequest) -> Deed:
    """What it missed is told now."""
    row = SlackChannel.objects.filter(channel_id=str(event.get("channel") or "")).first()

    def deed() -> None:
        if row is not None and row.archived_at is not None:
            SlackChannel.objects.filter(pk=row.pk).update(archived_at=None)
            channels.ask(row.incident_id, timezone.now())

    return deed


def _joined(event: Event, request: SlackRequest) -> None:
    """Who comes in is learnt, so that their name is known. Being in a channel grants nothing here."""
    if SlackChannel.objects.filter(channel_id=str(event.get("channel") or "")).exists():
        person(str(event.get("user") or ""))


def _home(event: Event, request: SlackRequest) -> Deed | None:
    user = str(event.get("user") or "")
    if event.get("tab") != "home" or not user:
        return None
    lane = key = f"home:{user}"
    content = {"user": user}
    return lambda: outbox.enqueue(
        service=names.SERVICE, kind="home", lane=lane, key=key, now=timezone.now(), content=content
    )


def _revoked(event: Event, request: SlackRequest) -> None:
    log.warning("Slack says %s: nothing can be told until the app is installed again", event.get("type"))


EVENTS: dict[str, Callable[[Event, SlackRequest], Deed | None]] = {
    "channel_rename": _renamed,
    "group_rename": _renamed,
    "channel_archive": _archived,
    "group_archive": _archived,
    "channel_unarchive": _unarchived,
    "group_unarchive": _unarchived,
    "member_joined_channel": _joined,
    "app_home_opened": _home,
    "tokens_revoked": _revoked,
    "app_uninstalled": _revoked,
}
