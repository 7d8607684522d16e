"""A trace as a waterfall: who waited for whom, what failed, where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from incidents.drawing import box, label, milliseconds, number, place, rows, svg, words

ROW = 17
INDENT = 9
DEEPEST = 8
LEFT = 168


@dataclass(frozen=True, slots=True)
class Bar:
    id: str
    parent: str
    title: str
    start: float
    length: float
    error: bool
    message: str


def trace_waterfall(payload: Mapping[str, Any], limit: int = 40, *, width: int = 420) -> str:
    """At most `limit` spans: those on the critical path, the failed and the longest first, in order of the tree."""
    bars = [_bar(row) for row in rows(payload.get("spans"), 2_000)]
    if not bars:
        return ""
    critical = payload.get("critical")
    chosen = {str(name) for name in critical[:500]} if isinstance(critical, list | tuple) else set()
    shown = sorted(bars, key=lambda bar: (bar.id not in chosen, not bar.error, -bar.length))[: max(1, limit)]
    ordered = _in_order(shown)
    first = min(bar.start for bar in bars)
    whole = max([number(payload.get("duration_ms")) or 0.0] + [bar.start + bar.length - first for bar in bars]) or 1.0
    right = width - 62
    parts = _head(whole, right, len(ordered))
    for place_, (bar, depth) in enumerate(ordered):
        parts += _row(bar, depth, 14 + ROW * place_, first, whole, right, bar.id in chosen)
    height = 16 + ROW * len(ordered)
    rest = []
    if len(bars) > len(ordered):
        rest.append(f"{len(bars) - len(ordered)} shorter spans are not drawn")
    if orphans := number(payload.get("orphans")):
        rest.append(
            "1 span came without its parent" if orphans == 1 else f"{orphans:.0f} spans came without their parent"
        )
    for text in rest:
        parts.append(label(0, height + 9, text))
        height += ROW
    return svg(width, height, _in_numbers(payload, bars, whole), parts)


def _bar(row: Mapping[str, Any]) -> Bar:
    service, name = words(row.get("service"), 40), words(row.get("name"), 60)
    return Bar(
        id=words(row.get("span_id"), 64),
        parent=words(row.get("parent_id"), 64),
        title=f"{service}  {name}".strip() or "unnamed span",
        start=number(row.get("start_ms")) or 0.0,
        length=max(0.0, number(row.get("duration_ms")) or 0.0),
        error=row.get("error") is True,
        message=words(row.get("message"), 120),
    )


def _in_order(bars: list[Bar]) -> list[tuple[Bar, int]]:
    """Depth first by start; a span whose parent is not drawn, or is its own descendant, stands at the left."""
    names = {bar.id for bar in bars}
    children: dict[str, list[Bar]] = {}
    for bar in sorted(bars, key=lambda one: one.start):
        parent = bar.parent if bar.parent in names and bar.parent != bar.id else ""
        children.setdefault(parent, []).append(bar)
    ordered: list[tuple[Bar, int]] = []
    seen: set[int] = set()
    stack = [(bar, 0) for bar in reversed(children.get("", []))]
    while stack or len(seen) < len(bars):
        if not stack:
            stack.append((next(bar for bar in bars if id(bar) not in seen), 0))
        bar, depth = stack.pop()
        if id(bar) in seen:
            continue
        seen.add(id(bar))
        ordered.append((bar, depth))
        if bar.id:
            stack += [(child, depth + 1) for child in reversed(children.get(bar.id, []))]
    return ordered


def _head(whole: float, right: float, count: int) -> list[str]:
    parts = []
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + (right - LEFT) * share
        parts.append(f'<path class="ax" d="M{place(x)} 12V{place(14 + ROW * count)}"/>')
        parts.append(label(x, 9, milliseconds(whole * share) if share else "0", anchor=anchor))
    return parts


def _row(bar: Bar, depth: int, y: float, first: float, whole: float, right: float, critical: bool) -> list[str]:
    indent = INDENT * min(depth, DEEPEST)
    most = int((LEFT - 6 - indent) / (6.1 if critical else 5.7))
    x = LEFT + (right - LEFT) * (bar.start - first) / whole
    wide = max(1.5, (right - LEFT) * bar.length / whole)
    kind = "bar-b" if bar.error else "bar-a" if critical else "bar"
    # What its colour says, its words say too: heavy on the critical path, a cross where it failed.
    return [
        label(indent, y + 11, words(bar.title.replace("  ", " "), most), kind="lab crit" if critical else "lab"),
        box(kind, x, y + 3, wide, 9),
        label(
            x + wide + 3,
            y + 11,
            f"{'✕ ' if bar.error else ''}{milliseconds(bar.length)}",
            kind="hot" if bar.error else "",
        ),
    ]


def _in_numbers(payload: Mapping[str, Any], bars: list[Bar], whole: float) -> str:
    root = payload.get("root")
    name = words(root.get("name"), 60) if isinstance(root, Mapping) else ""
    failed = [bar for bar in bars if bar.error]
    told = f"Trace{f' of {name}' if name else ''}, {milliseconds(whole)}, {len(bars)} spans, {len(failed)} failed"
    if failed:
        worst = max(failed, key=lambda bar: bar.length)
        told += f"; the longest failed one is {worst.title}, {milliseconds(worst.length)}"
    return f"{told}."
