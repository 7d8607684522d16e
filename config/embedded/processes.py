"""Starting children that cannot outlive us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartProblem(SystemExit):
    """One line for the person at the terminal."""

    def __init__(self, line: str) -> None:
        super().__init__(f"debrief: {line}")


def _tie_to_parent(deathsig: int) -> Callable[[], None] | None:
    """Runs in the child after it changed its user (which clears the setting) and before exec."""
    if _LIBC is None:
        return None
    parent, libc = os.getpid(), _LIBC

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, deathsig)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    deathsig: int = signal.SIGKILL,
    output: IO[bytes] | None = None,
    user: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in its own process group (Ctrl-C reaches us alone, we stop it in order)."""
    return subprocess.Popen(  # noqa: S603 - commands are ours, never typed by anybody
        [str(part) for part in command],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_tie_to_parent(deathsig),
        user=user,
        group=user,
        extra_groups=[] if user is not None else None,
    )


def stop(process: subprocess.Popen[bytes], *, sign: int = signal.SIGTERM, patience: float = 10.0) -> None:
    """Ask, wait, then end the whole group."""
    if process.poll() is not None:
        return
    process.send_signal(sign)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        process.wait()
