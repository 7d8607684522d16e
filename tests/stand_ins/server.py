"""A real HTTP server on a loopback port that answers by the book, or fails on demand.

Stand-ins for a backend derive from `StandIn` and say only how they `answer`. Everything runs over
real sockets, so that timeouts, cut bodies and slow drips are the client's own experience.
"""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Asked:
    """One request as it arrived. `query` and `form` keep the last value of a repeated key."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""

    def all(self, name: str) -> list[str]:
        """Every value of a key of the address, in order."""
        return [value for key, value in parse_qsl(urlsplit(self.target).query) if key == name]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:
        return json.loads(self.body)


class CutOff(Exception):
    """Raised by the chunks of a reply to hang up in the middle, without the end that HTTP asks for."""


@dataclass
class Reply:
    """What to send back: a whole body, or `chunks`, each sent as it comes, when its length is not to be told.

    `missing` bytes are promised over the body's length and never sent.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Iterator[bytes] | None = None
    missing: int = 0

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Reply:
        return cls(status, json.dumps(value).encode())


@dataclass
class Fault:
    """A failure for every path under `prefix`, until it was given `times` (None: for ever)."""

    prefix: str
    kind: str
    times: int | None = None
    retry_after: str = "1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The library's five would let many clients at once wait a second for their connection.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up in mid-answer are what the faults are for; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


class StandIn:
    """Context manager around the server: `.url`, `.requests`, `.fault()`.

    Fault kinds: any status code (`"401"`, `"429"`, `"500"`, …), `hang`, `huge` (200 MB, streamed),
    `gzip-bomb`, `cut` (fewer bytes than promised), `drip` (a byte at a time), `drip-headers`,
    `garbage`, `redirect`, `reset`.
    """

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.faults: list[Fault] = []
        self.stopping = threading.Event()
        self._scheme = "http"
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def secure(self, context: ssl.SSLContext) -> Self:
        """Speak TLS; call it before the server starts."""
        self._scheme = "https"
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        return self

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def fault(self, path_prefix: str, kind: str | int, *, times: int | None = None, retry_after: str = "1") -> None:
        self.faults.append(Fault(path_prefix, str(kind), times, retry_after))

    def paths(self) -> list[str]:
        return [asked.path for asked in self.requests]

    def answer(self, asked: Asked) -> Reply:
        """The backend's healthy answer; override."""
        return Reply(404, b"")

    def refusal(self, code: int, asked: Asked) -> Reply:
        """The body that this backend sends with an error status; override to imitate one."""
        return Reply.of_json({"error": f"stand-in answers {code}"}, code)

    def fault_applies(self, fault: Fault, asked: Asked) -> bool:
        return asked.path.startswith(fault.prefix)

    def take_fault(self, asked: Asked) -> Fault | None:
        for fault in self.faults:
            if fault.times == 0 or not self.fault_applies(fault, asked):
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None


def _handler_for(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Without this the last packet of each answer waits for the client's acknowledgement.
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Stay silent: `.requests` is the record."""

        def serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
                target=self.path,
            )
            stand_in.requests.append(asked)
            fault = stand_in.take_fault(asked)
            try:
                if fault is None:
                    self.send(stand_in.answer(asked))
                else:
                    self.fail(fault, asked)
            except (BrokenPipeError, ConnectionResetError, TimeoutError, CutOff):
                self.close_connection = True
            if stand_in.stopping.is_set():
                self.close_connection = True

        do_GET = serve
        do_POST = serve
        do_PUT = serve
        do_DELETE = serve

        def send(self, reply: Reply) -> None:
            if reply.chunks is not None:
                self.stream(reply.chunks)
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body) + reply.missing))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or reply.missing > 0

        def fail(self, fault: Fault, asked: Asked) -> None:
            if fault.kind.isdigit():
                reply = stand_in.refusal(int(fault.kind), asked)
                if fault.kind in {"429", "503"}:
                    reply.headers["Retry-After"] = fault.retry_after
                self.send(reply)
                return
            getattr(self, "fail_" + fault.kind.replace("-", "_"))(asked)

        def fail_hang(self, asked: Asked) -> None:
            stand_in.stopping.wait(60)
            self.close_connection = True

        def fail_reset(self, asked: Asked) -> None:
            self.close_connection = True

        def fail_cut(self, asked: Asked) -> None:
            reply = stand_in.answer(asked)
            reply.missing = 4096
            self.send(reply)

        def fail_garbage(self, asked: Asked) -> None:
            self.send(Reply(200, b"\x00\xff<html>not what was asked for"))

        def fail_redirect(self, asked: Asked) -> None:
            self.send(Reply(302, b"", headers={"Location": "http://169.254.169.254/latest/meta-data/"}))

        def fail_huge(self, asked: Asked) -> None:
            self.stream(iter([b'{"kind": "List", "items": ["', *[b"x" * MEBIBYTE] * 200, b'"]}']))

        def fail_gzip_bomb(self, asked: Asked) -> None:
            body = gzip.compress(b'{"items": ["' + b"x" * (64 * MEBIBYTE) + b'"]}')
            self.send(Reply(200, body, headers={"Content-Encoding": "gzip"}))

        def fail_drip(self, asked: Asked) -> None:
            self.stream(bytes([byte]) for byte in self.paced(b'{"items": [' + b" " * 10_000))

        def fail_drip_headers(self, asked: Asked) -> None:
            for byte in self.paced(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000):
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
            self.close_connection = True

        def paced(self, data: bytes) -> Iterator[int]:
            for byte in data:
                if stand_in.stopping.wait(0.05):
                    return
                yield byte

        def stream(self, chunks: Iterator[bytes]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            for chunk in chunks:
                if stand_in.stopping.is_set():
                    break
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

    return Handler
