"""The app as Slack makes it from a manifest, generated from the settings.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from incidents.slack import names, scopes

NAME = "Debrief"
DESCRIPTION = "Declare incidents, keep their timeline, and learn from them."
BOT_EVENTS = (
    "app_home_opened",
    "app_mention",
    "channel_archive",
    "channel_rename",
    "channel_unarchive",
    "group_archive",
    "group_rename",
    "group_unarchive",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
)
USAGE = "new | list | status | severity | update | role | timeline | followup | resolved | help"
SHORTCUTS = (
    (names.DECLARE, "global", "Declare an incident", "Opens the form"),
    (names.DECLARE_FROM_MESSAGE, "message", "Declare incident from this message", "The message becomes its summary"),
    (names.ADD_TO_TIMELINE, "message", "Add to timeline", "Puts the message on the incident's timeline"),
    (names.CREATE_FOLLOWUP, "message", "Create follow-up", "Makes a follow-up of the message"),
)


def manifest(*, socket: bool = False) -> dict[str, Any]:
    """With `socket` Slack is connected to, so it is told no address."""

    def reached(path: str, *keys: str) -> dict[str, str]:
        return {} if socket else dict.fromkeys(keys, f"{settings.BASE_URL}/slack/{path}")

    return {
        "display_information": {"name": NAME, "description": DESCRIPTION, "background_color": "#1b2a4a"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": NAME, "always_online": True},
            "slash_commands": [
                {
                    "command": names.COMMAND,
                    **reached("commands", "url"),
                    "description": "Declare and drive incidents",
                    "usage_hint": USAGE,
                    # People and channels come as ids, which is how /incident role finds them.
                    "should_escape": True,
                }
            ],
            "shortcuts": [
                {"name": name, "type": kind, "callback_id": key, "description": description}
                for key, kind, name, description in SHORTCUTS
            ],
        },
        "oauth_config": {"scopes": {"bot": list(scopes.NEEDED)}},
        "settings": {
            "event_subscriptions": {**reached("events", "request_url"), "bot_events": list(BOT_EVENTS)},
            "interactivity": {
                "is_enabled": True,
                **reached("interactions", "request_url", "message_menu_options_url"),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def written(*, socket: bool = False) -> str:
    return json.dumps(manifest(socket=socket), indent=2)


def reachable() -> bool:
    """Whether Slack may reach BASE_URL at all: it calls https alone, and no loopback."""
    parts = urlsplit(settings.BASE_URL)
    return parts.scheme == "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}
