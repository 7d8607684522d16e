"""Debrief's own processes, run for tests as they run in production and ended by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
CELERY = [sys.executable, "-m", "celery", "--app", "config", "--quiet"]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(condition: Callable[[], T], what: str, seconds: float = 30) -> T:
    """The first true value of `condition`, asked every 50 ms."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)
    return value


@contextmanager
def process(command: list[str], *, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a group of its own; the group is ended with it, whatever happened."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, env=dict(environment), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield child
    finally:
        end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """At once: Debrief is made to lose nothing by it."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def worker_command(concurrency: int = 4) -> list[str]:
    options = ["--loglevel", "WARNING", "--pool", "prefork", "--concurrency", str(concurrency)]
    return [*CELERY, "worker", *options, "--without-gossip", "--without-mingle"]


def beat_command(folder: Path) -> list[str]:
    return [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile=", "--schedule", str(folder / "schedule")]


def web_command(port: int, application: str = "config.asgi:application") -> list[str]:
    options = ["--no-access-log", "--log-level", "warning", "--lifespan", "off", "--timeout-graceful-shutdown", "1"]
    sockets = ["--ws", "websockets-sansio", "--ws-max-size", "2097152"]
    return [sys.executable, "-m", "uvicorn", application, "--port", str(port), *options, *sockets]


@contextmanager
def web(*, environment: Mapping[str, str], log: Path, application: str = "config.asgi:application") -> Iterator[str]:
    """The address of a web process that answers."""
    port = free_port()
    with process(web_command(port, application), environment={**environment, "PORT": str(port)}, log=log) as child:
        address = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert child.poll() is None, log.read_text()
            try:
                return httpx.get(f"{address}/healthz").is_success
            except httpx.TransportError:
                return False

        wait_for(answers, "the web process")
        yield address
