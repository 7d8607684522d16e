"""Block Kit within Slack's limits: what is longer is cut with an ellipsis, what people wrote is escaped.

https://docs.slack.dev/reference/block-kit/blocks names each limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Block = dict[str, Any]
SECTION, HEADER, BUTTON, OPTION, FIELD = 3_000, 150, 75, 75, 2_000
MODAL_TITLE, MODAL_BUTTON, PLACEHOLDER, VALUE = 24, 24, 150, 2_000
FENCE = "```"
OPTIONS, MESSAGE_BLOCKS, FIELDS = 100, 50, 10


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def escape(text: str) -> str:
    """As Slack wants the three signs that mean something to it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def said(text: str, limit: int = SECTION) -> str:
    """What somebody wrote as mrkdwn that shows it: one line, nothing in it calls people or formats."""
    flat = " ".join(text.split())
    # A zero-width space ends a run of formatting signs before it begins.
    for sign in "*_~`":
        flat = flat.replace(sign, f"\u200b{sign}")
    return escape(cut(flat, limit))


def clock(at: datetime, shown: str = "{time}") -> str:
    """In each reader's own zone; UTC where Slack cannot."""
    return f"<!date^{int(at.timestamp())}^{shown}|{at:%Y-%m-%d %H:%M} UTC>"


def link(address: str, text: str) -> str:
    return f"<{escape(address)}|{said(text, 200).replace('|', '¦')}>"


def plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": cut(" ".join(text.split()) or "–", limit), "emoji": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str, *, accessory: Block | None = None, block_id: str = "") -> Block:
    """`text` is mrkdwn."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": cut(text or "–", SECTION)}}
    if accessory:
        block["accessory"] = accessory
    if block_id:
        block["block_id"] = block_id
    return block


def sections(text: str) -> list[Block]:
    """All of a mrkdwn text, however long: parted at the ends of lines, else between words."""
    parts: list[Block] = []
    while len(text) > SECTION:
        end = _parting(text)
        piece, text = text[:end].rstrip("\n"), text[end:].lstrip("\n")
        if piece.count(FENCE) % 2:
            piece, text = f"{piece}\n{FENCE}", f"{FENCE}\n{text}"
        parts.append(section(piece))
    return [*parts, section(text)]


def _parting(text: str) -> int:
    """Where a piece may end: not within a link or an escaped sign, with room for the end of a code block."""
    most = SECTION - len(FENCE) - 1
    end = text.rfind("\n", most // 2, most) + 1 or text.rfind(" ", most // 2, most) + 1 or most
    link, sign = text.rfind("<", 0, end), text.rfind("&", end - 5, end)
    if text.rfind(">", 0, end) < link and text.find(">", end) >= 0 and link > 0:
        return link
    return sign if ";" not in text[sign:end] and sign > 0 else end


def fields(facts: Iterable[tuple[str, str]]) -> Block:
    """Pairs of a name and mrkdwn."""
    texts = [{"type": "mrkdwn", "text": cut(f"*{name}*\n{value or '–'}", FIELD)} for name, value in facts]
    return {"type": "section", "fields": texts[:FIELDS]}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, SECTION)} for text in texts if text]}


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Block, block_id: str = "") -> Block:
    block: Block = {"type": "actions", "elements": list(elements)}
    if block_id:
        block["block_id"] = block_id
    return block


def button(text: str, action: str, *, value: str = "", style: str = "", url: str = "", sure: str = "") -> Block:
    element: Block = {"type": "button", "text": plain(text, BUTTON), "action_id": action}
    if value:
        element["value"] = value[:VALUE]
    if style:
        element["style"] = style
    if url:
        element["url"] = url
    if sure:
        element["confirm"] = {
            "title": plain("Are you sure?", 100),
            "text": plain(sure, 300),
            "confirm": plain("Yes", 30),
            "deny": plain("No", 30),
        }
    return element


def option(text: str, value: str) -> Block:
    return {"text": plain(text, OPTION), "value": value[:150]}


def menu(action: str, placeholder: str, choices: Sequence[tuple[str, str]], *, chosen: str = "") -> Block:
    """A static select; `choices` are (value, text), at least one."""
    options = [option(text, value) for value, text in choices[:OPTIONS]]
    element: Block = {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain(placeholder, PLACEHOLDER),
        "options": options,
    }
    found = next((one for one in options if one["value"] == chosen), None)
    if found:
        element["initial_option"] = found
    return element


def text_input(*, lines: bool = False, limit: int = 3_000, initial: str = "", hint: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "action_id": "value", "multiline": lines}
    element["max_length"] = min(limit, 3_000)
    if initial:
        element["initial_value"] = initial[: element["max_length"]]
    if hint:
        element["placeholder"] = plain(hint, PLACEHOLDER)
    return element


def field(
    name: str, label: str, element: Block, *, optional: bool = False, hint: str = "", live: bool = False
) -> Block:
    """An input of a form: its block_id is the field's name, its action_id is `value` unless the element has its own."""
    element.setdefault("action_id", "value")
    block: Block = {"type": "input", "block_id": name, "label": plain(label, 2_000), "element": element}
    block["optional"] = optional
    if hint:
        block["hint"] = plain(hint, 2_000)
    if live:
        block["dispatch_action"] = True
    return block


def modal(callback: str, title: str, blocks: Sequence[Block], *, submit: str = "", private: str = "") -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, MODAL_TITLE),
        "close": plain("Cancel" if submit else "Close", MODAL_BUTTON),
        "blocks": list(blocks)[:100],
    }
    if submit:
        view["submit"] = plain(submit, MODAL_BUTTON)
    if private:
        view["private_metadata"] = private
    return view


def values(view: Mapping[str, Any]) -> dict[str, Any]:
    """What a submitted form holds: field → text, chosen value, list of values, or timestamp."""
    found: dict[str, Any] = {}
    for name, elements in (view.get("state", {}).get("values") or {}).items():
        for element in elements.values():
            found[name] = _value(element)
    return found


def _value(element: Mapping[str, Any]) -> Any:
    kind = str(element.get("type", ""))
    if kind.endswith("static_select") or kind == "external_select" or kind == "radio_buttons":
        return (element.get("selected_option") or {}).get("value", "")
    if kind in {"checkboxes", "multi_external_select", "multi_static_select"}:
        return [one.get("value", "") for one in element.get("selected_options") or []]
    if kind == "datetimepicker":
        return element.get("selected_date_time")
    if kind == "users_select":
        return element.get("selected_user") or ""
    if kind == "multi_users_select":
        return element.get("selected_users") or []
    return element.get("value") or ""
