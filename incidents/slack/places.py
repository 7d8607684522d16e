"""Whose servers an address leads to: tokens and answers go to Slack alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def is_slacks(address: str, host: str) -> bool:
    """https at `host`, or wherever SLACK_API_URL points."""
    asked, api = urlsplit(address), urlsplit(settings.SLACK_API_URL)
    if asked.scheme == "https" and asked.hostname == host:
        return True
    # The API's own origin, where that is not the public one.
    return (asked.scheme, asked.netloc) == (api.scheme, api.netloc) and api.hostname != "slack.com"
