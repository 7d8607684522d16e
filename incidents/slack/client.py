"""Calling Slack's Web API with slack_sdk: one way in, typed ways to fail, pauses that every process keeps."""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta
from functools import lru_cache
from http.client import HTTPException
from socket import gaierror
from typing import Any

from django.conf import settings
from django.utils import timezone
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from incidents.chat.lanes import Later, Never
from incidents.slack.models import Pause

TIMEOUT_SECONDS = 10
LONGEST_PAUSE = 3_600.0
# https://docs.slack.dev/reference/methods lists them under each method's errors.
PASSING = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})
PASSING |= {"request_timeout", "accesslimited", "team_added_to_org", "file_not_ready"}
TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105 - the variable's name
REMEDIES = {
    "invalid_auth": f"Slack does not know the bot token. Put the app's token into {TOKEN}.",
    "not_authed": f"Slack got no bot token. Set {TOKEN}.",
    "token_revoked": f"The bot token was revoked. Install the app again and set {TOKEN}.",
    "token_expired": f"The bot token has expired. Install the app again and set {TOKEN}.",
    "account_inactive": f"The app was removed from the workspace. Install it again and set {TOKEN}.",
    "channel_not_found": "Slack does not show this channel to the app. Invite it with /invite, or check the name.",
    "not_in_channel": "The app is not in this channel. Invite it with /invite.",
    "is_archived": "The channel is archived. Unarchive it in Slack.",
    "restricted_action": "The workspace does not let the app do this. A Slack admin can allow it.",
    "user_not_found": "Slack does not know this person.",
    "cant_invite_self": "The app cannot invite itself.",
    "msg_too_long": "The message is longer than Slack takes.",
    "expired_trigger_id": "Slack waited more than three seconds for the form. Try again.",
}


class SlackLater(Later):
    """Slack could not be reached, asked to wait, or failed; `code` is its own word for it."""

    def __init__(self, method: str, code: str, reason: str, after: float | None = None) -> None:
        super().__init__(reason, after)
        self.method, self.code = method, code

    @property
    def is_uncertain(self) -> bool:
        """It may have been done all the same: the answer got lost."""
        return self.code == "unreachable"


class SlackRefusal(Never):
    """Slack answered that it will not; `code` is its own word for it, `detail` what it said beside."""

    def __init__(self, method: str, code: str, detail: dict[str, Any] | None = None) -> None:
        self.method, self.code, self.detail = method, code, detail or {}
        super().__init__(self._said())

    def _said(self) -> str:
        if self.code == "missing_scope":
            return f"The app lacks the scope {self.detail.get('needed', 'it needs')}. Add it and install the app again."
        hints = (self.detail.get("response_metadata") or {}).get("messages") or []
        more = f" ({'; '.join(map(str, hints[:3]))})" if hints else ""
        return REMEDIES.get(self.code, f"Slack refused {self.method}: {self.code}") + more


def is_on() -> bool:
    return bool(settings.SLACK_BOT_TOKEN)


def token_digest() -> str:
    return hashlib.sha256(settings.SLACK_BOT_TOKEN.encode()).hexdigest()


@lru_cache(maxsize=4)
def _client(token: str, address: str) -> WebClient:
    return WebClient(token=token, base_url=address, timeout=TIMEOUT_SECONDS, retry_handlers=[])


def web_client() -> WebClient:
    """Without retries of its own: those are the lanes' matter."""
    return _client(settings.SLACK_BOT_TOKEN, f"{settings.SLACK_API_URL.rstrip('/')}/")


def call(method: str, **arguments: Any) -> dict[str, Any]:
    """The answer of `method`, such as `chat.postMessage`; raises SlackLater and SlackRefusal."""
    _check_pause(method)
    try:
        answer = getattr(web_client(), method.replace(".", "_"))(**arguments)
    except SlackApiError as problem:
        raise _failure(method, problem) from None
    except (SlackClientError, OSError, HTTPException, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        code = "not_connected" if isinstance(reason, ConnectionRefusedError | gaierror) else "unreachable"
        raise SlackLater(method, code, f"Slack could not be reached ({type(reason).__name__}).") from None
    return dict(answer.data) | {"headers": dict(answer.headers)}


def _check_pause(method: str) -> None:
    until = Pause.objects.filter(method=method).values_list("until", flat=True).first()
    left = (until - timezone.now()).total_seconds() if until else 0.0
    if left > 0:
        raise SlackLater(method, "ratelimited", f"Slack asked to wait with {method}.", left)


def _failure(method: str, problem: SlackApiError) -> SlackLater | SlackRefusal:
    answer = problem.response
    status, data = int(getattr(answer, "status_code", 0) or 0), getattr(answer, "data", None)
    detail: dict[str, Any] = data if isinstance(data, dict) else {}
    code = str(detail.get("error") or f"http_{status}")
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        after = _retry_after(answer)
        until = timezone.now() + timedelta(seconds=after)
        Pause.objects.update_or_create(method=method, defaults={"until": until})
        return SlackLater(method, "ratelimited", f"Slack asked to wait {after:.0f} s with {method}.", after)
    if status >= 500 or code in PASSING or not detail:
        return SlackLater(method, code, f"Slack failed with {method}: {code}.")
    return SlackRefusal(method, code, detail)


def _retry_after(answer: Any) -> float:
    """Seconds; a header that is no number of them is a moment."""
    headers = {str(name).lower(): value for name, value in dict(answer.headers or {}).items()}
    value = headers.get("retry-after", "1")
    try:
        seconds = float(value[0] if isinstance(value, list) else value)
    except (TypeError, ValueError):
        return 1.0
    return min(LONGEST_PAUSE, max(0.0, seconds)) if math.isfinite(seconds) else 1.0
