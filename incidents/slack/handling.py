"""What Celery makes of a kept request: who asks is learnt first, then one transaction does it and marks it done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput, StaleWrite
from incidents.slack import answering, buttons, capturing, commands, submissions
from incidents.slack.finding import NoIncident
from incidents.slack.inbox import finish
from incidents.slack.models import SlackPerson, SlackRequest
from incidents.slack.people import NotLinked, actor, person

REFUSALS = (NotLinked, NoIncident, PermissionProblem, InvalidInput, ValidationError, StaleWrite)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with who sent it. `now` is when it came: times are those of the deed, however late it is worked on."""

    body: dict[str, Any]
    who: SlackPerson
    now: datetime
    request: SlackRequest

    @property
    def user(self) -> User:
        """Raises NotLinked."""
        return actor(self.who)

    @property
    def channel(self) -> str:
        return answering.channel_of(self.body)

    def answer(self, text: str, parts: list[dict[str, Any]] | None = None, incident: int | None = None) -> None:
        answering.answer(self.body, text, now=timezone.now(), parts=parts or [], incident=incident)


def handle(request: SlackRequest) -> None:
    kind, _, what = request.kind.partition(":")
    if kind == "event":
        # Events are looked at by what they are about; most concern nobody.
        capturing.handle(request, what)
        return
    deed = DEEDS[kind]
    body = request.payload
    slack_id = str(body.get("user_id") or (body.get("user") or {}).get("id") or "")
    asked = Asked(body=body, who=person(slack_id), now=request.created_at, request=request)
    finish(request, lambda: _done(deed, asked))


DEEDS: dict[str, Callable[[Asked], None]] = {
    "command": commands.run,
    "action": buttons.run,
    "view": submissions.run,
}


def _done(deed: Callable[[Asked], None], asked: Asked) -> None:
    """A refusal is an answer: the person reads why, nothing was half done."""
    try:
        with transaction.atomic():
            deed(asked)
    except REFUSALS as problem:
        asked.answer(f":warning: {refusal(problem)}")


def refusal(problem: Exception) -> str:
    if isinstance(problem, InvalidInput):
        return " ".join(f"{name.replace('_', ' ')} {text}".strip() for name, text in problem.errors.items())
    if isinstance(problem, ValidationError):
        return " ".join(problem.messages)
    return str(problem)
