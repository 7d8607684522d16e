"""What a person typed, as Slack keeps it: escaped mrkdwn in `text`, the same as `rich_text` blocks beside it."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r"<(?:[@#!][^<>\s][^<>\n]*|(?:https?://|mailto:)[^<>\s|]+(?:\|[^<>\n]*)?)>")
BARE_LINK = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"]")
LIST_LINE = re.compile(r"^( *)(•|◦|▪|\d+\.) (.*)$")
EMOJI = {
    "pushpin": "1f4cc",
    "fire": "1f525",
    "eyes": "1f440",
    "+1": "1f44d",
    "white_check_mark": "2705",
    "tada": "1f389",
}
STYLES = {"*": "bold", "_": "italic", "~": "strike"}
SPAN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|(?P<token><[^<>\n]+>)"
    r"|(?<!\w)(?P<mark>[*_~])(?P<inner>[^\s*_~`](?:[^\n]*?[^\s])?)(?P=mark)(?!\w)"
    r"|:(?P<emoji>[a-z0-9_+'-]+(?:::skin-tone-\d)?):"
)

Element = dict[str, Any]


def kept_text(typed: str) -> str:
    """Escapes &, < and > as Slack does, but for mentions and links; bare addresses become links."""
    parts, at = [], 0
    for token in TOKEN.finditer(typed):
        parts += [_escaped(typed[at : token.start()]), token.group().replace("&", "&amp;")]
        at = token.end()
    return "".join([*parts, _escaped(typed[at:])])


def _escaped(words: str) -> str:
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    pieces = re.split(r"(```.*?```|`[^`\n]+`)", words, flags=re.DOTALL)
    return "".join(one if one.startswith("`") else BARE_LINK.sub(r"<\g<0>>", one) for one in pieces)


def _plain(words: str) -> str:
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def rich_text(text: str, block_id: str) -> dict[str, Any]:
    """One `rich_text` block that says what this mrkdwn says."""
    elements: list[Element] = []
    for piece in re.split(r"(```.*?```)", text, flags=re.DOTALL):
        if piece.startswith("```") and piece.endswith("```") and len(piece) > 6:
            code = _plain(re.sub(r"<(https?://[^<>|]+)>", r"\1", piece[3:-3].strip("\n")))
            elements.append(
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": code}], "border": 0}
            )
        elif piece.strip("\n"):
            elements += _lines(piece.strip("\n") if elements or "```" in text else piece)
    return {"type": "rich_text", "block_id": block_id, "elements": elements or [_section("")]}


def _lines(text: str) -> list[Element]:
    """Paragraphs, quotes and lists, in order; lines of a kind stand together."""
    found: list[Element] = []
    held: list[str] = []
    kind = ""

    def close() -> None:
        if held:
            words = "\n".join(held)
            found.append({**_section(words), "type": "rich_text_quote"} if kind == "quote" else _section(words))
            held.clear()

    for line in text.split("\n"):
        item = LIST_LINE.match(line)
        quoted = line.startswith("&gt;")
        if item:
            close()
            _add_item(found, item)
            kind = "list"
            continue
        now = "quote" if quoted else "words"
        if now != kind:
            close()
        kind = now
        held.append(line[4:].removeprefix(" ") if quoted else line)
    close()
    return found


def _add_item(found: list[Element], item: re.Match[str]) -> None:
    style = "ordered" if item[2][0].isdigit() else "bullet"
    indent = len(item[1]) // 4
    last = found[-1] if found else {}
    if last.get("type") != "rich_text_list" or last["style"] != style or last["indent"] != indent:
        last = {"type": "rich_text_list", "style": style, "indent": indent, "border": 0, "elements": []}
        found.append(last)
    last["elements"].append(_section(item[3]))


def _section(words: str) -> Element:
    return {"type": "rich_text_section", "elements": _inline(words, {})}


def _inline(words: str, style: dict[str, bool]) -> list[Element]:
    found: list[Element] = []
    at = 0
    for span in SPAN.finditer(words):
        found += _text(words[at : span.start()], style)
        at = span.end()
        if span["code"]:
            found += _text(re.sub(r"<(https?://[^<>|]+)>", r"\1", span["code"]), style | {"code": True})
        elif span["token"]:
            found.append(_styled(_token(span["token"][1:-1]), style))
        elif span["mark"]:
            found += _inline(span["inner"], style | {STYLES[span["mark"]]: True})
        else:
            emoji: Element = {"type": "emoji", "name": span["emoji"]}
            found.append(emoji | ({"unicode": EMOJI[span["emoji"]]} if span["emoji"] in EMOJI else {}))
    return found + _text(words[at:], style)


def _text(words: str, style: dict[str, bool]) -> list[Element]:
    return [_styled({"type": "text", "text": _plain(words)}, style)] if words else []


def _styled(element: Element, style: dict[str, bool]) -> Element:
    return element | ({"style": style} if style else {})


def _token(inner: str) -> Element:
    """A mention or a link, by what stands behind its angle bracket."""
    name, _, label = inner.partition("|")
    if name.startswith("@"):
        return {"type": "user", "user_id": name[1:]}
    if name.startswith("#"):
        return {"type": "channel", "channel_id": name[1:]}
    if name.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": name.removeprefix("!subteam^")}
    if name.startswith("!date^"):
        _, timestamp, form, *_ = name.split("^")
        return {"type": "date", "timestamp": int(timestamp), "format": form, "fallback": _plain(label)}
    if name.startswith("!"):
        return {"type": "broadcast", "range": name[1:]}
    return {"type": "link", "url": _plain(name)} | ({"text": _plain(label)} if label else {})
