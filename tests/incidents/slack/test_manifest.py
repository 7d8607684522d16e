"""The manifest: Slack's documented shape, generated from the settings, and every scope with its reason."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from incidents.slack import manifest, names, scopes

PRODUCT_SCOPES = [
    "commands",
    "chat:write",
    "chat:write.public",
    "channels:read",
    "channels:join",
    "channels:manage",
    "channels:history",
    "groups:read",
    "groups:write",
    "groups:history",
    "im:write",
    "files:read",
    "pins:read",
    "pins:write",
    "bookmarks:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "app_mentions:read",
]
PRODUCT_EVENTS = [
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.groups",
    "reaction_added",
    "reaction_removed",
    "pin_added",
    "pin_removed",
    "channel_rename",
    "channel_archive",
    "member_joined_channel",
]


@pytest.fixture(autouse=True)
def outside(settings: Any) -> None:
    settings.BASE_URL = "https://debrief.example.org"


def printed(*arguments: str) -> tuple[dict[str, Any], str]:
    out, err = StringIO(), StringIO()
    call_command("slack_manifest", *arguments, stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


def test_scopes_and_events_are_those_of_the_product() -> None:
    told, _ = printed()
    assert sorted(told["oauth_config"]["scopes"]["bot"]) == sorted(PRODUCT_SCOPES)
    # Beside those, what tells of channels that come back, and of private ones.
    more = ["channel_unarchive", "group_archive", "group_rename", "group_unarchive"]
    assert sorted(told["settings"]["event_subscriptions"]["bot_events"]) == sorted([*PRODUCT_EVENTS, *more])


def test_over_http_every_address_is_below_the_base_url() -> None:
    told, warned = printed()
    base = "https://debrief.example.org/slack"
    assert told["features"]["slash_commands"][0]["url"] == f"{base}/commands"
    assert told["settings"]["event_subscriptions"]["request_url"] == f"{base}/events"
    assert told["settings"]["interactivity"] == {
        "is_enabled": True,
        "request_url": f"{base}/interactions",
        "message_menu_options_url": f"{base}/interactions",
    }
    assert told["settings"]["socket_mode_enabled"] is False
    assert warned == ""


def test_in_socket_mode_there_is_no_address() -> None:
    told, warned = printed("--socket")
    assert told["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(told)
    assert warned == ""


@pytest.mark.parametrize("base", ["http://127.0.0.1:8000", "https://localhost", "http://debrief.example.org"])
def test_an_address_that_slack_cannot_reach_is_said(base: str, settings: Any) -> None:
    settings.BASE_URL = base
    told, warned = printed()
    assert f"Slack cannot reach {base}" in warned
    assert told["features"]["slash_commands"][0]["url"] == f"{base}/slack/commands"
    assert printed("--socket")[1] == ""


def test_the_shortcuts_are_those_that_are_heard() -> None:
    told = {one["callback_id"]: (one["type"], one["name"]) for one in manifest.manifest()["features"]["shortcuts"]}
    assert told == {
        names.DECLARE: ("global", "Declare an incident"),
        names.DECLARE_FROM_MESSAGE: ("message", "Declare incident from this message"),
        names.ADD_TO_TIMELINE: ("message", "Add to timeline"),
        names.CREATE_FOLLOWUP: ("message", "Create follow-up"),
    }


def test_texts_are_within_slacks_limits() -> None:
    told = manifest.manifest()
    assert len(told["display_information"]["name"]) <= 35
    assert len(told["display_information"]["description"]) <= 140
    assert all(len(one["name"]) <= 75 and len(one["description"]) <= 150 for one in told["features"]["shortcuts"])
    assert all(len(one["description"]) <= 2_000 for one in told["features"]["slash_commands"])
    assert all(len(one["usage_hint"]) <= 1_000 for one in told["features"]["slash_commands"])
    assert told["settings"]["org_deploy_enabled"] is False
    assert told["settings"]["token_rotation_enabled"] is False
    assert told["features"]["app_home"]["home_tab_enabled"] is True


def test_what_was_not_granted_is_told_with_its_reason() -> None:
    granted = [scope for scope in scopes.NEEDED if scope not in {"files:read", "commands"}]
    assert scopes.missing([*granted, "admin"]) == [
        ("commands", scopes.NEEDED["commands"]),
        ("files:read", "Pictures and files of messages are not kept."),
    ]
    assert scopes.missing(scopes.NEEDED) == []
