"""Mattermost: a message with one attachment for an incoming webhook. What people typed as one line is escaped.

An update's text is Markdown here and there.
"""

from __future__ import annotations

import re
from typing import Any

from incidents.chat.news import News
from incidents.chat.webhooks import Webhook, register

# https://developers.mattermost.com/integrate/webhooks/incoming: a post has at most 16,383 characters.
TEXT_LIMIT = 16_383
BODY_LIMIT = 12_000
COLOURS = {0: "#2f9e44", 1: "#d92d20", 2: "#d9480f", 3: "#b7791f"}
ADDRESS = re.compile(r"(https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?()*_~])")
SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>:])")
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
# Mattermost shows the backslash before signs that it knows no meaning of.
STRANGE_ESCAPE = re.compile(r"\\([\"$%&',/:;<=?@^])")
# Without width: no name follows the sign any more, so nobody is called and no Slack-like mark is read.
NOTHING = "\u200b"


class Mattermost(Webhook):
    name = "mattermost"
    label = "Mattermost"
    setting = "MATTERMOST_WEBHOOK_URL"

    def message(self, news: News) -> dict[str, Any]:
        headline = f"**{escaped(news.what)}**: [{escaped(news.headline, links=False)}]({_target(news.address)})"
        attachment = {
            "fallback": plain(f"{news.what}: {news.headline}"),
            "color": COLOURS.get(news.rank, "#667085"),
            "text": cut(markdown(news.text), BODY_LIMIT),
            "fields": [
                {"short": True, "title": plain(name), "value": cut(escaped(value), 500)} for name, value in news.facts
            ],
        }
        return {"text": cut(headline, TEXT_LIMIT), "attachments": [attachment]}


def escaped(text: str, *, links: bool = True) -> str:
    """Shown as it was typed: no mark, no mention, no emoji; addresses stay links where `links`."""
    parts = ADDRESS.split(text) if links else [text]
    return "".join(_target(part) if place % 2 else _escaped(part) for place, part in enumerate(parts))


def markdown(text: str) -> str:
    """What was written as Markdown stays it, but calls nobody and fetches no picture."""
    parts = CODE.split(text)
    return "".join(plain(part) if place % 2 else _marked(part) for place, part in enumerate(parts))


def _marked(text: str) -> str:
    text = STRANGE_ESCAPE.sub(r"\1", text.replace("![", "["))
    return "".join(_target(part) if place % 2 else plain(part) for place, part in enumerate(ADDRESS.split(text)))


def plain(text: str) -> str:
    """For places without Markdown: nobody is called."""
    return text.replace("@", f"@{NOTHING}").replace("<", f"<{NOTHING}")


def _escaped(text: str) -> str:
    return SIGNS.sub(r"\\\1", plain(text))


def _target(address: str) -> str:
    """An address in parentheses or by itself, in which no mention and no mark is read."""
    return address.replace("@", "%40").replace("(", "%28").replace(")", "%29").replace("*", "%2A").replace("~", "%7E")


def cut(text: str, limit: int) -> str:
    """Not within an escape."""
    return text if len(text) <= limit else f"{text[: limit - 2].rstrip(chr(92))} …"


register(Mattermost())
