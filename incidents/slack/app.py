"""The Bolt app: what Slack sends is acknowledged here and, unless a form must open at once, left to Celery.

`process_before_response`: an answer goes out when the row is written; forms are opened by lazy listeners after it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from slack_bolt import App
from slack_bolt.adapter.django import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from incidents.slack import listening, opening, submitting, suggesting
from incidents.slack.client import TIMEOUT_SECONDS, is_on
from incidents.slack.names import ANY, COMMAND
from incidents.slack.people import workspace


class NotConfigured(Exception):
    """There is no token, so there is no app."""

    retryable = False


def app() -> App:
    if not is_on():
        raise NotConfigured
    return _app(settings.SLACK_BOT_TOKEN, settings.SLACK_API_URL)


@lru_cache(maxsize=2)
def _app(token: str, address: str) -> App:
    """`token` and `address` say for which environment it was built."""
    bolt = App(
        name="debrief",
        client=WebClient(base_url=address, timeout=TIMEOUT_SECONDS, retry_handlers=[]),
        authorize=_authorize,
        process_before_response=True,
        # The view has verified the signature over the bytes; Socket Mode has none.
        request_verification_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    bolt.command(COMMAND)(ack=listening.command, lazy=[opening.command])
    bolt.shortcut(ANY)(ack=listening.shortcut, lazy=[opening.shortcut])
    bolt.action(ANY)(ack=listening.action, lazy=[opening.action])
    bolt.view(ANY)(submitting.view)
    bolt.view_closed(ANY)(listening.closed)
    bolt.options(ANY)(suggesting.options)
    bolt.event(re.compile(".+"))(listening.event)
    # Lazy listeners run in threads, which give their database connections back when they are done.
    SlackRequestHandler(bolt)
    return bolt


def _authorize(team_id: str | None, enterprise_id: str | None, **_: Any) -> AuthorizeResult:
    """What auth.test said last. Slack being slow, or the database, must not keep a request waiting for more."""
    row = workspace()
    return AuthorizeResult(
        enterprise_id=enterprise_id,
        team_id=team_id,
        bot_user_id=row.bot_user_id if row else None,
        bot_id=row.bot_id if row else None,
        bot_token=settings.SLACK_BOT_TOKEN,
    )
