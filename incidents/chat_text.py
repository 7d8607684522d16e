"""What people write in chats, shown: a little Markdown as HTML. Plain Python; everything else is escaped text.

Code, bold, italic, struck, links, quotes, lists, line breaks; nothing that reaches out (pictures) or restructures a
page (headings, tables). One pass over the text, at most DEPTH deep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape

DEPTH = 4
INLINE = re.compile(
    r"\\(?P<sign>[!-/:-@\[-`{-~])"
    r"|(?P<ticks>```|`)(?P<code>[^`\n]+)(?P=ticks)"
    r"|\[(?P<label>[^\[\]\n]+)\]\((?P<target>https?://[^\s()<>\"'`]+)\)"
    r"|<?(?P<link>https?://[^\s<>\"'`|]+)>?"
    r"|\*\*(?=\S)(?P<bold>(?:(?!\*\*(?!\*)).)+)(?<=\S)\*\*"
    r"|(?<!\*)\*(?=[^\s*])(?P<italic>(?:[^*\n]|\*\*)+)(?<=\S)\*"
    r"|(?<![^\W_])_(?=[^\s_])(?P<slanted>(?:\\_|[^_\n]|(?<=[^\W_])_(?=[^\W_])){1,500})(?<=[^\s_])_(?![^\W_])"
    r"|~~(?=\S)(?P<struck>(?:(?!~~).)+)(?<=\S)~~",
)
KINDS = ("sign", "code", "target", "link", "bold", "italic", "slanted", "struck")
# A sentence goes on after its link; a closing parenthesis belongs to the link where it opened one.
AFTER = ".,;:!?*~_"
FENCE = re.compile(r"^\s*```[\w+#.-]*\s*$")
ITEM = re.compile(r"^\s*(?:[-*•]|(?P<number>\d{1,9})[.)])\s+(?P<text>.+)$")
QUOTED = re.compile(r"^\s*>\s?(?P<text>.*)$")


def chat_html(text: str) -> str:
    """Safe HTML; at worst the text as it stands."""
    return "".join(_blocks(text.replace("\r\n", "\n").split("\n"), DEPTH))


def shortened(text: str, limit: int) -> str:
    """The beginning of a long text, cut between words, with a sign that something follows."""
    if len(text) <= limit:
        return text
    words = text[:limit].rsplit(None, 1)
    return f"{words[0].rstrip() if words else ''} …"


def _blocks(lines: list[str], depth: int) -> Iterator[str]:
    place = 0
    while place < len(lines):
        start = place
        if FENCE.match(lines[place]):
            place = _until(lines, place + 1, lambda line: bool(FENCE.match(line)))
            code = "\n".join(lines[start + 1 : place])
            yield f"<pre><code>{escape(code)}</code></pre>"
            place += 1
        elif depth and QUOTED.match(lines[place]):
            place = _until(lines, place, lambda line: not QUOTED.match(line))
            inner = [QUOTED.sub(r"\g<text>", line) for line in lines[start:place]]
            yield f"<blockquote>{''.join(_blocks(inner, depth - 1))}</blockquote>"
        elif tag := _list_of(lines[place]):
            place = _until(lines, place, lambda line, tag=tag: _list_of(line) != tag)  # type: ignore[misc]
            yield f"<{tag}>{''.join(map(_item, lines[start:place]))}</{tag}>"
        else:
            place = _until(lines, place + 1, _begins)
            yield _paragraph(lines[start:place])


def _until(lines: list[str], place: int, ends: Callable[[str], bool]) -> int:
    while place < len(lines) and not ends(lines[place]):
        place += 1
    return place


def _begins(line: str) -> bool:
    return bool(FENCE.match(line) or QUOTED.match(line) or ITEM.match(line))


def _paragraph(lines: list[str]) -> str:
    shown = "\n".join(lines).strip("\n")
    if not shown.strip():
        return ""
    return f"<p>{'<br>'.join(_inline(line, DEPTH) for line in shown.split(chr(10)))}</p>"


def _list_of(line: str) -> str:
    found = ITEM.match(line)
    return "" if found is None else "ol" if found["number"] else "ul"


def _item(line: str) -> str:
    """Numbers stay as they were written: what stood between two of them may be no list."""
    found = ITEM.match(line)
    number = f' value="{int(found["number"])}"' if found and found["number"] else ""
    return f"<li{number}>{_inline(found['text'] if found else line, DEPTH)}</li>"


def _inline(text: str, depth: int) -> str:
    """`depth` is how many marks may stand within each other."""
    if not depth:
        return escape(text)
    parts, last = [], 0
    for found in INLINE.finditer(text):
        parts += [escape(text[last : found.start()]), _marked(found, depth)]
        last = found.end()
    return "".join([*parts, escape(text[last:])])


def _marked(found: re.Match[str], depth: int) -> str:
    name = next(name for name in KINDS if found[name] is not None)
    text = found[name]
    if name == "sign":
        return escape(text)
    if name == "code":
        return f"<code>{escape(text)}</code>"
    if name == "target":
        return _link(text, _inline(found["label"], 1) if "://" not in found["label"] else escape(found["label"]))
    if name == "link":
        return _bare(found)
    tag = {"bold": "b", "italic": "i", "slanted": "i", "struck": "del"}[name]
    return f"<{tag}>{_inline(text, depth - 1)}</{tag}>"


def _bare(found: re.Match[str]) -> str:
    whole, address = found[0], found["link"]
    if whole.startswith("<") and whole.endswith(">"):
        return _link(address, escape(address))
    before = "&lt;" if whole.startswith("<") else ""
    kept = address.rstrip(AFTER)
    while kept.endswith(")") and kept.count(")") > kept.count("("):
        kept = kept[:-1].rstrip(AFTER)
    rest = address[len(kept) :] + (">" if whole.endswith(">") else "")
    if kept.partition("://")[2] == "":
        return escape(whole)
    return f"{before}{_link(kept, escape(kept))}{escape(rest)}"


def _link(address: str, shown: str) -> str:
    target = escape(address)
    return f'<a href="{target}" title="{target}" rel="noopener noreferrer nofollow">{shown}</a>'
