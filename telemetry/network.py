"""Sockets for `telemetry.http`: looked-at addresses, one deadline, TLS from PEM text.

Knows nothing of backends. Failures are httpcore's own and the three below.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import tempfile
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpcore
import httpx

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
PIECE_BYTES = 64 * 1024
SECRET_HEADER = re.compile(r"(?i)key|token|secret|auth|cookie|pass")


class RefusedAddress(httpcore.ConnectError):
    """The host's address is of a kind that sources may not use."""


class UnreadableBody(httpcore.ProtocolError):
    """A body whose encoding is unknown, broken or cut off."""


class MalformedPem(ValueError):
    """PEM text that cannot be used; the message names the field and what is expected."""


# Names and numbers under which clouds serve machine credentials, where link-local does not say it.
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def refused_address(text: str) -> str:
    """Why this IP address may not be connected to, or an empty string if it may."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return refused_address(str(inner))
    if address in METADATA_ADDRESSES:
        return "a cloud metadata address"
    for kind in ("loopback", "link_local", "unspecified", "multicast"):
        if getattr(address, f"is_{kind}"):
            return f"a {kind.replace('_', '-')} address"
    return "an address outside every network" if address in ipaddress.ip_network("0.0.0.0/8") else ""


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of `host`; `getaddrinfo` has no time limit of its own, hence the thread."""
    found: list[str] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(str(entry[4][0]) for entry in entries)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(seconds, 0.01))
    if not found:
        raise httpcore.ConnectError("the name does not resolve")
    return list(dict.fromkeys(found))


class Deadline:
    """A moment `seconds` from now that no wait may pass."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        return self._end - time.monotonic()

    def cap(self, seconds: float | None) -> float:
        return max(0.001, min(READ_SECONDS if seconds is None else seconds, self.remaining))


class _Stream(httpcore.NetworkStream):
    """A socket none of whose waits outlasts the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.remaining <= 0:
            raise httpcore.ReadTimeout("deadline")
        return self._inner.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Connects to the very address that was checked, so that no second look-up can differ."""

    def __init__(self, deadline: Deadline, *, allow_private: bool) -> None:
        self._deadline, self._allow_private = deadline, allow_private
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in _resolve(host, port, self._deadline.cap(timeout)):
            refused = "" if self._allow_private else refused_address(address)
            if refused:
                raise RefusedAddress(f"{host} is {refused}, which sources may not use")
            try:
                stream = self._inner.connect_tcp(address, port, self._deadline.cap(timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure


class Transport(httpx.BaseTransport):
    """httpx over a pool of our own sockets; raises httpcore's exceptions as they are."""

    def __init__(self, backend: Backend, context: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend, max_connections=4)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


def tls_context(*, ca_pem: str = "", verify: bool = True, cert: str = "", key: str = "") -> ssl.SSLContext:
    """Trust and client certificate from PEM text; raises `MalformedPem`."""
    context = ssl.create_default_context()
    if ca_pem:
        try:
            context.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError):
            raise MalformedPem("ca_pem: expected certificates in PEM form") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert or key:
        # OpenSSL reads client keys from files alone; this one lives for the length of the call.
        with tempfile.TemporaryDirectory(prefix="debrief-") as folder:
            path = Path(folder) / "client.pem"
            path.touch(mode=0o600)
            path.write_text(f"{cert}\n{key}\n")
            try:
                context.load_cert_chain(path, password=lambda: "")
            except (ssl.SSLError, ValueError):
                raise MalformedPem(
                    "client_cert and client_key: expected a certificate and its unencrypted key in PEM form"
                ) from None
    return context


def decompressed(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces of bounded size, so that a small answer cannot grow without being counted."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        yield from response.iter_raw()
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise UnreadableBody(f"encoded as {encoding[:20]!r}, which was not asked for")
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for raw in response.iter_raw():
            while raw and not decoder.eof:
                yield decoder.decompress(raw, PIECE_BYTES)
                raw = decoder.unconsumed_tail
    except zlib.error:
        raise UnreadableBody("not the gzip that it says it is") from None
    if not decoder.eof:
        raise UnreadableBody("the gzip stream ends early")


def secret_values(auth: Mapping[str, str], headers: Mapping[str, str]) -> list[str]:
    """What may stand in no error: credentials, and what headers hold whose names say that they hold one."""
    named = [value for name, value in headers.items() if SECRET_HEADER.search(name)]
    return [value for value in (*auth.values(), *named) if len(value) > 3]
