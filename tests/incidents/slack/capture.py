"""What tests of captured messages look at, and how they hold events back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents.models import TimelineEntry
from incidents.slack.models import SlackSettings
from incidents.slack.settings import PIN_EMOJI
from tests.stand_ins.slack import SlackStandIn


def said() -> list[TimelineEntry]:
    return list(TimelineEntry.objects.filter(source="chat", hidden=False).in_order())


def texts() -> list[str]:
    return [entry.text for entry in said()]


def choose(**fields: Any) -> None:
    SlackSettings.objects.update_or_create(pk=1, defaults={"pin_emoji": PIN_EMOJI, **fields})


def events(slack: SlackStandIn, act: Callable[[], object]) -> list[dict[str, Any]]:
    """What would be sent for `act`, held back."""
    slack.wait_sent()
    slack.outbox.held = True
    act()
    slack.outbox.held = False
    letters = sorted(slack.outbox._letters)
    slack.outbox._letters.clear()
    return [letter.envelope["event"] for letter in letters]


def later(slack: SlackStandIn, seconds: int) -> None:
    now = slack.workspace.clock
    slack.workspace.clock = lambda: now() + seconds
