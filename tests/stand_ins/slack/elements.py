"""Interactive elements: where they stand in blocks, their state, and what a person can put into them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.stand_ins.slack.workspace import NotPossible

Element = dict[str, Any]
# The key of each kind's value in a state, and the key of its first value in the element.
VALUE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
STATELESS = {"button", "overflow", "image"}
MANY = {"multi_static_select", "multi_external_select", "checkboxes", "multi_users_select",
        "multi_conversations_select", "multi_channels_select"}  # fmt: skip


def elements_of(blocks: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Element]]:
    """Each interactive element with the block it stands in."""
    for block in blocks:
        if block["type"] == "actions":
            for element in block["elements"]:
                yield block, element
        for name in ("accessory", "element"):
            element = block.get(name)
            if isinstance(element, dict) and element["type"] != "image":
                yield block, element


def find_element(
    blocks: list[dict[str, Any]], action_id: str, *, block_id: str = "", value: str | None = None
) -> tuple[dict[str, Any], Element]:
    """The one with this action_id; `block_id`, or a button's `value`, tells several apart."""
    found = [
        (block, element)
        for block, element in elements_of(blocks)
        if element.get("action_id") == action_id
        and (not block_id or block["block_id"] == block_id)
        and (value is None or element["type"] != "button" or element.get("value") == value)
    ]
    if not found:
        there = sorted({str(element.get("action_id")) for _, element in elements_of(blocks)})
        raise NotPossible(f"there is no {action_id!r} to press; there are {there}")
    return found[0]


def initial_state(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """`state.values` of a view that nobody has touched yet."""
    values: dict[str, dict[str, Any]] = {}
    for block, element in elements_of(blocks):
        if element["type"] in STATELESS:
            continue
        key, initial = VALUE_KEYS[element["type"]]
        empty: Any = [] if element["type"] in MANY else None
        value = element.get(initial, empty)
        values.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], key: value}
    return values


def filled(element: Element, value: Any, suggested: list[dict[str, Any]]) -> dict[str, Any]:
    """The element's state with a person's value in it: text, an option's value (or a list of them), an id, a
    date, a time. `suggested` are the options that the app last offered for an external select."""
    kind = element["type"]
    key, _ = VALUE_KEYS[kind]
    if key in {"selected_option", "selected_options"}:
        offered = _offered(element) if "external" not in kind else suggested
        wanted = value if isinstance(value, list | tuple | set) else [value]
        chosen = [_option(offered, one) for one in wanted if one is not None]
        value = chosen if key == "selected_options" else (chosen[0] if chosen else None)
    elif kind == "datetimepicker" and isinstance(value, datetime):
        value = int(value.timestamp())
    elif kind in {"plain_text_input", "number_input", "email_text_input", "url_text_input"}:
        _check_typed(element, value)
        value = str(value) if value not in {None, ""} else None
    return {"type": kind, key: value}


def _offered(element: Element) -> list[dict[str, Any]]:
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(option for group in groups for option in group["options"])]


def _option(offered: list[dict[str, Any]], wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, dict):
        wanted = wanted["value"]
    for option in offered:
        if wanted in {option["value"], option["text"]["text"]}:
            return option
    raise NotPossible(f"{wanted!r} is not offered; there are {[option['value'] for option in offered]}")


def _check_typed(element: Element, value: Any) -> None:
    length = len(str(value or ""))
    most = int(element.get("max_length") or 3000)
    if length > most:
        raise NotPossible(f"the field takes {most} characters, not {length}")
    if value and length < int(element.get("min_length") or 0):
        raise NotPossible(f"the field wants {element['min_length']} characters")


def is_empty(state: dict[str, Any]) -> bool:
    return not any(value for name, value in state.items() if name != "type")
