"""`python -m config.embedded [--demo]`: what `make run` and `make demo` start."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from config.embedded.processes import StartProblem
from config.embedded.stack import Stack, handle_signals

AGAIN = "Sign in as before; .venv/bin/python manage.py sign_in_link USER prints a new one-time link."


def _outage(stack: Stack) -> AbstractContextManager[None]:
    """Imported only for the demo: it needs the recordings, which lie beside the tests."""
    from config.embedded.demo import recorded_outage

    return recorded_outage(stack)


def main() -> None:
    parser = argparse.ArgumentParser(prog="debrief", description="Run Debrief with everything it needs.")
    parser.add_argument("--demo", action="store_true", help="replay the recorded outage first")
    arguments = parser.parse_args()
    base_dir = Path(__file__).resolve().parents[2]
    port = os.environ.get("PORT") or "8000"
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise StartProblem(f"PORT: is {port!r}; expected a whole number from 1 to 65535")
    data_dir = Path(os.environ.get("DEBRIEF_DATA_DIR") or base_dir / ".debrief").resolve()
    stack = Stack(data_dir=data_dir, port=int(port), base_dir=base_dir)
    handle_signals(stack)
    try:
        link = stack.start()
        with _outage(stack) if arguments.demo else nullcontext():
            address = stack.env.get("BASE_URL") or f"http://127.0.0.1:{port}"
            print(f"Debrief runs on {address}  (Ctrl-C stops it)")
            print(link.strip() or AGAIN, flush=True)
            stack.watch()
    finally:
        print("debrief: stopping", file=sys.stderr)
        stack.stop()


if __name__ == "__main__":
    main()
