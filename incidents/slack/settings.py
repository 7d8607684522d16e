"""The choices an admin made for Slack."""

from __future__ import annotations

from incidents.slack.models import SlackSettings

PIN_EMOJI = ["pushpin", "round_pushpin"]
UPDATE_TEMPLATE = "What is known: \nWhat is being done: \nWhat comes next: "


def chosen() -> SlackSettings:
    """The row, or what is shipped where nobody has saved one."""
    row = SlackSettings.objects.filter(pk=1).first()
    return row or SlackSettings(pk=1, pin_emoji=PIN_EMOJI, update_template=UPDATE_TEMPLATE)
