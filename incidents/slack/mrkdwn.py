"""Slack's mrkdwn and rich text to Markdown and back. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from incidents.slack import markdown_text, masking, mrkdwn_text, rich_text
from incidents.slack.spans import Block, Paragraph, Quote, Run, words

Name = Callable[[str], str]
MENTION = re.compile(r"(?<![\w/@.&#-])[@#]\w(?:[\w.+-]{0,148}\w)?")
SLACK_ID = re.compile(r"[UWSCG][A-Z0-9]{1,29}")
SIGN_OF = {"U": "@", "W": "@", "S": "!subteam^", "C": "#", "G": "#"}


def of_message(message: Mapping[str, Any], name: Name | None = None) -> str:
    """A message as Markdown: by its rich text where it has some, else by its text; cards of other apps below.
    Secrets are blacked out.

    `name` makes `@ada`, `@oncall` and `#channel` of U…, S… and C…; without it the ids stay.
    """
    called, message = _called(name), masking.without_secrets(message)
    blocks = [one for part in _parts(message.get("blocks")) for one in _of_block(part, called)]
    if not blocks:
        blocks = mrkdwn_text.read(str(message.get("text") or ""), called)
    for card in _parts(message.get("attachments")):
        blocks += _of_card(card, called)
    return markdown_text.write(masking.masked(blocks))


def to_markdown(text: str, name: Name | None = None) -> str:
    return markdown_text.write(mrkdwn_text.read(text, _called(name)))


def from_markdown(markdown: str, slack_id: Name | None = None) -> str:
    """`slack_id` gives the id for `@ada` or `#channel`, empty where there is none. Nothing else in it calls anybody."""

    def mention(text: str) -> str:
        if slack_id is None:
            return mrkdwn_text.text_leaf(text)
        found, at = [], 0
        for place in MENTION.finditer(text):
            known = slack_id(place[0])
            if SLACK_ID.fullmatch(known):
                found += [mrkdwn_text.text_leaf(text[at : place.start()]), f"<{SIGN_OF[known[0]]}{known}>"]
                at = place.end()
        return "".join([*found, mrkdwn_text.text_leaf(text[at:])])

    return mrkdwn_text.write(markdown_text.read(markdown), mention)


def plain(markdown: str) -> str:
    """Readable words without marks, one line for each that has some."""
    return words(markdown_text.read(markdown))


def _called(name: Name | None) -> mrkdwn_text.Name:
    """By `name`; where that knows nothing, by the label that Slack gave, else by the id."""

    def called(slack_id: str, label: str) -> str:
        known = name(slack_id) if name else ""
        if known:
            return known
        sign = "#" if slack_id[:1] in {"C", "G"} else "@"
        return f"{sign}{label.lstrip('@#') or slack_id}"

    return called


def _of_block(block: Mapping[str, Any], name: mrkdwn_text.Name) -> Iterator[Block]:
    kind = block.get("type")
    if kind == "rich_text":
        yield from rich_text.read(block, name)
    elif kind in {"section", "header"}:
        for text in [block.get("text"), *_parts(block.get("fields"))]:
            yield from _of_text(text, name)
    elif kind == "context":
        for text in _parts(block.get("elements")):
            yield from _of_text(text, name)


def _of_text(text: Any, name: mrkdwn_text.Name) -> list[Block]:
    if not isinstance(text, Mapping):
        return []
    said = str(text.get("text") or "")
    if text.get("type") == "plain_text":
        said = mrkdwn_text.text_leaf(said)
    return mrkdwn_text.read(said, name)


def _of_card(card: Mapping[str, Any], name: mrkdwn_text.Name) -> Iterator[Block]:
    """What an app put beside its text, or what was forwarded. What Slack showed of a link is nobody's words."""
    if card.get("is_share"):
        yield from _of_forwarded(card, name)
        return
    if card.get("from_url") or card.get("original_url") or card.get("is_msg_unfurl"):
        return
    title, address = str(card.get("title") or ""), str(card.get("title_link") or "")
    heading = f"<{address}|{title}>" if title and address.startswith("http") else title
    told = [str(card.get("pretext") or ""), heading, str(card.get("text") or "")]
    told += [f"*{one.get('title', '')}*: {one.get('value', '')}" for one in _parts(card.get("fields"))]
    inner = [one for part in _parts(card.get("blocks")) for one in _of_block(part, name)]
    if not inner and not any(text.strip() for text in told):
        told = [str(card.get("fallback") or "")]
    for text in told:
        yield from mrkdwn_text.read(text, name)
    yield from inner


def _of_forwarded(card: Mapping[str, Any], name: mrkdwn_text.Name) -> Iterator[Block]:
    address, author = str(card.get("from_url") or ""), str(card.get("author_name") or "")
    link = address if address.startswith("https://") else ""
    of = f" of {author}" if author else ""
    yield Paragraph([[Run("forwarded "), Run("a message", link=link), Run(of)]])
    messages = [one.get("message") for one in _parts(card.get("message_blocks"))]
    parts = [part for one in _parts(messages) for part in _parts(one.get("blocks"))]
    said = [one for part in parts for one in _of_block(part, name)]
    if quoted := said or mrkdwn_text.read(str(card.get("text") or ""), name):
        yield Quote(quoted)


def _parts(found: Any) -> list[Mapping[str, Any]]:
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [one for one in found if isinstance(one, Mapping)]
