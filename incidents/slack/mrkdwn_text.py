"""Slack's mrkdwn read and written. https://docs.slack.dev/messaging/formatting-message-text"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from incidents.slack import emoji
from incidents.slack.marks import Token, mark_at, paired
from incidents.slack.spans import (
    BOLD,
    BREAK,
    ITALIC,
    STRIKE,
    Block,
    Fence,
    Item,
    Items,
    Line,
    Paragraph,
    Quote,
    Run,
    marked,
    paragraphs,
)

Name = Callable[[str, str], str]
TOKEN = re.compile(
    r"<(?P<token>[^<>\n]{1,4000})>"
    rf"|`(?!{BREAK})(?P<code>[^`\n]*[^`\n{BREAK}])`"
    rf"|{BREAK}?:(?P<emoji>[+-]?[^\W_](?:[\w+'-]{{0,98}}[^\W_])?(?:::skin-tone-[2-6])?):"
    r"|(?P<mark>\*+|_+|~+|`)"
)
STYLE_OF = {"*": BOLD, "_": ITALIC, "~": STRIKE, "**": BOLD, "~~": STRIKE}
SIGNS = {BOLD: "*", ITALIC: "_", STRIKE: "~"}
QUOTED = re.compile(r"(?:&gt;|>) ?")
QUOTED_TO_THE_END = re.compile(r"(?:&gt;|>){3} ?")
ITEM = re.compile(r"(?P<indent> {0,40})(?:(?P<bullet>[•◦▪‣-])|(?P<number>\d{1,9})[.)]) +(?P<text>.*)")
BULLETS = "•◦▪"
BAD_IN_LINK = re.compile(r"[\s<>|`]")
LITERAL = re.compile(r"[*_~`]")
SCHEMES = ("https://", "http://", "mailto:", "tel:")
MOST_QUOTES = 4


def read(text: str, name: Name) -> list[Block]:
    """`name(id, label)` is how a mention is called."""
    found: list[Block] = []
    at = 0
    while (start := text.find("```", at)) >= 0 and (end := text.find("```", start + 3)) >= 0:
        if text[start + 3 : end].strip():
            found += _lines(text[at:start], name)
            found.append(Fence(_code(text[start + 3 : end])))
            at = end + 3
        else:
            break
    return found + _lines(text[at:], name)


def _code(text: str) -> str:
    bare = re.sub(r"<((?:https?://|mailto:)[^<>|\n]{1,4000})(?:\|[^<>\n]{0,4000})?>", r"\1", text)
    return unescaped(bare.strip("\n")).replace(f"`{BREAK}``", "```")


def _lines(text: str, name: Name, depth: int = MOST_QUOTES) -> list[Block]:
    found: list[Block] = []
    lines, place = text.strip("\n").split("\n"), 0
    said: list[Line] = []
    while place < len(lines):
        line = lines[place]
        item = ITEM.match(line)
        if depth and QUOTED.match(line):
            quoted, place = _quoted(lines, place)
            found += [*paragraphs(said), Quote(_lines("\n".join(quoted), name, depth - 1))]
            said = []
        elif item:
            found += paragraphs(said)
            said = []
            _add_item(found, item, inline(item["text"], name))
            place += 1
        elif not said and found and isinstance(found[-1], Items) and line.startswith("  ") and line.strip():
            found[-1].items[-1].lines.append(inline(line.strip(), name))
            place += 1
        else:
            said.append(inline(line.removeprefix(BREAK), name))
            place += 1
    return found + paragraphs(said)


def _quoted(lines: list[str], place: int) -> tuple[list[str], int]:
    """The quote that begins here, without its marks, and where it ends."""
    if whole := QUOTED_TO_THE_END.match(lines[place]):
        return [lines[place][whole.end() :], *lines[place + 1 :]], len(lines)
    found: list[str] = []
    while place < len(lines) and (mark := QUOTED.match(lines[place])):
        found.append(lines[place][mark.end() :])
        place += 1
    return found, place


def _add_item(found: list[Block], item: re.Match[str], line: Line) -> None:
    if not found or not isinstance(found[-1], Items):
        found.append(Items([]))
    number = int(item["number"]) if item["number"] else None
    items = found[-1]
    if isinstance(items, Items):
        items.items.append(Item(min(len(item["indent"]) // 4, 8), number, [line]))


def inline(line: str, name: Name) -> Line:
    tokens: list[Token] = []
    at = 0
    for found in TOKEN.finditer(line):
        if found.start() > at:
            tokens.append(Run(unescaped(line[at : found.start()])))
        at = found.end()
        if (mark := found["mark"]) is not None:
            tokens.append(mark_at(line, found.start(), at, STYLE_OF.get(mark, ""), within_words=False))
        elif (code := found["code"]) is not None:
            tokens.append(Run(_code(code), is_code=True))
        elif (named := found["emoji"]) is not None:
            short, _, tone = named.partition("::skin-tone-")
            tokens.append(Run(emoji.shown(short, tone)))
        else:
            tokens.append(_token(found["token"], name))
    if at < len(line):
        tokens.append(Run(unescaped(line[at:])))
    return paired(tokens)


def _token(inner: str, name: Name) -> Run:
    """What stands between angle brackets: a mention, a date, a link, or only brackets."""
    target, _, label = inner.partition("|")
    label = unescaped(label)
    if inner[0] in "@#":
        return Run(name(target[1:], label) if target[1:].isalnum() else unescaped(inner), token=f"<{inner}>")
    if inner.startswith("!subteam^"):
        return Run(name(target.removeprefix("!subteam^"), label), token=f"<{inner}>")
    if inner.startswith("!date^"):
        return Run(label or _date(target.split("^")[1]))
    if inner[0] == "!":
        return Run(label or f"@{target[1:].partition('^')[0]}")
    address = unescaped(target)
    if address.startswith(SCHEMES):
        shown = label or address
        if address == f"mailto:{shown}":
            return Run(shown)
        return Run(shown, link=address)
    return Run(unescaped(f"<{inner}>"))


def _date(seconds: str) -> str:
    try:
        return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Writing


def write(blocks: Iterable[Block], mention: Callable[[str], str]) -> str:
    """`mention` writes a piece of text with the mentions in it as Slack's."""
    found: list[str] = []
    last: Block | None = None
    for block in blocks:
        if last is not None:
            both = isinstance(block, Paragraph) and isinstance(last, Paragraph)
            apart = both or (isinstance(block, Quote) and isinstance(last, Quote))
            found.append("\n\n" if apart else "\n")
        found.append(_written(block, mention))
        last = block
    return "".join(found)


def _written(block: Block, mention: Callable[[str], str]) -> str:
    if isinstance(block, Fence):
        return f"```\n{escaped(block.text.replace('```', f'`{BREAK}``'))}\n```"
    if isinstance(block, Quote):
        inner = write(block.blocks, mention).split("\n")
        return "\n".join(f"> {line}".rstrip() for line in inner)
    if isinstance(block, Paragraph):
        return "\n".join(_unlike_blocks(_line(line, mention)) for line in block.lines)
    return "\n".join(_item(item, mention) for item in block.items)


def _item(item: Item, mention: Callable[[str], str]) -> str:
    sign = f"{item.number}." if item.number is not None else BULLETS[min(item.level, 2)]
    first, *rest = [_line(line, mention) for line in item.lines] or [""]
    indent = "    " * item.level
    return "\n".join([f"{indent}{sign} {first}", *[f"{indent}      {line}" for line in rest]])


def _unlike_blocks(line: str) -> str:
    """A paragraph that begins as a list or a quote does not become one."""
    return BREAK + line if ITEM.match(line) or QUOTED.match(line) else line


def _line(line: Line, mention: Callable[[str], str]) -> str:
    return marked(line, lambda run: _leaf(run, mention), SIGNS)


def _leaf(run: Run, mention: Callable[[str], str]) -> str:
    if run.token:
        return run.token
    if run.is_code and not run.link:
        return f"`{escaped(run.text.replace('`', 'ˋ'))}`" if run.text.strip() else run.text
    if run.link:
        return _link(run)
    return mention(run.text)


def _link(run: Run) -> str:
    if not run.link.startswith(SCHEMES):
        return text_leaf(run.text)
    address = escaped(BAD_IN_LINK.sub(lambda bad: _percent(bad[0]), run.link))
    if run.text == run.link:
        return f"<{address}>"
    return f"<{address}|{escaped(run.text).replace('|', '¦')}>"


def _percent(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode())


def text_leaf(text: str) -> str:
    """Words whose signs are no marks."""
    found, at = [], 0
    for sign in LITERAL.finditer(text):
        before, after = text[sign.start() - 1 : sign.start()], text[sign.end() : sign.end() + 1]
        found.append(emoji.named(escaped(text[at : sign.start()])))
        within = before.isalnum() and after.isalnum() and sign[0] != "`"
        found.append(sign[0] if within else f"{BREAK}{sign[0]}{BREAK}")
        at = sign.end()
    return "".join([*found, emoji.named(escaped(text[at:]))])
