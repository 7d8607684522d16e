"""Who and what a message names, learnt before it is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from accounts.models import User
from incidents.slack.client import SlackRefusal, call, token_digest
from incidents.slack.models import SlackChannel, SlackPerson
from incidents.slack.people import UNLINKED, group_handle, person

NAMED = re.compile(
    r"<(?:@|#|!subteam\^)([UWSCG][A-Z0-9]{1,29})"
    r"|\"(?:user_id|channel_id|usergroup_id)\": \"([UWSCG][A-Z0-9]{1,29})\""
)
MOST = 60
REMEMBERED_SECONDS = 3_600


@dataclass(slots=True)
class Cast:
    """`title` names the author as the line shows them; `names` are `@ada`, `@oncall`, `#channel` by id."""

    title: str
    author: SlackPerson | None = None
    names: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> User | None:
        return self.author.user if self.author else None

    def name(self, slack_id: str) -> str:
        return self.names.get(slack_id, "")


def learn(message: Mapping[str, Any]) -> Cast:
    """Asks Slack for whom nobody knows yet; raises Later."""
    return learn_all([message])[0]


def learn_all(messages: Sequence[Mapping[str, Any]]) -> list[Cast]:
    """Each person and name is looked up once for all of them."""
    people: dict[str, SlackPerson] = {}
    names: dict[str, str] = {}
    casts = []
    for message in messages:
        author = _author(message, people)
        found = _named(message)
        for one in found:
            if one not in names:
                names[one] = _called(one)
        casts.append(Cast(_title(message, author), author, {one: names[one] for one in found}))
    return casts


def _author(message: Mapping[str, Any], people: dict[str, SlackPerson]) -> SlackPerson | None:
    slack_id = str(message.get("user") or "")
    if slack_id and slack_id not in people:
        people[slack_id] = person(slack_id)
    return people.get(slack_id)


def _named(message: Mapping[str, Any]) -> list[str]:
    said = json.dumps([message.get("text"), message.get("blocks"), message.get("attachments")])
    return list(dict.fromkeys(one or other for one, other in NAMED.findall(said)))[:MOST]


def _title(message: Mapping[str, Any], author: SlackPerson | None) -> str:
    """A name of somebody here, of a stranger with a word about it, of an app by the name it gave itself."""
    if author is None or author.is_bot or message.get("bot_id"):
        profile = message.get("bot_profile") or {}
        return str(message.get("username") or profile.get("name") or (author.name if author else "") or "An app")
    if author.user is not None:
        return author.user.display_name
    return f"{author.name} ({UNLINKED})"


def _called(slack_id: str) -> str:
    if slack_id[0] in "UW":
        found = person(slack_id)
        return f"@{found.user.username if found.user else found.name}"
    if slack_id[0] == "S":
        return f"@{_kept('group', slack_id, group_handle)}"
    known = SlackChannel.objects.filter(channel_id=slack_id).values_list("name", flat=True).first()
    return f"#{known or _kept('channel', slack_id, _channel_name)}"


def _kept(kind: str, slack_id: str, ask: Callable[[str], str]) -> str:
    """For a while, also that Slack does not tell."""
    key = f"slack-{kind}:{token_digest()[:16]}:{slack_id}"
    name: str | None = cache.get(key)
    if name is None:
        name = ask(slack_id)
        cache.set(key, name, REMEMBERED_SECONDS)
    return name


def _channel_name(slack_id: str) -> str:
    """Of a channel that the app may not see, the id is all there is."""
    try:
        return str((call("conversations.info", channel=slack_id).get("channel") or {}).get("name") or slack_id)
    except SlackRefusal:
        return slack_id
