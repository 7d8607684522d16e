"""The Markdown that people write here, read for Slack, and what Slack says, written as such.

As incidents/chat_text.py and incidents/markdown.py show it; what they do not know is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from incidents.slack.marks import Mark, Token, mark_at, paired
from incidents.slack.spans import (
    BOLD,
    BREAK,
    ITALIC,
    JOIN,
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

SCHEMES = ("https://", "http://", "mailto:", "tel:")
ADDRESS = r"(?:https?://|mailto:|tel:)[^\s<>]{1,4000}"
TOKEN = re.compile(
    r"\\(?P<sign>[!-/:-@\[-`{-~])"
    rf"|(?P<less><){JOIN}"
    r"|(?P<ticks>`+)"
    r"|!?\[\[(?P<reference>(?:E|INC|F|L)-[1-9]\d{0,8})(?: [^\[\]\n]{0,500})?\]\]"
    rf"|{BREAK}?!?\[(?P<label>[^\[\]\n]*)\]\(<?(?P<target>(?:[^\s()<>]|\([^\s()<>]*\))*)>?(?: \"[^\"\n]*\")?\)"
    rf"|<(?P<auto>{ADDRESS})>"
    r"|(?<![\w/@])(?P<bare>https?://[^\s<>\"`|\\]{1,4000})"
    r"|(?P<mark>\*+|_+|~+)"
)
FENCE = re.compile(r" {0,3}(?P<ticks>`{3,}|~{3,}) *[\w+#.-]* *\Z")
HEADING = re.compile(r" {0,3}#{1,6} +(?P<text>.*)")
QUOTED = re.compile(r" {0,3}> ?(?P<text>.*)")
ITEM = re.compile(r"(?P<indent> {0,40})(?:[-*+•]|(?P<number>\d{1,9})[.)])(?: +(?P<text>.*)|\Z)")
RULE = re.compile(r" {0,3}(?:-{3,}|\*{3,}|_{3,})\s*\Z")
STYLE_OF = {"*": ITALIC, "**": BOLD, "_": ITALIC, "__": BOLD, "~~": STRIKE}
SIGNS = {BOLD: "**", ITALIC: "_", STRIKE: "~~"}
SIGN_OF_RULE = "———"
MOST_QUOTES, DEEPEST = 4, 8
BAD_IN_LINK = re.compile(r"[\s()<>\"'`\\\[\]{}]")
AFTER_LINK = ".,;:!?*_~'"
SPECIAL = re.compile(r"\\(?![A-Za-z0-9])|[*_`]|~~+|<(?=[A-Za-z/!])|\]\(|\[\[|\[\^|\]:|\][\[]")
BEGINS = re.compile(r"\s*(?:(?P<marker>[-+*>#=]|\d{1,9}(?=[.)](?:\s|\Z)))|(?P<note>!!!)|(?P<label>\[[^\]\n]*\]:))")


def read(text: str) -> list[Block]:
    return _blocks(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), MOST_QUOTES)


def _blocks(lines: list[str], depth: int) -> list[Block]:
    found: list[Block] = []
    said: list[Line] = []
    widths: list[int] = []
    place = 0
    # A list goes on behind one blank line, a further line of its item does not.
    is_open = False
    while place < len(lines):
        line = lines[place].expandtabs(4)
        fence, item = FENCE.match(line), ITEM.match(line)
        if fence or (depth and QUOTED.match(line)) or (item and not RULE.match(line)):
            found += paragraphs(said)
            said = []
        if fence:
            end = _end_of_code(lines, place + 1, fence["ticks"])
            found.append(Fence("\n".join(lines[place + 1 : end])))
            place = end
        elif depth and QUOTED.match(line):
            end = _end_of_quote(lines, place)
            found.append(Quote(_blocks([_inside(one) for one in lines[place:end]], depth - 1)))
            place = end - 1
        elif item and not RULE.match(line):
            _add_item(found, item, widths)
            is_open = True
        elif is_open and not said and line.startswith("  ") and line.strip() and isinstance(found[-1], Items):
            found[-1].items[-1].lines.append(inline(line.strip()))
        else:
            said.append(_paragraph_line(line))
            is_open = False
        place += 1
    return found + paragraphs(said)


def _end_of_code(lines: list[str], place: int, ticks: str) -> int:
    while place < len(lines):
        bare = lines[place].strip()
        if len(bare) >= len(ticks) and not bare.strip(ticks[0]):
            break
        place += 1
    return place


def _end_of_quote(lines: list[str], place: int) -> int:
    while place < len(lines) and QUOTED.match(lines[place]):
        place += 1
    return place


def _inside(line: str) -> str:
    found = QUOTED.match(line)
    return found["text"] if found else line


def _add_item(found: list[Block], item: re.Match[str], widths: list[int]) -> None:
    """It lies below the last that begins further to the left; `widths` are those of the items that it may lie below."""
    items = found[-1] if found and isinstance(found[-1], Items) else None
    if items is None:
        items = Items([])
        found.append(items)
        widths.clear()
    width = len(item["indent"])
    while widths and width < widths[-1] + 2:
        widths.pop()
    widths.append(width)
    number = int(item["number"]) if item["number"] else None
    items.items.append(Item(min(len(widths) - 1, DEEPEST), number, [inline(item["text"] or "")]))


def _paragraph_line(line: str) -> Line:
    if heading := HEADING.match(line):
        words = inline(heading["text"].rstrip().rstrip("#").rstrip())
        return [Run(run.text, run.styles | {BOLD}, run.is_code, run.link, run.token) for run in words]
    if RULE.match(line):
        return [Run(SIGN_OF_RULE)]
    return inline(line.strip().removesuffix("\\"))


def inline(line: str, *, links: bool = True) -> Line:
    tokens: list[Token] = []
    spent: set[str] = set()
    at = place = 0
    while found := TOKEN.search(line, place):
        place = found.end()
        token = _token(line, found, spent, links=links)
        if token is None:
            continue
        if found.start() > at:
            tokens.append(Run(line[at : found.start()]))
        made, place = token
        tokens += made
        at = place
    if at < len(line):
        tokens.append(Run(line[at:]))
    return paired(tokens)


def _token(line: str, found: re.Match[str], spent: set[str], *, links: bool) -> tuple[list[Token], int] | None:
    """What was found, and where it ends; None where it is text after all. `spent` are the ticks without an end."""
    end = found.end()
    if (sign := found["sign"] or found["less"]) is not None:
        return [Run(sign)], end
    if ticks := found["ticks"]:
        return _code(line, end, ticks, spent)
    if found["reference"]:
        return [Run(found["reference"])], end
    if (mark := found["mark"]) is not None:
        return _marks(line, found.start(), end, mark), end
    if not links:
        return None
    if (target := found["target"]) is not None:
        if not target.startswith(SCHEMES):
            return None
        label = inline(found["label"], links=False) or [Run(target)]
        return [Run(run.text, run.styles, run.is_code, target) for run in label], end
    if auto := found["auto"]:
        return [Run(auto, link=auto)], end
    address = _sentence_end(found["bare"])
    return [Run(address, link=address)], found.start() + len(address)


def _code(line: str, end: int, ticks: str, spent: set[str]) -> tuple[list[Token], int] | None:
    if ticks in spent:
        return None
    for close in re.compile("`+").finditer(line, end):
        if close[0] == ticks:
            text = line[end : close.start()]
            if text.startswith(" ") and text.endswith(" ") and text.strip():
                text = text[1:-1]
            return [Run(text, is_code=True)], close.end()
    spent.add(ticks)
    return None


def _marks(line: str, start: int, end: int, mark: str) -> list[Token]:
    """`***` is two marks that begin or end together."""
    whole = mark_at(line, start, end, "", within_words=mark[0] != "_")
    if len(mark) == 3 and mark[0] != "~":
        parts = [mark[:2], mark[0]]
        return [Mark(part, STYLE_OF[part], whole.may_open, whole.may_close) for part in parts]
    return [Mark(mark, STYLE_OF.get(mark, ""), whole.may_open, whole.may_close)]


def _sentence_end(address: str) -> str:
    kept = address.rstrip(AFTER_LINK)
    while kept.endswith(")") and kept.count(")") > kept.count("("):
        kept = kept[:-1].rstrip(AFTER_LINK)
    return kept


# Writing


def write(blocks: Iterable[Block]) -> str:
    return "\n\n".join(filter(None, map(_written, blocks)))


def _written(block: Block) -> str:
    if isinstance(block, Fence):
        ticks = "```"
        while ticks in block.text:
            ticks += "`"
        return f"{ticks}\n{block.text}\n{ticks}"
    if isinstance(block, Quote):
        return "\n".join(f"> {line}".rstrip() for line in write(block.blocks).split("\n"))
    if isinstance(block, Paragraph):
        return "\n".join(_unlike_blocks(_line(line)) for line in block.lines)
    return "\n".join(map(_item, block.items))


def _item(item: Item) -> str:
    sign, indent = f"{item.number}." if item.number is not None else "-", "    " * item.level
    first, *rest = map(_line, item.lines or [[]])
    return "\n".join([f"{indent}{sign} {first}", *[f"{indent}    {line}" for line in rest]])


def _unlike_blocks(line: str) -> str:
    """A paragraph that begins as a list, a quote or a heading does not become one."""
    line = line.strip()
    found = BEGINS.match(line)
    if found is None or (line.startswith("**") and not RULE.match(line)):
        return line
    marker = found["marker"] or ""
    if marker.isdigit():
        return f"{line[: len(marker)]}\\{line[len(marker) :]}"
    if marker == "=":
        return BREAK + line
    return f"\\{line}"


def _line(line: Line) -> str:
    last = ""

    def leaf(run: Run) -> str:
        nonlocal last
        # Behind an exclamation mark a link would be a picture.
        apart = BREAK if run.link and last.endswith("!") else ""
        last = apart + _leaf(run)
        return last

    return marked(line, leaf, SIGNS)


def _leaf(run: Run) -> str:
    if run.link:
        return _link(run)
    if run.is_code:
        return _ticked(run.text)
    return text_leaf(run.text)


def _ticked(text: str) -> str:
    if not text.strip():
        return text
    if "`" not in text:
        return f"`{text}`"
    ticks = "``"
    while ticks in text:
        ticks += "`"
    return f"{ticks} {text} {ticks}"


def _link(run: Run) -> str:
    address = BAD_IN_LINK.sub(lambda bad: "".join(f"%{byte:02X}" for byte in bad[0].encode()), run.link)
    if run.text == run.link:
        return f"<{address}>"
    label = run.text.replace("[", "(").replace("]", ")")
    return f"[{_ticked(label) if run.is_code else text_leaf(label)}]({address})"


def text_leaf(text: str) -> str:
    """Words whose signs are no marks."""
    return SPECIAL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    signs, text = found[0], found.string
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    if signs.startswith("~") or signs == "<":
        # These two no renderer takes back from a backslash.
        return BREAK.join(signs) if signs != "<" else f"<{JOIN}"
    if signs == "_" and before.isalnum() and after.isalnum():
        return signs
    if signs == "*" and before.isspace() and after.isspace():
        return signs
    return "".join(f"\\{sign}" for sign in signs)
