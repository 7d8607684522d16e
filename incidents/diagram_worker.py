"""The process that draws: one JSON text a line in, one JSON object a line out. Started with -I; imports no Debrief."""

from __future__ import annotations

import json
import re
import resource
import sys
from contextlib import suppress

SECONDS = 3
MEMORY = 1 << 30
PARTICIPANTS = 40
TOO_LARGE = "It is too large; use fewer boxes and arrows"
# Of these the strict parser knows all that people write; of the others it refuses what draws well.
JUDGED = ("flowchart", "graph", "pie")


def draw(source: str) -> str:
    import mmdr

    kind = re.sub(r"(?m)^\s*(?:%%.*)?$\n?", "", source).lstrip()
    if kind.startswith(JUDGED):
        # The drawing part guesses where the source is wrong; the strict one says what is wrong.
        mmdr.render(source).svg()
    for _ in range(PARTICIPANTS):
        try:
            return mmdr.render(source, backend="mermaid-rs-renderer").svg()
        except ValueError as problem:
            # Where some participants are declared it wants all of them; Mermaid takes the others as they come.
            unknown = re.search(r"[Uu]nknown participant '([^'\n]{1,80})'", str(problem))
            if unknown is None:
                raise
            source = re.sub(r"(?m)^(\s*sequenceDiagram.*)$", rf"\1\nparticipant {unknown[1]}", source, count=1)
    raise ValueError(TOO_LARGE)


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
