"""What Celery makes of a kept request: who asks is learnt first, then one transaction does it and marks it done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput, StaleWrite
from incidents.chat import lanes
from incidents.chat.lanes import Never
from incidents.slack import answering, blocks, buttons, capturing, commands, submissions
from incidents.slack.finding import NoIncident
from incidents.slack.inbox import finish
from incidents.slack.models import SlackPerson, SlackRequest
from incidents.slack.people import NotLinked, actor, person

REFUSALS = (NotLinked, NoIncident, PermissionProblem, InvalidInput, ValidationError, StaleWrite, Never)
MENTION = re.compile(r"<@([UW][A-Z0-9]{2,29})[|>]")
MOST_NAMED = 10
# Fields of forms that hold words.
TYPED = ("title", "text", "summary", "description")


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
    # Before the transaction: what Slack says, also that it wants us to wait, is kept however the deed ends.
    for named in _named(body):
        person(named)
    finish(request, lambda: _done(deed, asked))


def _named(body: dict[str, Any]) -> list[str]:
    """Who a request is about beside who sent it: mentioned in words, or chosen in a menu or a form."""
    state = (body.get("view") or {}).get("state") or {}
    fields = [element for one in (state.get("values") or {}).values() for element in one.values()]
    chosen = [str(one.get("selected_user") or "") for one in [*fields, *(body.get("actions") or [])]]
    found = [*MENTION.findall(str(body.get("text") or "")), *filter(None, chosen)]
    return list(dict.fromkeys(found))[:MOST_NAMED]


@receiver(lanes.given_up, sender=SlackRequest, dispatch_uid="slack-given-up")
def tell_end(row: SlackRequest, problem: str, **_: Any) -> None:
    """Whoever waits for an answer hears that there will be none."""
    if row.kind.partition(":")[0] in DEEDS:
        text = f":warning: This did not work: {blocks.said(problem, 500)}"
        answering.answer(row.payload, text, now=timezone.now(), parts=_with_words(text, row.payload))


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
        text = f":warning: {blocks.escape(refusal(problem))}"
        asked.answer(text, parts=_with_words(text, asked.body))


def _with_words(text: str, body: dict[str, Any]) -> list[blocks.Block]:
    """A form is gone when it is refused here: what was typed into it is given back, to be copied."""
    found = blocks.values(body.get("view") or {})
    typed = [str(found[name]).strip() for name in TYPED if str(found.get(name) or "").strip()]
    if not typed:
        return []
    words = blocks.escape("\n\n".join(typed)).replace("```", "`​``")
    return [blocks.section(text), *blocks.sections(f"What you wrote:\n```\n{words}\n```")]


def refusal(problem: Exception) -> str:
    if isinstance(problem, InvalidInput):
        return " ".join(f"{name.replace('_', ' ')} {text}".strip() for name, text in problem.errors.items())
    if isinstance(problem, ValidationError):
        return " ".join(problem.messages)
    return str(problem)
