"""Slack's `rich_text` blocks, which say exactly what was typed. https://docs.slack.dev/reference/block-kit/blocks"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from incidents.slack import emoji
from incidents.slack.mrkdwn_text import Name
from incidents.slack.spans import BOLD, ITALIC, STRIKE, Block, Fence, Item, Items, Line, Quote, Run, merged, paragraphs

Element = Mapping[str, Any]
DEEPEST = 8


def read(block: Element, name: Name) -> list[Block]:
    found: list[Block] = []
    for element in _elements(block):
        kind = str(element.get("type", ""))
        if kind == "rich_text_preformatted":
            found.append(Fence("".join(run.text for run in _runs(element, name)).strip("\n")))
        elif kind == "rich_text_quote":
            found.append(Quote(paragraphs(_lines(element, name))))
        elif kind == "rich_text_list":
            _add_items(found, element, name)
        else:
            found += paragraphs(_lines(element, name))
    return found


def _add_items(found: list[Block], element: Element, name: Name) -> None:
    """Slack gives each level as a list of its own; neighbours are one."""
    if not found or not isinstance(found[-1], Items):
        found.append(Items([]))
    items, level = found[-1], min(_number(element.get("indent")), DEEPEST)
    first = _number(element.get("offset")) + 1 + _before(items, level)
    for place, one in enumerate(_elements(element)):
        number = first + place if element.get("style") == "ordered" else None
        lines = [line for line in _lines(one, name) if line] or [[]]
        if isinstance(items, Items):
            items.items.append(Item(level, number, lines))


def _before(items: Block, level: int) -> int:
    """The number that a list has reached which was interrupted by one below it."""
    for item in reversed(items.items if isinstance(items, Items) else []):
        if item.level < level:
            return 0
        if item.level == level:
            return item.number or 0
    return 0


def _lines(element: Element, name: Name) -> list[Line]:
    lines: list[Line] = [[]]
    for run in _runs(element, name):
        first, *rest = run.text.split("\n")
        lines[-1].append(_with_text(run, first))
        lines += [[_with_text(run, text)] for text in rest]
    return [merged(line) for line in lines]


def _with_text(run: Run, text: str) -> Run:
    return Run(text, run.styles, run.is_code, run.link if text else "", run.token)


def _runs(element: Element, name: Name) -> Iterator[Run]:
    for one in _elements(element):
        style = one.get("style")
        looks = style if isinstance(style, Mapping) else {}
        styles = frozenset(word for word in (BOLD, ITALIC, STRIKE) if looks.get(word))
        text, link, token = _said(one, name)
        yield Run(text, styles, bool(looks.get("code")), link, token)


def _said(one: Element, name: Name) -> tuple[str, str, str]:
    """Words, where they lead, and the mention that they are."""
    kind = str(one.get("type", ""))
    if kind == "link":
        address = str(one.get("url") or "")
        shown = str(one.get("text") or address)
        # An address of mail that Slack made a link of says no more than itself.
        return shown, "" if address == f"mailto:{shown}" else address, ""
    if kind in {"user", "channel", "usergroup"}:
        slack_id = str(one.get(f"{kind}_id") or "")
        sign = {"user": "@", "channel": "#", "usergroup": "!subteam^"}[kind]
        return name(slack_id, ""), "", f"<{sign}{slack_id}>"
    if kind == "broadcast":
        return f"@{one.get('range') or 'channel'}", "", ""
    if kind == "emoji":
        short, _, tone = str(one.get("name") or "").partition("::skin-tone-")
        shown = emoji.from_points(str(one.get("unicode") or ""))
        return shown or emoji.shown(short, tone or str(one.get("skin_tone") or "")), "", ""
    if kind == "date":
        return str(one.get("fallback") or _date(one.get("timestamp"))), "", ""
    return str(one.get("text") or one.get("value") or ""), "", ""


def _date(seconds: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M} UTC"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _elements(block: Element) -> list[Element]:
    found = block.get("elements")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [one for one in found if isinstance(one, Mapping)]


def _number(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10_000 else 0
