"""A recorder's session in a process of its own, to be killed. Knows no Django, so that it starts in milliseconds."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from typing import Any

from telemetry.recorder.reflector import Pace
from telemetry.recorder.resources import BY_NAME
from telemetry.recorder.session import Session, WatchedCluster

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.telemetry.recorder.killed"])


def _record(cluster: WatchedCluster, conninfo: str, pace: Pace, resources: tuple[str, ...]) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    recorded = [BY_NAME[name] for name in resources]
    Session(cluster=cluster, conninfo=conninfo, leader="child", stopping=stopping, pace=pace, recorded=recorded).run()


class Killable:
    """`kill` is SIGKILL; `stop` is SIGTERM and returns the exit code."""

    def __init__(self, cluster: WatchedCluster, conninfo: str, pace: Pace, *resources: str) -> None:
        self._process: Any = CONTEXT.Process(target=_record, args=(cluster, conninfo, pace, resources), daemon=True)
        self._process.start()

    @property
    def is_alive(self) -> bool:
        return bool(self._process.is_alive())

    def kill(self) -> None:
        self._process.kill()
        self._process.join(10)

    def stop(self) -> int | None:
        self._process.terminate()
        self._process.join(20)
        code: int | None = self._process.exitcode
        return code
