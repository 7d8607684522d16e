"""What the outbox asks of Slack, by kind: each raises Later or Never, and done twice does no harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from incidents.chat.lanes import Later, Never
from incidents.chat.registry import register
from incidents.lacks import is_lacking
from incidents.models import Delivery, Notice
from incidents.notices import may_see
from incidents.slack import blocks, channels, client, digest, files, home, inviting, names, posting, showing
from incidents.slack.client import SlackRefusal, call
from incidents.slack.people import slack_id_of
from incidents.slack.places import is_slacks

HOOKS = "hooks.slack.com"
ANSWERED_WITHIN = timedelta(minutes=30)
# Response addresses have a host of their own, which may be away while the Web API is not.
RESPONSE_TRIES = 3


class Slack:
    name = names.SERVICE

    def is_on(self) -> bool:
        return client.is_on()

    def deliver(self, delivery: Delivery) -> None:
        KINDS[delivery.kind](delivery)


def _message(delivery: Delivery) -> None:
    """Into the incident's channel; with `central`, also under the announcement."""
    incident, content = channels.fresh(delivery), delivery.content
    channel = channels.ensure(incident)
    if not showing.is_heard(incident, channel):
        return
    if showing.is_exposed(incident, channel):
        raise Never(showing.exposed(channel))
    text, parts = content["text"], content.get("blocks") or []
    posting.post(delivery, channel.channel_id, "message", text=text, parts=parts)
    if content.get("central") and channel.central_ts and not incident.is_restricted:
        below = channel.central_ts
        posted = posting.post(delivery, channel.central_id, "central", text=text, parts=parts, thread=below)
        replies = [*channel.shown.get("central_replies", []), posted.ts]
        channels.keep(channel, central_replies=replies)


def _reminder(delivery: Delivery) -> None:
    """Of what is still so now that its turn has come; Slack may have been away meanwhile."""
    if is_lacking(delivery.incident_id or 0, delivery.content["lacks"], timezone.now()):
        _message(delivery)


def _invite(delivery: Delivery) -> None:
    inviting.invite(channels.ensure(channels.fresh(delivery)), delivery.content["people"])


def _declared(delivery: Delivery) -> None:
    """To who declared it, where they did; a restricted one is told to them alone."""
    incident, content = channels.fresh(delivery), delivery.content
    channel = channels.ensure(incident)
    text = f":rotating_light: {incident.key} is declared. It goes on in <#{channel.channel_id}>."
    try:
        if content["channel"]:
            call("chat.postEphemeral", channel=content["channel"], user=content["user"], text=text)
            return
    except SlackRefusal as problem:
        if problem.code in {"missing_scope", "invalid_auth", "token_revoked"}:
            raise
    _direct_to(delivery, content["user"], text, [])


def _answer(delivery: Delivery) -> None:
    """By the response address while Slack takes it (5 times in 30 minutes), else in the channel, else directly."""
    content = delivery.content
    if timezone.now() - delivery.created_at > ANSWERED_WITHIN:
        raise Never("Slack could not be reached for half an hour: whoever asked waits no longer.")
    message = {"text": content["text"], "blocks": content["blocks"]} if content["blocks"] else {"text": content["text"]}
    is_tried = delivery.attempts > RESPONSE_TRIES
    if content["response_url"] and not is_tried and _responded(content["response_url"], message):
        return
    if content["channel"] and content["user"]:
        try:
            place = {"thread_ts": content["thread"]} if content.get("thread") else {}
            call("chat.postEphemeral", channel=content["channel"], user=content["user"], **place, **message)
            return
        except SlackRefusal as problem:
            if problem.code in {"missing_scope", "invalid_auth", "token_revoked"}:
                raise
    if not content["user"]:
        raise Never("Slack did not say whom to answer.")
    _direct_to(delivery, content["user"], content["text"], content["blocks"])


def _responded(address: str, message: dict[str, Any]) -> bool:
    """False where the address is spent. Nothing is ever sent to a host that is not Slack's."""
    if not is_slacks(address, HOOKS):
        return False
    body = {**message, "response_type": "ephemeral", "replace_original": False}
    try:
        answer = httpx.post(address, json=body, timeout=client.TIMEOUT_SECONDS, follow_redirects=False)
    except httpx.HTTPError as problem:
        raise Later(f"Slack could not be reached ({type(problem).__name__}).") from None
    if answer.status_code == 429 or answer.status_code >= 500:
        after = answer.headers.get("Retry-After", "")
        raise Later("Slack asked to wait with an answer.", float(after) if after.isdigit() else None)
    return answer.is_success


def _direct(delivery: Delivery) -> None:
    """A notice, to the one person whom it concerns and who may still see what it is about."""
    content = delivery.content
    user = User.objects.filter(pk=content["person"], is_active=True).first()
    slack_id = slack_id_of(user) if user else ""
    if not slack_id:
        return
    if "notice" in content:
        notice = Notice.objects.filter(pk=content["notice"]).select_related("incident").first()
        if user is None or notice is None or notice.read_at is not None or not may_see(user, notice.incident):
            return
        text = blocks.link(f"{settings.BASE_URL}{notice.address}", notice.text)
        _direct_to(delivery, slack_id, text, [])
        return
    _direct_to(delivery, slack_id, content["text"], content.get("blocks") or [])


def _direct_to(delivery: Delivery, slack_id: str, text: str, parts: list[blocks.Block]) -> None:
    posting.post_direct(delivery, slack_id, text=text, parts=parts)


def _central(delivery: Delivery) -> None:
    """Into the central channel, where one is chosen."""
    from incidents.slack.settings import chosen

    central = chosen().central_channel.lstrip("#")
    if central:
        content = delivery.content
        posting.post(delivery, f"#{central}", "central", text=content["text"], parts=content.get("blocks") or [])


def _reaction(delivery: Delivery) -> None:
    content = delivery.content
    try:
        call("reactions.add", channel=content["channel"], timestamp=content["ts"], name=content["name"])
    except SlackRefusal as problem:
        if problem.code not in {"already_reacted", "message_not_found", "no_reaction", "too_many_reactions"}:
            raise


def _test(delivery: Delivery) -> None:
    text = f"A test message of Debrief, {timezone.now():%Y-%m-%d %H:%M:%S} UTC."
    call("chat.postMessage", channel=delivery.content["channel"], text=text)


KINDS: dict[str, Callable[[Delivery], None]] = {
    "incident": showing.refresh,
    "archive": channels.archive,
    "message": _message,
    "reminder": _reminder,
    "invite": _invite,
    "declared": _declared,
    "answer": _answer,
    "direct": _direct,
    "central": _central,
    "reaction": _reaction,
    "home": home.publish,
    "digest": digest.send,
    "files": files.fetch,
    "test": _test,
}
register(Slack())
