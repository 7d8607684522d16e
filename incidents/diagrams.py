"""Mermaid drawn offline. The drawing program is native code that a hostile source can keep busy for minutes, so it
runs in a process of its own with a deadline and limits (35 ms with its start); what comes back is taken apart and only
what an allow-list knows is put together again. Plain Python."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from pathlib import Path

from incidents.diagram_svg import WrongDrawing, cleaned

SOURCE = 10_000
DEADLINE = 6.0
_WORKER = Path(__file__).with_name("diagram_worker.py")


@dataclass(frozen=True, slots=True)
class Drawing:
    """`svg` is safe to print but for the ids, which `html` makes unique; `problem` says why there is none."""

    svg: str = ""
    problem: str = ""

    @property
    def is_passing(self) -> bool:
        """May be drawn at another time."""
        return self in (LATE, UNTRIED)


LATE = Drawing(problem="It could not be drawn in time; use fewer boxes and arrows.")
UNTRIED = Drawing(problem="Those before it took all the time there is; look again in a moment.")


def drawings(sources: list[str]) -> list[Drawing]:
    """One drawing for each source. The program is started anew after one that took it down, within one deadline."""
    found: dict[int, Drawing] = {}
    waiting = list(range(len(sources)))
    until = time.monotonic() + DEADLINE
    while waiting and (left := until - time.monotonic()) > 0:
        place = waiting[0]
        if len(sources[place]) > SOURCE:
            found[place] = Drawing(problem=f"It has {len(sources[place]):,} characters; at most {SOURCE:,} are drawn.")
            waiting.pop(0)
            continue
        fit = list(takewhile(lambda at: len(sources[at]) <= SOURCE, waiting))
        answers = _asked([sources[at] for at in fit], left)
        found |= dict(zip(fit, answers, strict=False))
        if len(answers) < len(fit):
            found[fit[len(answers)]] = LATE
        waiting = [at for at in waiting if at not in found]
    return [found.get(at, UNTRIED) for at in range(len(sources))]


def _asked(sources: list[str], seconds: float) -> list[Drawing]:
    """The answers that came: fewer than asked for where a source took the program down or the time was over."""
    command = [sys.executable, "-I", str(_WORKER)]
    asked = "".join(json.dumps(source) + "\n" for source in sources).encode()
    try:
        ran = subprocess.run(command, input=asked, capture_output=True, timeout=seconds, check=False)  # noqa: S603
        said = ran.stdout
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
    return [_answer(line, source) for line, source in zip(said.split(b"\n")[:-1], sources, strict=False)]


def _answer(line: bytes, source: str) -> Drawing:
    try:
        told = json.loads(line)
        if "problem" in told:
            return Drawing(problem=_plain(str(told["problem"])))
        return Drawing(svg=cleaned(str(told["svg"]), tinted=source.lstrip().startswith("pie")))
    except WrongDrawing as problem:
        return Drawing(problem=str(problem))
    except (ValueError, KeyError, TypeError):
        return LATE


def _plain(problem: str) -> str:
    flat = " ".join(problem.split())[:200].rstrip(". ")
    return f"{flat[:1].upper()}{flat[1:]}."


def html(drawing: Drawing, source: str, *, place: int, prefix: str = "") -> str:
    """The figure's inside: the drawing under ids of its own, or the source as code with the reason above it."""
    if drawing.svg:
        own = re.sub(r"[^\w-]", "", prefix)
        return f'<div class="scroll-x">{drawing.svg.replace("dg-ID-", f"dg-{own}{place}-")}</div>'
    return (
        f'<p class="sm warn">This diagram could not be drawn. {escape(drawing.problem)}</p>'
        f'<pre><code class="language-mermaid">{escape(source)}\n</code></pre>'
    )
