"""What an admin does about Slack: choices, links between people, tests, and what failed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_administer
from accounts.problems import InvalidInput
from incidents.chat import outbox
from incidents.models import Delivery
from incidents.models.delivery import QueuedState
from incidents.models.update import UPDATE_LIMIT
from incidents.slack import inbox, names, naming
from incidents.slack.models import SlackPerson, SlackRequest, SlackSettings

CHANNEL = re.compile(r"[^\s#@,<>\"'`|A-Z]{1,80}|[CG][A-Z0-9]{7,20}")
EMOJI = re.compile(r"[a-z0-9_+'\-]{1,100}")
INVITED = re.compile(r"[^\s@]{1,64}@[^\s@]{1,200}|@?[\w.\-]{1,79}")
MOST_INVITED, MOST_EMOJI, LONGEST_KEPT = 20, 20, 365


@dataclass(frozen=True, slots=True)
class Choices:
    """As the page's form takes them; `archive_after_days` 0 means never."""

    central_channel: str
    channel_template: str
    invite: Sequence[str]
    pin_emoji: Sequence[str]
    on_deleted: str
    update_template: str
    digest_hour: int
    archive_after_days: int


FIELDS = tuple(one.name for one in fields(Choices))


@transaction.atomic
def save_settings(*, choices: Choices, by: User, now: datetime, via: str = "page") -> SlackSettings:
    """The one row. Raises InvalidInput."""
    require_administer(by)
    _check(choices)
    before = SlackSettings.objects.select_for_update().filter(pk=1).first()
    row = SlackSettings(pk=1, **{name: getattr(choices, name) for name in FIELDS})
    row.invite, row.pin_emoji = list(choices.invite), list(choices.pin_emoji)
    row.full_clean(validate_unique=False)
    row.save()
    changed = [name for name in FIELDS if before is None or getattr(before, name) != getattr(row, name)]
    if changed:
        audit.record(at=now, actor=by, verb="slack.settings", target="Slack", via=via, detail={"changed": changed})
    return row


@transaction.atomic
def link_person(*, person: SlackPerson, user: User | None, by: User, now: datetime, via: str = "page") -> SlackPerson:
    """Who somebody in Slack is here; None takes the link away."""
    require_administer(by)
    row = SlackPerson.objects.select_for_update().get(pk=person.pk)
    if user is not None and (not user.is_active or user.is_stand_in):
        raise InvalidInput("user", "expected somebody who may sign in")
    if row.is_bot and user is not None:
        raise InvalidInput("user", "a bot is nobody here")
    row.user = user
    row.save(update_fields=["user"])
    detail = {"slack_id": row.slack_id, "user": user.username if user else ""}
    audit.record(at=now, actor=by, verb="slack.linked", target=row.name, via=via, detail=detail)
    return row


@transaction.atomic
def send_test(*, channel: str, by: User, now: datetime) -> Delivery:
    """A test message; its row tells how it went."""
    require_administer(by)
    plain = channel.strip().lstrip("#")
    if not CHANNEL.fullmatch(plain):
        raise InvalidInput("channel", "expected the name of a channel, such as incidents")
    where = plain if re.fullmatch(r"[CG][A-Z0-9]{7,20}", plain) else f"#{plain}"
    key = f"test:{uuid.uuid4().hex}"
    content = {"channel": where}
    row = outbox.enqueue(service=names.SERVICE, kind="test", lane="test", key=key, content=content, now=now)
    if row is None:
        raise InvalidInput("", "a test is under way already")
    return row


@transaction.atomic
def retry_request(*, request: SlackRequest, by: User, now: datetime) -> None:
    """Something that Slack sent and that could not be done begins anew."""
    require_administer(by)
    failed = SlackRequest.objects.filter(pk=request.pk, state=QueuedState.FAILED)
    fresh = {
        "state": QueuedState.WAITING,
        "attempts": 0,
        "surprises": 0,
        "due_at": now,
        "created_at": now,
        "finished_at": None,
    }
    if failed.update(**fresh):
        transaction.on_commit(partial(inbox.ask, request.lane))


def _check(choices: Choices) -> None:
    if choices.central_channel and not CHANNEL.fullmatch(choices.central_channel):
        raise InvalidInput("central_channel", "expected the name of a channel in small letters, such as incidents")
    if wrong := naming.check_template(choices.channel_template):
        raise InvalidInput("channel_template", wrong)
    _check_words("invite", choices.invite, INVITED, MOST_INVITED, "handles such as @oncall, or e-mail addresses")
    _check_words("pin_emoji", choices.pin_emoji, EMOJI, MOST_EMOJI, "names such as pushpin")
    if choices.on_deleted not in SlackSettings.Deleted.values:
        raise InvalidInput("on_deleted", f"expected one of {', '.join(SlackSettings.Deleted.values)}")
    if len(choices.update_template) > UPDATE_LIMIT:
        size = len(choices.update_template)
        raise InvalidInput("update_template", f"has {size:,} characters; expected at most {UPDATE_LIMIT:,}")
    if not 0 <= choices.digest_hour <= 23:
        raise InvalidInput("digest_hour", f"is {choices.digest_hour}; expected 0 to 23")
    if not 0 <= choices.archive_after_days <= LONGEST_KEPT:
        raise InvalidInput("archive_after_days", f"is {choices.archive_after_days}; expected 0 to {LONGEST_KEPT}")


def _check_words(field: str, words: Sequence[str], form: re.Pattern[str], most: int, expected: str) -> None:
    if len(words) > most:
        raise InvalidInput(field, f"are {len(words)}; expected at most {most}")
    for word in words:
        if not form.fullmatch(word):
            raise InvalidInput(field, f"has “{word[:40]}”; expected {expected}")
