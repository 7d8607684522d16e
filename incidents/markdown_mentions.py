"""`@ada`, INC-17, F-3, L-5 and E-7 as they stand in a sentence become links; what is not known stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

from markdown.util import AtomicString

MENTIONS = 1_000
_QUIET = frozenset({"a", "code", "pre", "kbd", "figcaption"})
_NAME = r"@[\w](?:[\w.+-]{0,148}[\w])?"
_BARE = r"(?:E|INC|F|L)-[1-9]\d{0,8}"
MENTION = re.compile(rf"(?<![\w/@.&#-])(?:{_NAME}|{_BARE}(?![\w-]))")


def link_mentions(root: Element, look_up: Callable[[str], tuple[str, str] | None]) -> None:
    """`look_up` gives address and title of what may be named here. At most MENTIONS are linked in one text."""
    left = MENTIONS
    waiting = [root]
    while waiting and left > 0:
        parent = waiting.pop()
        if parent.tag in _QUIET or parent.get("class") == "ev":
            continue
        children = list(parent)
        if isinstance(parent.text, str):
            left -= _link(parent, None, parent.text, look_up, left)
        for child in children:
            if isinstance(child.tail, str):
                left -= _link(parent, child, child.tail, look_up, left)
        waiting.extend(reversed(children))


def _link(
    parent: Element,
    after: Element | None,
    text: str,
    look_up: Callable[[str], tuple[str, str] | None],
    most: int,
) -> int:
    """Splits one stretch of text at what it names; returns how many links it became."""
    if "@" not in text and "-" not in text:
        return 0
    found: list[Element] = []
    kept, at = "", 0
    for match in MENTION.finditer(text):
        if len(found) >= most:
            break
        target = look_up(match[0])
        if target is None:
            continue
        before, at = text[at : match.start()], match.end()
        if found:
            found[-1].tail = before
        else:
            kept = before
        link = Element("a", {"class": "mention", "href": target[0]} | ({"title": target[1]} if target[1] else {}))
        link.text = AtomicString(match[0])
        found.append(link)
    if not found:
        return 0
    found[-1].tail = text[at:]
    if after is None:
        parent.text, place = kept, 0
    else:
        after.tail, place = kept, list(parent).index(after) + 1
    parent[place:place] = found
    return len(found)
