"""Slack's mrkdwn and rich text to Markdown and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def of_message(message: Mapping[str, Any]) -> str:
    return str(message.get("text") or "")


def to_markdown(text: str) -> str:
    return text


def from_markdown(text: str) -> str:
    return text


def plain(text: str) -> str:
    return text
