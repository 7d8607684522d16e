"""The small parts of a fragment: spans, code, pictures. Plain Python."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from knowledge.exports.document import Block, Code, Figure, Heading, Paragraph, Span, Spans, plain

_DATA = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=\s]+)")
_INLINE = {
    "a",
    "b",
    "br",
    "code",
    "del",
    "em",
    "i",
    "img",
    "input",
    "ins",
    "kbd",
    "mark",
    "s",
    "span",
    "strong",
    "sub",
    "sup",
}


def manner_of(tag: str, manner: Span) -> Span:
    if tag in ("b", "strong", "mark"):
        return replace(manner, bold=True)
    if tag in ("em", "i"):
        return replace(manner, italic=True)
    if tag in ("code", "kbd"):
        return replace(manner, code=True)
    if tag in ("del", "s"):
        return replace(manner, struck=True)
    return replace(manner, raised=True) if tag == "sup" else manner


def is_inline(element: Any) -> bool:
    return isinstance(element.tag, str) and element.tag in _INLINE and element.get("data-drawing") is None


def is_change(element: Any) -> bool:
    return [one.tag for one in element][1:] == ["ins"] or {one.tag for one in element} >= {"del"}


def words_of(element: Any) -> set[str]:
    return set((element.get("class") or "").split())


def text_of(text: str | None) -> list[Span]:
    return [Span(re.sub(r"[ \t\r\n]+", " ", text))] if text else []


def tidy(spans: Sequence[Span]) -> Spans:
    """Neighbours of one manner joined, no space at the ends."""
    joined: list[Span] = []
    for span in spans:
        if joined and replace(joined[-1], text="") == replace(span, text=""):
            joined[-1] = replace(span, text=joined[-1].text + span.text)
        else:
            joined.append(span)
    if joined:
        joined[0] = replace(joined[0], text=joined[0].text.lstrip())
        joined[-1] = replace(joined[-1], text=joined[-1].text.rstrip())
    return tuple(span for span in joined if span.text)


def code_of(element: Any) -> Code:
    if "log" in words_of(element):
        return Code("\n".join(line.text_content().rstrip() for line in element))
    inside = element.find("code")
    words = words_of(inside) if inside is not None else set()
    language = next((word.removeprefix("language-") for word in words if word.startswith("language-")), "")
    return Code(element.text_content().rstrip("\n"), language)


def picture_of(element: Any) -> Figure | None:
    found = _DATA.fullmatch(element.get("src", ""))
    alt = " ".join(element.get("alt", "").split())
    if not found:
        return None
    try:
        data = base64.b64decode(found[2], validate=False)
    except (binascii.Error, ValueError):
        return None
    return Figure(alt, "", alt or "A picture without a description", picture=data, mime=found[1])


def said_of(block: Block) -> str:
    if isinstance(block, Paragraph | Heading):
        return plain(block.spans)
    return block.text[:200] if isinstance(block, Code) else ""
