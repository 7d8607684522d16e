"""The process that draws: one JSON text a line in, one JSON object a line out. Started with -I; imports no Debrief."""

from __future__ import annotations

import json
import re
import resource
import sys
from contextlib import suppress

SECONDS = 2
MEMORY = 1 << 30
TOO_LARGE = "It is too large; use fewer boxes and arrows"
# Of flowcharts and pies the strict part says what is wrong and the plain one draws; sequences and plans are drawn by the
# strict one, which knows their frames and their axis of time; of the others it refuses what draws well.
JUDGED = ("flowchart", "graph", "pie")
STRICT = ("sequenceDiagram", "gantt")


def draw(source: str) -> str:
    import mmdr

    kind = re.sub(r"(?m)^\s*(?:%%.*)?$\n?", "", source).lstrip()
    if kind.startswith("gantt") and "axisFormat" not in source:
        # Times without a day would stand on an axis of days.
        source = re.sub(r"(?m)^([ \t]*dateFormat[ \t]+HH:mm\S*)[ \t]*$", r"\1\naxisFormat %H:%M", source, count=1)
    if kind.startswith((*JUDGED, *STRICT)):
        drawn: str = mmdr.render(source).svg()
        if kind.startswith(STRICT):
            return drawn
    return str(mmdr.render(source, backend="mermaid-rs-renderer").svg())


def main() -> None:
    for name, most in (("CPU", SECONDS), ("AS", MEMORY), ("CORE", 0), ("FSIZE", 0)):
        # Not every system lets every limit be set; the deadline of who asks holds everywhere.
        with suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    for line in sys.stdin:
        try:
            answer = {"svg": draw(json.loads(line))}
        except BaseException as problem:
            # A panic of the native part is a BaseException; whatever it is, the page says it above the source.
            told = str(problem) or type(problem).__name__
            answer = {"problem": TOO_LARGE if "esource limit" in told else told}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
