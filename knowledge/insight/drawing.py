"""The charts of insight as SVG: months side by side. Geometry in attributes, colour in classes."""

from __future__ import annotations

from collections.abc import Sequence

from incidents.drawing import box, label, place, svg
from incidents.durations import spoken

WIDTH, HEIGHT = 620, 190
LEFT, RIGHT, TOP, BOTTOM = 58.0, 8.0, 12.0, 24.0
STEPS = (60, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000)

# (label of the month, median, p90), seconds or None
Month = tuple[str, float | None, float | None]


def months_chart(months: Sequence[Month], title: str) -> str:
    """A line through the medians, a bar up to each p90; "" where nothing is known."""
    known = [value for _, median, p90 in months for value in (median, p90) if value is not None]
    if not known:
        return ""
    top = _top(max(known))
    step = (WIDTH - LEFT - RIGHT) / len(months)
    parts = _grid(top)
    path: list[str] = []
    for number, (name, median, p90) in enumerate(months):
        x = LEFT + step * (number + 0.5)
        if p90 is not None:
            y, size = _y(p90, top), min(18.0, step * 0.5)
            parts.append(box("bar-a soft", x - size / 2, y, size, HEIGHT - BOTTOM - y))
        if median is not None:
            path.append(f"{place(x)} {place(_y(median, top))}")
        if len(months) <= 12 or number % 3 == 0:
            parts.append(label(x, HEIGHT - 8, name, anchor="middle"))
    if path:
        parts.append(f'<path class="line" d="M{" L".join(path)}"/>')
        parts += [f'<circle class="ring" cx="{at.split()[0]}" cy="{at.split()[1]}" r="3"/>' for at in path]
    return svg(WIDTH, HEIGHT, _in_words(months, title), parts, wide=True)


def bars_chart(months: Sequence[tuple[str, int, int]], title: str, names: tuple[str, str]) -> str:
    """Two counts for each month, side by side; "" where all are 0."""
    highest = max((max(first, second) for _, first, second in months), default=0)
    if not highest:
        return ""
    step = (WIDTH - LEFT - RIGHT) / len(months)
    size = min(14.0, step * 0.35)
    parts = [f'<path class="ax" d="M{place(LEFT)} {place(HEIGHT - BOTTOM)}H{place(WIDTH - RIGHT)}"/>']
    for number, (name, first, second) in enumerate(months):
        x = LEFT + step * (number + 0.5)
        for count, left, tone in ((first, x - size - 1, "bar-a"), (second, x + 1, "bar-g")):
            if count:
                y = TOP + (1 - count / highest) * (HEIGHT - TOP - BOTTOM)
                parts.append(box(tone, left, y, size, HEIGHT - BOTTOM - y))
                parts.append(label(left + size / 2, y - 3, str(count), kind="lab", anchor="middle"))
        if len(months) <= 12 or number % 3 == 0:
            parts.append(label(x, HEIGHT - 8, name, anchor="middle"))
    told = "; ".join(
        f"{name}: {first} {names[0]}, {second} {names[1]}" for name, first, second in months if first or second
    )
    return svg(WIDTH, HEIGHT, f"{title}. {told}", parts, wide=True)


def _top(highest: float) -> float:
    step = next((one for one in STEPS if highest / one <= 4), STEPS[-1])
    return step * max(1, -(-highest // step))


def _y(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)


def _grid(top: float) -> list[str]:
    step = next((one for one in STEPS if top / one <= 4), STEPS[-1])
    parts = []
    for number in range(int(top // step) + 1):
        y = _y(number * step, top)
        parts.append(f'<path class="ax" d="M{place(LEFT)} {place(y)}H{place(WIDTH - RIGHT)}"/>')
        parts.append(label(LEFT - 6, y + 4, spoken(number * step) if number else "0", anchor="end"))
    return parts


def _in_words(months: Sequence[Month], title: str) -> str:
    told = [
        f"{name}: median {spoken(median)}" + (f", p90 {spoken(p90)}" if p90 is not None else "")
        for name, median, p90 in months
        if median is not None
    ]
    return f"{title}. {'; '.join(told)}"
