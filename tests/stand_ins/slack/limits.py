"""Block Kit's documented limits: what Slack refuses in messages and views, and the words it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.stand_ins.slack.refusals import Refused, refuse_with

MOST_TEXT = 40_000
MOST_BLOCKS = 50
# Not in the reference: where people met `msg_blocks_too_long` (bolt-js #2509).
MOST_BLOCK_TEXT = 13_000
MOST_VIEW_BLOCKS = 100
MOST_VIEW_BYTES = 250_000
SELECTS = {
    f"{many}{what}_select"
    for many in ("", "multi_")
    for what in ["static", "external", "users", "conversations", "channels"]
}
INPUTS = SELECTS | {
    "plain_text_input", "email_text_input", "url_text_input", "number_input", "checkboxes", "radio_buttons",
    "datepicker", "timepicker", "datetimepicker", "rich_text_input", "file_input",
}  # fmt: skip
ACTIONS = (INPUTS - {"plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input"}) | {
    "button",
    "overflow",
}
BLOCKS = {
    "message": {"section", "divider", "image", "actions", "context", "header", "rich_text", "file", "video", "markdown", "input", "table"},
    "modal": {"section", "divider", "image", "actions", "context", "header", "rich_text", "input", "video", "table"},
    "home": {"section", "divider", "image", "actions", "context", "header", "rich_text", "input", "video", "table"},
}  # fmt: skip
MOST_OPTIONS = {"static_select": 100, "multi_static_select": 100, "overflow": 5, "checkboxes": 10, "radio_buttons": 10}

Problems = Iterator[str]


def check_message(text: str | None, blocks: Any, metadata: Any = None) -> None:
    """Raises `Refused` as chat.postMessage would."""
    if text is not None and len(text) > MOST_TEXT:
        raise Refused("msg_too_long")
    if blocks is not None:
        if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
            raise Refused("invalid_blocks_format")
        refuse_with("invalid_blocks", list(problems_of_blocks(blocks, "/blocks", "message", MOST_BLOCKS)))
        if sum(len(words) for words in _texts_in(blocks)) > MOST_BLOCK_TEXT:
            raise Refused("msg_blocks_too_long")
    if metadata is not None:
        check_metadata(metadata)


def _texts_in(value: Any) -> Iterator[str]:
    """Every text of text objects, however deep."""
    if isinstance(value, list):
        for one in value:
            yield from _texts_in(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == "text" and isinstance(one, str):
                yield one
            else:
                yield from _texts_in(one)


def check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise Refused("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_schema")


def check_view(view: Any, kind: str) -> None:
    """Raises `Refused` as views.open, views.push, views.update and views.publish would."""
    if not isinstance(view, dict):
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] must be a valid view object"]})
    if len(repr(view)) > MOST_VIEW_BYTES:
        raise Refused("view_too_large")
    refuse_with("invalid_arguments", list(_problems_of_view(view, kind)))


def _problems_of_view(view: dict[str, Any], kind: str) -> Problems:
    if view.get("type") != kind:
        yield f"must be one of: {kind} [json-pointer:/view/type]"
    if kind == "modal":
        yield from _text(view.get("title"), "/view/title", most=24, plain=True)
        for name in ("submit", "close"):
            if view.get(name) is not None:
                yield from _text(view[name], f"/view/{name}", most=24, plain=True)
    yield from _short(view, "private_metadata", 3000, "/view")
    yield from _short(view, "callback_id", 255, "/view")
    yield from _short(view, "external_id", 255, "/view")
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        yield "missing required field: blocks [json-pointer:/view]"
        return
    yield from problems_of_blocks(blocks, "/view/blocks", kind, MOST_VIEW_BLOCKS)
    if kind == "modal" and not view.get("submit") and any(block.get("type") == "input" for block in blocks):
        yield "missing required field: submit [json-pointer:/view]"


def problems_of_blocks(blocks: list[Any], at: str, surface: str, most: int) -> Problems:
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        here = f"{at}/{number}"
        kind = block.get("type")
        if kind not in BLOCKS[surface]:
            yield f"unsupported type: {kind} [json-pointer:{here}/type]"
            continue
        block_id = block.get("block_id")
        if block_id in seen:
            yield f"`block_id` {block_id} already exists [json-pointer:{here}/block_id]"
        if block_id:
            seen.add(block_id)
        yield from _short(block, "block_id", 255, here)
        yield from _CHECKS.get(kind, _nothing)(block, here)


def _nothing(block: dict[str, Any], at: str) -> Problems:
    yield from ()


def _short(holder: dict[str, Any], name: str, most: int, at: str) -> Problems:
    value = holder.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > most):
        yield f"must be less than {most + 1} characters [json-pointer:{at}/{name}]"


def _text(value: Any, at: str, *, most: int, plain: bool = False) -> Problems:
    if not isinstance(value, dict) or value.get("type") not in {"plain_text", "mrkdwn"}:
        yield f"missing required field: text [json-pointer:{at}]"
        return
    if plain and value["type"] != "plain_text":
        yield f"must be one of: plain_text [json-pointer:{at}/type]"
    if set(value) - {"type", "text", "emoji", "verbatim"} or (value["type"] == "mrkdwn" and "emoji" in value):
        yield f"invalid additional property [json-pointer:{at}]"
    words = value.get("text")
    if not isinstance(words, str) or not words:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(words) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}/text]"


def _section(block: dict[str, Any], at: str) -> Problems:
    fields = block.get("fields")
    if block.get("text") is not None:
        yield from _text(block["text"], f"{at}/text", most=3000)
    elif not fields:
        yield f"must define either `fields` or `text` [json-pointer:{at}]"
    if fields is not None:
        if not 1 <= len(fields) <= 10:
            yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
        for number, one in enumerate(fields):
            yield from _text(one, f"{at}/fields/{number}", most=2000)
    if block.get("accessory") is not None:
        yield from _element(block["accessory"], f"{at}/accessory", ACTIONS | {"image"})


def _header(block: dict[str, Any], at: str) -> Problems:
    yield from _text(block.get("text"), f"{at}/text", most=150, plain=True)


def _context(block: dict[str, Any], at: str) -> Problems:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        if element.get("type") == "image":
            yield from _image(element, f"{at}/elements/{number}")
        else:
            yield from _text(element, f"{at}/elements/{number}", most=3000)


def _image(block: dict[str, Any], at: str) -> Problems:
    if not block.get("alt_text"):
        yield f"missing required field: alt_text [json-pointer:{at}]"
    if not block.get("image_url") and not block.get("slack_file"):
        yield f"missing required field: image_url [json-pointer:{at}]"
    yield from _short(block, "alt_text", 2000, at)
    yield from _short(block, "image_url", 3000, at)


def _actions(block: dict[str, Any], at: str) -> Problems:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"no more than 25 items allowed [json-pointer:{at}/elements]"
    seen: set[str] = set()
    for number, element in enumerate(elements):
        here = f"{at}/elements/{number}"
        action_id = element.get("action_id")
        if action_id and action_id in seen:
            yield f"`action_id` {action_id} already exists [json-pointer:{here}/action_id]"
        seen.add(action_id)
        yield from _element(element, here, ACTIONS)


def _input(block: dict[str, Any], at: str) -> Problems:
    yield from _text(block.get("label"), f"{at}/label", most=2000, plain=True)
    if block.get("hint") is not None:
        yield from _text(block["hint"], f"{at}/hint", most=2000, plain=True)
    yield from _element(block.get("element") or {}, f"{at}/element", INPUTS)


def _element(element: dict[str, Any], at: str, allowed: set[str]) -> Problems:
    kind = element.get("type", "")
    if kind not in allowed:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    if kind == "image":
        yield from _image(element, at)
        return
    yield from _short(element, "action_id", 255, at)
    yield from _short(element, "value", 2000, at)
    if element.get("placeholder") is not None:
        yield from _text(element["placeholder"], f"{at}/placeholder", most=150, plain=True)
    if kind == "button":
        yield from _button(element, at)
    if kind in MOST_OPTIONS:
        yield from _options_of(element, at, MOST_OPTIONS[kind])
    if kind == "plain_text_input":
        yield from _short(element, "initial_value", int(element.get("max_length") or 3000), at)


def _button(element: dict[str, Any], at: str) -> Problems:
    yield from _text(element.get("text"), f"{at}/text", most=75, plain=True)
    yield from _short(element, "url", 3000, at)
    if element.get("style", "primary") not in {"primary", "danger"}:
        yield f"must be one of: primary, danger [json-pointer:{at}/style]"
    confirm = element.get("confirm")
    if confirm is not None:
        yield from _text(confirm.get("title"), f"{at}/confirm/title", most=100, plain=True)
        yield from _text(confirm.get("text"), f"{at}/confirm/text", most=300)
        yield from _text(confirm.get("confirm"), f"{at}/confirm/confirm", most=30, plain=True)
        yield from _text(confirm.get("deny"), f"{at}/confirm/deny", most=30, plain=True)


def _options_of(element: dict[str, Any], at: str, most: int) -> Problems:
    groups = element.get("option_groups")
    if groups is not None:
        yield from problems_of_groups(groups, at)
        return
    yield from problems_of_options(element.get("options") or [], f"{at}/options", most=most)
    for name in ("initial_option", "initial_options"):
        initial = element.get(name)
        chosen = [initial] if isinstance(initial, dict) else initial or []
        if any(one not in element.get("options", []) for one in chosen):
            yield f"must be one of the provided options [json-pointer:{at}/{name}]"


def problems_of_groups(groups: list[Any], at: str) -> Problems:
    if not 1 <= len(groups) <= 100:
        yield f"no more than 100 items allowed [json-pointer:{at}/option_groups]"
    for number, group in enumerate(groups):
        here = f"{at}/option_groups/{number}"
        yield from _text(group.get("label"), f"{here}/label", most=75, plain=True)
        yield from problems_of_options(group.get("options") or [], f"{here}/options", most=100)


def problems_of_options(options: list[Any], at: str, *, most: int, least: int = 1) -> Problems:
    if len(options) < least:
        yield f"must provide at least {least} items [json-pointer:{at}]"
    if len(options) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
    for number, option in enumerate(options):
        here = f"{at}/{number}"
        yield from _text(option.get("text"), f"{here}/text", most=75)
        if option.get("description") is not None:
            yield from _text(option["description"], f"{here}/description", most=75)
        if not isinstance(option.get("value"), str):
            yield f"missing required field: value [json-pointer:{here}]"
        yield from _short(option, "value", 150, here)


_CHECKS = {
    "section": _section,
    "header": _header,
    "context": _context,
    "image": _image,
    "actions": _actions,
    "input": _input,
}
