"""Who and what a message names, learnt before it is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from incidents.slack.client import SlackRefusal, call
from incidents.slack.models import SlackChannel, SlackPerson
from incidents.slack.people import UNLINKED, group_handle, person

NAMED = re.compile(
    r"<(?:@|#|!subteam\^)([UWSCG][A-Z0-9]{1,29})"
    r"|\"(?:user_id|channel_id|usergroup_id)\": \"([UWSCG][A-Z0-9]{1,29})\""
)
MOST = 60


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
    author = person(str(message["user"])) if message.get("user") else None
    said = json.dumps([message.get("text"), message.get("blocks"), message.get("attachments")])
    found = dict.fromkeys(one or other for one, other in NAMED.findall(said))
    return Cast(_title(message, author), author, {one: _called(one) for one in list(found)[:MOST]})


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
        return f"@{group_handle(slack_id)}"
    known = SlackChannel.objects.filter(channel_id=slack_id).values_list("name", flat=True).first()
    return f"#{known or _channel_name(slack_id)}"


def _channel_name(slack_id: str) -> str:
    """Of a channel that the app may not see, the id is all there is."""
    try:
        return str((call("conversations.info", channel=slack_id).get("channel") or {}).get("name") or slack_id)
    except SlackRefusal:
        return slack_id
