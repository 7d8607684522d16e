"""One open watch: a socket, llhttp behind it, and lines.

The client of the collectors reads chunked bodies in pure Python, a chunk at a time, and an API
server sends each change as a chunk of its own; here a parser in C takes whatever has arrived.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode, urlsplit

import httpcore
import httptools

from telemetry.collectors.kubernetes.connection import Access
from telemetry.http import Refusal, SourceError, public_words, request_headers, words_of
from telemetry.network import CONNECT_SECONDS, Backend, Deadline, MalformedPem, RefusedAddress, tls_context
from telemetry.observations import Status

READ_BYTES = 256 * 1024
REFUSAL_BYTES = 64 * 1024
# etcd takes 1.5 MiB for an object; as JSON it may be longer.
LONGEST_LINE = 4 * 1024 * 1024


class _Answer:
    """What llhttp tells of one answer."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.has_headers = False
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.has_headers = True

    def on_body(self, body: bytes) -> None:
        self.pieces.append(body)

    def on_message_complete(self) -> None:
        self.is_complete = True

    def taken(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Watch:
    """`GET path?…` whose body is read for as long as the server sends.

    `silence` is how many seconds may pass without a byte, `longest` how many in all. Raises
    `SourceError` alone: `Refusal` for an answer outside 2xx, status TIMEOUT for silence, ERROR for a
    stream that was cut. `waited` is how many seconds the last read waited. `close` may be called from any thread and ends a read that waits.
    """

    def __init__(self, access: Access, path: str, params: Mapping[str, str], *, silence: float, longest: float) -> None:
        self._access, self._silence = access, silence
        self._target = f"{urlsplit(access.url).path.rstrip('/')}{path}?{urlencode(params)}"
        self._deadline = Deadline(longest)
        self._secrets = [value for value in access.auth.values() if len(value) > 3]
        self._stream: httpcore.NetworkStream | None = None
        self._answer = _Answer()
        self._parser = httptools.HttpResponseParser(self._answer)
        self._closing = threading.Event()
        self.waited = 0.0

    def open(self) -> None:
        """Connect, ask, and read until the answer's head is there."""
        try:
            self._stream = self._connect()
            self._stream.write(self._request(), CONNECT_SECONDS)
        except RefusedAddress as error:
            raise SourceError(Status.NOT_CONFIGURED, str(error)) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            words = public_words(str(error), self._secrets) or "no answer"
            reason = f"{urlsplit(self._access.url).netloc} cannot be reached: {words}"
            raise SourceError(Status.UNREACHABLE, reason, retryable=True) from None
        while not self._answer.has_headers:
            self._receive()
        code = self._parser.get_status_code()
        if code // 100 != 2:
            raise self._refusal(code)

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives; ends when the server ends it properly, or after `close`."""
        while True:
            if self._answer.pieces:
                yield self._answer.taken()
            if self._answer.is_complete or self._closing.is_set():
                return
            try:
                self._receive()
            except SourceError:
                if self._closing.is_set():
                    return
                raise

    def close(self) -> None:
        self._closing.set()
        stream = self._stream
        if stream is not None:
            # A close alone would not wake a thread that waits in recv.
            with contextlib.suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                stream.close()

    def _connect(self) -> httpcore.NetworkStream:
        parts = urlsplit(self._access.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        backend = Backend(self._deadline, allow_private=self._access.allow_private)
        stream = backend.connect_tcp(host, parts.port or (443 if secure else 80), CONNECT_SECONDS)
        if not secure:
            return stream
        auth = self._access.auth
        try:
            context = tls_context(
                ca_pem=self._access.ca_pem,
                verify=self._access.verify,
                cert=auth.get("client_cert", ""),
                key=auth.get("client_key", ""),
            )
        except MalformedPem as error:
            raise SourceError(Status.NOT_CONFIGURED, str(error)) from None
        return stream.start_tls(context, self._access.server_name or host, CONNECT_SECONDS)

    def _request(self) -> bytes:
        access = self._access
        headers = request_headers(access.auth, access.headers) | {
            "Host": urlsplit(access.url).netloc,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if access.auth.get("username"):
            pair = f"{access.auth['username']}:{access.auth.get('password', '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        lines = [f"GET {self._target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _receive(self) -> None:
        if self._stream is None:
            raise self._cut_off("it is not open")
        began = time.monotonic()
        try:
            data = self._stream.read(READ_BYTES, self._silence)
        except httpcore.TimeoutException:
            raise SourceError(Status.TIMEOUT, f"nothing was heard for {self._silence:g} s", retryable=True) from None
        except (httpcore.NetworkError, OSError) as error:
            raise self._cut_off(str(error)) from None
        self.waited = time.monotonic() - began
        try:
            if data:
                self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise self._cut_off(str(error)) from None
        if not data and not self._answer.is_complete:
            raise self._cut_off("the connection closed in mid-answer")

    def _refusal(self, code: int) -> Refusal:
        body = bytearray(self._answer.taken())
        with contextlib.suppress(SourceError):
            while not self._answer.is_complete and len(body) < REFUSAL_BYTES:
                self._receive()
                body += self._answer.taken()
        words = public_words(words_of(bytes(body[:REFUSAL_BYTES])), self._secrets)
        reason = f"answered {code}" + (f": {words}" if words else "")
        return Refusal(reason, code=code, headers=self._answer.headers, body=bytes(body[:REFUSAL_BYTES]))

    def _cut_off(self, words: str) -> SourceError:
        reason = f"the stream was cut: {public_words(words, self._secrets) or 'the connection closed'}"
        return SourceError(Status.ERROR, reason, retryable=True)


class Lines:
    """Splits pieces at newlines. A line longer than `longest` comes out as None, its bytes are not kept."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._rest = b""
        self._is_skipping = False

    def feed(self, piece: bytes) -> list[bytes | None]:
        *whole, rest = (self._rest + piece).split(b"\n")
        found: list[bytes | None] = list(whole)
        if whole and self._is_skipping:
            found[0], self._is_skipping = None, False
        for place, line in enumerate(found):
            if line is not None and len(line) > self._longest:
                found[place] = None
        if self._is_skipping or len(rest) > self._longest:
            self._is_skipping, rest = True, b""
        self._rest = rest
        return [line for line in found if line is None or line.strip()]
