"""Socket Mode: the same payloads over websockets that the app opens, with acknowledgements and dropped lines."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.stand_ins.slack.delivery import Answer
from tests.stand_ins.slack.workspace import Workspace

TYPES = {
    "events": "events_api",
    "interactions": "interactive",
    "suggestions": "interactive",
    "commands": "slash_commands",
}
HOST = "applink-stand-in"


@dataclass
class Waiting:
    """An envelope on its way: `line` is the connection that has it."""

    line: ServerConnection
    done: threading.Event = field(default_factory=threading.Event)
    acknowledged: bool = False
    response: Any = None


class Sockets:
    """`ack_within` seconds for each acknowledgement; `grace` between a disconnect message and the end of the line."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.ack_within = 3.0
        self.grace = 0.3
        self.opened = 0
        self.envelopes: list[dict[str, Any]] = []
        self._losing = 0
        self._tickets: set[str] = set()
        self._lines: list[ServerConnection] = []
        self._waiting: dict[str, Waiting] = {}
        self._changed = threading.Condition()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def new_address(self) -> str:
        """A ws:// address with a ticket that is good once."""
        with self._changed:
            if self._server is None:
                logger = logging.getLogger("slack-stand-in")
                logger.setLevel(logging.CRITICAL)
                self._server = serve(self._talk, "127.0.0.1", 0, compression=None, close_timeout=0.2, logger=logger)
                self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
                self._thread.start()
            ticket = uuid.uuid4().hex
            self._tickets.add(ticket)
            port = self._server.socket.getsockname()[1]
        return f"ws://127.0.0.1:{port}/link/?ticket={ticket}&app_id={self.workspace.app_id}"

    def stop(self) -> None:
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()

    def wait_connected(self, timeout: float = 10.0) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._lines), timeout):
                raise TimeoutError("nobody connected")

    def _talk(self, line: ServerConnection) -> None:
        ticket = parse_qs(urlsplit(line.request.path).query).get("ticket", [""])[0] if line.request else ""
        with self._changed:
            if ticket not in self._tickets:
                return
            self._tickets.discard(ticket)
            self.opened += 1
        try:
            self._greet(line)
            for message in line:
                self._take(json.loads(message))
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._gone(line)

    def _greet(self, line: ServerConnection) -> None:
        hello = {
            "type": "hello",
            "num_connections": len(self._lines) + 1,
            "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self.workspace.app_id},
        }
        line.send(json.dumps(hello))
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def _gone(self, line: ServerConnection) -> None:
        with self._changed:
            if line in self._lines:
                self._lines.remove(line)
            for waiting in self._waiting.values():
                if waiting.line is line:
                    waiting.done.set()

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            waiting = self._waiting.get(message.get("envelope_id", ""))
            if waiting is None:
                return
            if self._losing:
                self._losing -= 1
                return
            waiting.acknowledged, waiting.response = True, message.get("payload")
            waiting.done.set()

    def carry(self, kind: str, payload: Any, *, attempt: int = 0, patient: bool = False) -> Answer:
        """Sends until it is acknowledged: on the next line when one breaks. A `patient` sender (of events) waits for
        somebody to connect; the others, like the person before the window, no longer than `ack_within`."""
        started = time.perf_counter()
        while not self._stopping.is_set():
            left = self.ack_within - (time.perf_counter() - started)
            line = self._next_line(None if patient else left)
            if line is None:
                break
            waiting = self._send(line, kind, payload, attempt)
            broken = waiting.done.wait(self.ack_within if patient else max(left, 0)) and not waiting.acknowledged
            if waiting.acknowledged:
                body = json.dumps(waiting.response).encode() if waiting.response is not None else b""
                return Answer(200, body, seconds=time.perf_counter() - started)
            if not broken:
                break
            attempt += 1
        return Answer(0, seconds=time.perf_counter() - started, failure="timeout")

    def _next_line(self, timeout: float | None) -> ServerConnection | None:
        """Each payload goes to one of the connections, in turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._stopping.is_set(), timeout)
            if not self._lines:
                return None
            self._lines.append(self._lines.pop(0))
            return self._lines[-1]

    def _send(self, line: ServerConnection, kind: str, payload: Any, attempt: int) -> Waiting:
        envelope: dict[str, Any] = {
            "envelope_id": str(uuid.uuid4()),
            "type": TYPES[kind],
            "accepts_response_payload": kind != "events",
            "payload": payload,
        }
        if kind == "events":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        waiting = Waiting(line)
        with self._changed:
            self._waiting[envelope["envelope_id"]] = waiting
            self.envelopes.append(envelope)
        try:
            line.send(json.dumps(envelope))
        except (ConnectionClosed, OSError):
            self._gone(line)
            waiting.done.set()
        return waiting

    # Bad days

    def lose_acknowledgements(self, times: int) -> None:
        """The app says that it has it, and Slack does not hear it."""
        self._losing = times

    def drop(self, how: str = "abrupt") -> None:
        """Ends every connection: `abrupt`, or after a disconnect message (`warning`, `refresh_requested`)."""
        with self._changed:
            lines = list(self._lines)
            if how != "abrupt":
                self._lines.clear()
        for line in lines:
            if how != "abrupt":
                self._say_goodbye(line, how)
            self._cut(line)

    def _say_goodbye(self, line: ServerConnection, how: str) -> None:
        try:
            line.send(json.dumps({"type": "disconnect", "reason": how, "debug_info": {"host": HOST}}))
        except (ConnectionClosed, OSError):
            return
        self._stopping.wait(self.grace)

    def _cut(self, line: ServerConnection) -> None:
        try:
            line.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def drop_every(self, seconds: float, *how: str) -> None:
        """Until the stand-in ends; of several ways each in turn."""
        ways = how or ("abrupt",)

        def work() -> None:
            turn = 0
            while not self._stopping.wait(seconds):
                self.drop(ways[turn % len(ways)])
                turn += 1

        threading.Thread(target=work, daemon=True).start()
