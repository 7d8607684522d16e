"""Incoming webhooks as Microsoft Teams (Workflows) and Mattermost document them, over real HTTP.

Teams takes `{"type": "message", "attachments": [{contentType, contentUrl, content: AdaptiveCard}]}` of at most 28 KB
and answers 202 without a body. Mattermost takes `text` and `attachments` and answers `ok`; what it cannot take gets
a JSON object with `id`, `message` and `status_code`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

from tests.stand_ins.server import Asked, Reply, StandIn

CARD = "application/vnd.microsoft.card.adaptive"
ELEMENTS = {"RichTextBlock", "TextBlock", "FactSet", "Container", "ColumnSet"}
COLORS = {"default", "dark", "light", "accent", "good", "warning", "attention"}
FIELDS = {"short", "title", "value"}
ATTACHMENT = {"fallback", "color", "pretext", "text", "author_name", "title", "title_link", "fields", "footer"}


class Wrong(Exception):
    pass


def need(holds: bool, reason: str) -> None:
    if not holds:
        raise Wrong(reason)


class WebhookStandIn(StandIn, ABC):
    """`.messages` are those that were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Reply:
        if asked.method != "POST" or not asked.headers.get("content-type", "").startswith("application/json"):
            return Reply(415)
        try:
            self.check(asked.body)
        except (Wrong, KeyError, TypeError, ValueError) as problem:
            return self.wrong(str(problem))
        self.messages.append(json.loads(asked.body))
        return self.taken()

    @abstractmethod
    def check(self, body: bytes) -> None:
        """Raises Wrong, naming what the vendor would not take."""

    @abstractmethod
    def taken(self) -> Reply:
        """What the vendor answers when all is well."""

    @abstractmethod
    def wrong(self, reason: str) -> Reply:
        """What it answers when not."""


class TeamsStandIn(WebhookStandIn):
    def check(self, body: bytes) -> None:
        need(len(body) <= 28 * 1024, "the message is larger than 28 KB")
        message = json.loads(body)
        need(message["type"] == "message", "type must be message")
        for attachment in message["attachments"]:
            need(attachment["contentType"] == CARD, "contentType")
            self.check_card(attachment["content"])

    def check_card(self, card: dict[str, Any]) -> None:
        need(card["type"] == "AdaptiveCard" and card["version"] in {"1.2", "1.3", "1.4", "1.5"}, "no card")
        for element in card["body"]:
            need(element["type"] in ELEMENTS, f"unknown element {element['type']}")
            for run in element.get("inlines", []):
                need(run["type"] == "TextRun" and isinstance(run["text"], str) and run["text"] != "", "empty run")
                need(run.get("color", "default") in COLORS, "unknown color")
        for action in card["actions"]:
            need(action["type"] == "Action.OpenUrl" and action["url"].startswith("http"), "unknown action")

    def taken(self) -> Reply:
        return Reply(202, b"")

    def wrong(self, reason: str) -> Reply:
        return Reply.of_json({"error": {"code": "InvalidRequestContent", "message": reason}}, 400)


class MattermostStandIn(WebhookStandIn):
    def check(self, body: bytes) -> None:
        message = json.loads(body)
        need(set(message) <= {"text", "attachments", "channel", "username", "props"}, "unknown parameter")
        need(bool(message.get("text") or message.get("attachments")), "no text and no attachments")
        need(len(message.get("text", "")) <= 16_383, "the text is longer than 16,383 characters")
        for attachment in message.get("attachments", []):
            need(set(attachment) <= ATTACHMENT, "unknown key of an attachment")
            need(isinstance(attachment["fallback"], str) and attachment["fallback"] != "", "fallback is required")
            need(all(set(field) <= FIELDS for field in attachment["fields"]), "unknown key of a field")

    def taken(self) -> Reply:
        return Reply(200, b"ok", "text/plain")

    def wrong(self, reason: str) -> Reply:
        told = {"id": "web.incoming_webhook.parse.app_error", "message": reason, "status_code": 400}
        return Reply.of_json(told, 400)
