"""`python -m config.embedded [--demo]`: what `make run` and `make demo` start."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from config.embedded.processes import StartProblem
from config.embedded.stack import Stack, handle_signals


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
        if arguments.demo:
            from config.embedded.demo import replay_outage

            replay_outage(stack)
        print(f"Debrief runs on {stack.env.get('BASE_URL') or f'http://127.0.0.1:{port}'}  (Ctrl-C stops it)")
        print(
            link.strip() or "Sign in as before; `manage.py sign_in_link USER` prints a new one-time link.",
            flush=True,
        )
        stack.watch()
    finally:
        print("debrief: stopping", file=sys.stderr)
        stack.stop()


if __name__ == "__main__":
    main()
