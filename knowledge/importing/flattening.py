"""A pandoc document as JSON, made plain: what GitHub's Markdown has no way to say is said in words.

https://hackage.haskell.org/package/pandoc-types/docs/Text-Pandoc-Definition.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

Node = dict[str, Any]
SPACE: Node = {"t": "Space"}


def flatten(tree: Node) -> Node:
    return {**tree, "blocks": [_block(block) for block in tree["blocks"]]}


def _block(node: Any) -> Any:
    """Every node anew, the tables flat, line breaks soft (our renderer keeps them), raw HTML as the text it is."""
    if isinstance(node, list):
        return [_block(one) for one in node]
    if not isinstance(node, dict):
        return node
    kind, content = node.get("t"), cast(Any, node.get("c"))
    if kind == "Table":
        return _table(content)
    if kind == "LineBreak":
        return {"t": "SoftBreak"}
    if kind == "RawBlock":
        return {"t": "Para", "c": [{"t": "Str", "c": content[1]}]}
    if kind == "RawInline":
        return {"t": "Str", "c": content[1]}
    return {key: _block(value) for key, value in node.items()}


def _table(content: list[Any]) -> Node:
    """Cells in one line each, spans undone: a cell over two rows or columns stands in the first."""
    attributes, caption, columns, head, bodies, foot = content
    width = len(columns)
    rows = [*head[1], *(row for body in bodies for part in body[2:4] for row in part), *foot[1]]
    flat = _rows(rows, width)
    count = len(head[1]) or (1 if flat else 0)
    return {
        "t": "Table",
        "c": [
            attributes,
            [None, [_block(block) for block in caption[1]]],
            [[column[0], {"t": "ColWidthDefault"}] for column in columns],
            [head[0], flat[:count]],
            [[["", [], []], 0, [], flat[count:]]],
            [foot[0], []],
        ],
    }


def _rows(rows: list[Any], width: int) -> list[Any]:
    """A grid without spans; what a span covers is empty."""
    covered: dict[tuple[int, int], bool] = {}
    found = []
    for at, (attributes, cells) in enumerate(rows):
        line: list[Any] = []
        waiting = list(cells)
        while len(line) < width:
            if covered.get((at, len(line))) or not waiting:
                line.append(_cell([]))
                continue
            _, _, down, right, blocks = waiting.pop(0)
            place = len(line)
            for row in range(at, at + down):
                for column in range(place, min(width, place + right)):
                    covered[row, column] = (row, column) != (at, place)
            line.append(_cell(_inlines(blocks)))
        # More cells than columns: their words go into the last.
        rest = [word for cell in waiting for word in [SPACE, *_inlines(cell[4])]]
        if rest:
            line[-1][4][0]["c"] += rest
        found.append([attributes, line])
    return found


def _cell(inlines: list[Node]) -> list[Any]:
    return [["", [], []], {"t": "AlignDefault"}, 1, 1, [{"t": "Plain", "c": inlines}]]


def _inlines(blocks: Iterable[Node]) -> list[Node]:
    """The words of blocks in one line: list items divided by semicolons, paragraphs by a blank."""
    found: list[Node] = []
    for block in blocks:
        part = _words(block)
        if part and found:
            found.append(SPACE)
        found += part
    return found


def _words(block: Node) -> list[Node]:
    kind, content = block["t"], cast(Any, block.get("c"))
    if kind in {"Plain", "Para"}:
        return [SPACE if one.get("t") in {"LineBreak", "SoftBreak"} else _block(one) for one in content]
    if kind == "Header":
        return [{"t": "Strong", "c": _block(content[2])}]
    if kind == "CodeBlock":
        return [{"t": "Code", "c": [["", [], []], " ".join(content[1].split())]}]
    if kind in {"BulletList", "OrderedList"}:
        items = content if kind == "BulletList" else content[1]
        return _joined(_inlines(item) for item in items)
    if kind in {"BlockQuote", "Div"}:
        return _inlines(content if kind == "BlockQuote" else content[1])
    if kind == "LineBlock":
        return [word for line in content for word in [*line, SPACE]]
    if kind == "DefinitionList":
        return _joined(
            [*term, SPACE, *(word for one in meanings for word in _inlines(one))] for term, meanings in content
        )
    if kind == "Table":
        cells = (cell[4] for row in _table(content)["c"][4][0][3] for cell in row[1])
        head = (cell[4] for row in _table(content)["c"][3][1] for cell in row[1])
        return _joined(_inlines(one) for one in [*head, *cells])
    if kind == "RawBlock":
        return [{"t": "Str", "c": content[1]}]
    if kind == "Figure":
        return _inlines([*content[2], *content[1][1]])
    return []


def _joined(parts: Iterable[list[Node]]) -> list[Node]:
    found: list[Node] = []
    for part in parts:
        if part and found:
            found += [{"t": "Str", "c": ";"}, SPACE]
        found += part
    return found
