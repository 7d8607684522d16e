"""Microsoft Teams: an Adaptive Card for a channel's Workflows webhook ("When a Teams webhook request is received").

Everything that people typed stands in TextRuns, which know no Markdown; a TextBlock or a fact would read it as such.
Bold, code and the like of an update are looks of its runs.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from incidents.chat import card_text
from incidents.chat.lanes import Later, Never
from incidents.chat.news import News
from incidents.chat.webhooks import Stumbled, Webhook, register

# https://learn.microsoft.com/microsoftteams/limits-specifications-teams: 28 KB a message.
MESSAGE_BYTES = 27_000
FAILED = re.compile(r"HTTP error (\d{3})")
TONES = {0: "good", 1: "attention", 2: "attention", 3: "warning"}
MORE = "…"


class Teams(Webhook):
    name = "teams"
    label = "Teams"
    setting = "TEAMS_WEBHOOK_URL"

    def message(self, news: News) -> dict[str, Any]:
        """Within the limit: a text that is too long loses its end."""
        message = _message(news)
        while news.text and len(json.dumps(message, ensure_ascii=False).encode()) > MESSAGE_BYTES:
            kept = news.text[: len(news.text) * 9 // 10].rstrip(f" {MORE}")
            news = replace(news, text=f"{kept} {MORE}" if kept else "")
            message = _message(news)
        return message

    def refusal(self, body: str) -> Exception | None:
        """Older connectors tell of a failure of Teams behind them with 200."""
        if "Webhook message delivery failed" not in body and not FAILED.search(body):
            return None
        found = FAILED.search(body)
        code = int(found[1]) if found else 500
        if code == 429:
            return Later("Teams asked to wait.")
        if 400 <= code < 500 and code != 408:
            return Never(f"Teams refused the message with {code}: {body[:300]}")
        return Stumbled("Teams took the message and could not show it.")


def _message(news: News) -> dict[str, Any]:
    facts = [_block(_run(f"{name}: ", weight="bolder"), _run(value), spacing="none") for name, value in news.facts]
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "fallbackText": f"{news.what}: {news.headline}",
        "body": [
            _block(_run(news.what, weight="bolder", color=TONES.get(news.rank, "default"))),
            _block(_run(news.headline, weight="bolder", size="medium"), spacing="none"),
            *[_block(*line, spacing="small") for line in card_text.lines_of(news.text)],
            *facts,
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open in Debrief", "url": news.address}],
        "msteams": {"width": "Full"},
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _block(*runs: dict[str, Any], spacing: str = "default") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}


def _run(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}


register(Teams())
