"""A channel brought to what it should say: asked again it changes nothing that is right already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.utils import timezone

from incidents.chat.lanes import Never
from incidents.models import Delivery, Incident
from incidents.slack import blocks, channels, forms, headline, inviting, naming, posting
from incidents.slack.client import REMEDIES, SlackLater, SlackRefusal, call
from incidents.slack.models import SlackChannel
from incidents.slack.settings import chosen

AGAIN_WHILE_COLLECTING = timedelta(seconds=4)
WATCHED = timedelta(minutes=15)
GONE = frozenset({"message_not_found", "channel_not_found", "cant_update_message"})


def refresh(delivery: Delivery) -> None:
    """Every step is tried: one that Slack refuses keeps no other from being done. The first refusal is told."""
    incident = channels.fresh(delivery)
    channel = channels.ensure(incident)
    if not is_heard(incident, channel):
        return
    everybody_reads = is_exposed(incident, channel)
    steps: list[Callable[[], None]] = [
        partial(_headline, delivery, incident, channel, bare=everybody_reads),
        partial(_topic, incident, channel, bare=everybody_reads),
        partial(_announcement, delivery, incident, channel),
        partial(inviting.bring, incident, channel),
        partial(_bookmarks, incident, channel),
    ]
    problems = []
    for step in steps:
        try:
            step()
        except Never as problem:
            problems.append(problem)
    now = timezone.now()
    if headline.is_collecting(incident) and now - incident.declared_at < WATCHED:
        channels.ask(incident.pk, now, due_at=now + AGAIN_WHILE_COLLECTING)
    if everybody_reads:
        problems.insert(0, Never(exposed(channel)))
    if problems:
        raise problems[0]


def is_heard(incident: Incident, channel: SlackChannel) -> bool:
    """False for the archived channel of what is over; raises Never for one that somebody still needs."""
    if channel.archived_at is None:
        return True
    if not incident.is_open:
        return False
    found = call("conversations.info", channel=channel.channel_id).get("channel") or {}
    if found.get("is_archived", True):
        raise Never(REMEDIES["is_archived"])
    channel.archived_at = None
    channel.save(update_fields=["archived_at"])
    return True


def is_exposed(incident: Incident, channel: SlackChannel) -> bool:
    """A restricted incident in a channel that everybody may read. Slack is asked: people make channels private."""
    if not incident.is_restricted or channel.is_private:
        return False
    found = call("conversations.info", channel=channel.channel_id).get("channel") or {}
    if found.get("is_private"):
        channel.is_private = True
        channel.save(update_fields=["is_private"])
    return not channel.is_private


def exposed(channel: SlackChannel) -> str:
    return (
        f"#{channel.name} is a public channel, and only a person can make it private: in Slack, channel settings."
        " Until then nothing of the incident is told there."
    )


def _topic(incident: Incident, channel: SlackChannel, *, bare: bool) -> None:
    address = forms.address(incident)
    wanted = f"{incident.key} | {address}" if bare else naming.topic(incident, address)
    if channel.shown.get("topic") != wanted:
        call("conversations.setTopic", channel=channel.channel_id, topic=wanted)
        channels.keep(channel, topic=wanted)


def _headline(delivery: Delivery, incident: Incident, channel: SlackChannel, *, bare: bool) -> None:
    if bare:
        parts, text = headline.bare(incident), incident.key
    else:
        parts, text = headline.headline(incident, timezone.now()), headline.summary(incident)
    digest = _digest(parts)
    if channel.headline_ts and channel.shown.get("headline") != digest:
        try:
            call("chat.update", channel=channel.channel_id, ts=channel.headline_ts, text=text, blocks=parts)
        except SlackRefusal as problem:
            if problem.code not in GONE:
                raise
            # Somebody deleted it: the channel gets it once more.
            channel.headline_ts = ""
            channels.keep(channel, pinned=False)
    if not channel.headline_ts:
        channel.headline_ts = posting.post(delivery, channel.channel_id, "headline", text=text, parts=parts).ts
    channels.keep(channel, headline=digest)
    if not channel.shown.get("pinned"):
        try:
            call("pins.add", channel=channel.channel_id, timestamp=channel.headline_ts)
        except SlackRefusal as problem:
            if problem.code != "already_pinned":
                raise
        channels.keep(channel, pinned=True)


def _bookmarks(incident: Incident, channel: SlackChannel) -> None:
    wanted = {"Incident": forms.address(incident)}
    if hasattr(incident, "postmortem"):
        wanted["Post-mortem"] = forms.address(incident, "postmortem/")
    known = dict(channel.shown.get("bookmarks", {}))
    for title, address in wanted.items():
        if title in known:
            continue
        try:
            answer = call("bookmarks.add", channel_id=channel.channel_id, title=title, type="link", link=address)
        except SlackLater as problem:
            # Without bookmarks:read nobody can ask whether it is there: an answer that got lost counts as one.
            if problem.is_uncertain:
                channels.keep(channel, bookmarks=known | {title: ""})
            raise
        known[title] = str((answer.get("bookmark") or {}).get("id", ""))
        channels.keep(channel, bookmarks=known)


def _announcement(delivery: Delivery, incident: Incident, channel: SlackChannel) -> None:
    """In the central channel; what became restricted is taken away there, with all that was said below it."""
    if incident.is_restricted:
        _forget(channel)
        return
    central = chosen().central_channel.lstrip("#")
    if not central:
        return
    parts, text = headline.announcement(incident, channel.channel_id), headline.summary(incident)
    digest = _digest(parts)
    if not channel.central_ts:
        try:
            posted = posting.post(delivery, f"#{central}", "announcement", text=text, parts=parts)
        except SlackRefusal as problem:
            if problem.code in {"channel_not_found", "not_in_channel", "is_archived"}:
                raise Never(f"#{central} cannot be written to. {problem} Settings, Slack names another.") from None
            raise
        channel.central_ts, channel.central_id = posted.ts, posted.channel
    elif channel.shown.get("central") != digest:
        try:
            call("chat.update", channel=channel.central_id, ts=channel.central_ts, text=text, blocks=parts)
        except SlackRefusal as problem:
            if problem.code not in GONE:
                raise
    channels.keep(channel, central=digest)


def _forget(channel: SlackChannel) -> None:
    for ts in [*channel.shown.get("central_replies", []), channel.central_ts]:
        if not ts:
            continue
        try:
            call("chat.delete", channel=channel.central_id, ts=ts)
        except SlackRefusal as problem:
            if problem.code not in GONE:
                raise
    channel.central_ts = ""
    channels.keep(channel, central="", central_replies=[])


def _digest(parts: list[blocks.Block]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
