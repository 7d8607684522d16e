"""One demo stack as a black box: `python -m config.embedded --demo` with a data directory and a port of its own."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
INHERITED = ("DATABASE_URL", "TEST_DATABASE_URL", "DEBRIEF_TEST_SERVER", "SECRET_KEY", "ALLOWED_HOSTS", "BASE_URL")


@dataclass(frozen=True)
class Demo:
    """A running stack: where it listens, the printed sign-in link, where its data lies."""

    address: str
    link: str
    data_dir: Path

    def manage(self, *arguments: str) -> str:
        """What a manage.py command of this stack prints."""
        lines = (self.data_dir / "environment").read_text().splitlines()
        given = dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in lines)
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**_clean_environment(), **given},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in INHERITED}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(data_dir: Path) -> Iterator[Demo]:
    """Starts the stack, waits for its sign-in link, and ends it as Ctrl-C would."""
    data_dir.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = {**_clean_environment(), "DEBRIEF_DATA_DIR": str(data_dir), "PORT": str(port)}
    with (data_dir / "stack.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.embedded", "--demo"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            link = _printed_link(process, data_dir)
            yield Demo(address=f"http://127.0.0.1:{port}", link=link, data_dir=data_dir)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=40)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                if process.stdout:
                    process.stdout.close()


def _printed_link(process: subprocess.Popen[bytes], data_dir: Path) -> str:
    assert process.stdout is not None
    printed = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        ready, _, _ = select.select([process.stdout], [], [], 0.5)
        if ready:
            printed += os.read(process.stdout.fileno(), 4096)
        if found := re.search(rb"(http://\S+/sign-in/\S+/)\s", printed):
            return found.group(1).decode()
    raise RuntimeError(f"the demo stack printed no sign-in link: {(data_dir / 'stack.log').read_text()[-2000:]}")
