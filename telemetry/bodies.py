"""Bodies of what is pushed, as they were before compression, and what is wrong with those that are not taken."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import zstandard

BYTES_LIMIT = 20 * 1024 * 1024
# More are a bomb of another kind: each costs as much as a page of text.
STREAMS_LIMIT = 10_000
ENCODINGS = "gzip, deflate, zstd or identity"


class IntakeError(ValueError):
    """A body that is not taken as a whole; the message says what was expected."""


class PayloadTooLarge(IntakeError):
    def __init__(self, limit: int = BYTES_LIMIT) -> None:
        super().__init__(
            f"body: expected at most {limit // (1024 * 1024)} MiB after decompression; send smaller batches"
        )
        self.limit = limit


class TooManyRecords(PayloadTooLarge):
    def __init__(self, limit: int) -> None:
        IntakeError.__init__(self, f"body: expected at most {limit:,} records; send smaller batches")
        self.limit = limit


class BadPayload(IntakeError):
    """A body that cannot be read."""


class UnknownEncoding(BadPayload):
    """A compression that is not spoken here."""


def decompress(body: bytes, content_encoding: str = "", *, limit: int = BYTES_LIMIT) -> bytes:
    """The body as it was before compression; raises `PayloadTooLarge`, `BadPayload` or `UnknownEncoding`."""
    encoding = content_encoding.strip().lower()
    if encoding in {"", "identity"}:
        plain = body
    elif encoding in READERS:
        plain = _unfolded(body, encoding, limit)
    else:
        raise UnknownEncoding(f"Content-Encoding: expected {ENCODINGS}, not {encoding[:20]!r}")
    if len(plain) > limit:
        raise PayloadTooLarge(limit)
    return plain


def _unfolded(body: bytes, encoding: str, limit: int) -> bytes:
    """Every stream of the body, one after the other: senders join what they compressed apart."""
    begin, size = READERS[encoding]
    found, place, streams, view = bytearray(), 0, 0, memoryview(body)
    try:
        while not streams or place < len(view):
            if streams == STREAMS_LIMIT:
                raise BadPayload(f"body: expected at most {STREAMS_LIMIT:,} {encoding} streams")
            if streams and not view[place] and not bytes(view[place:]).strip(b"\0"):
                break  # padding, which gzip allows
            streams += 1
            reader = begin()
            while not reader.eof:
                piece = view[place : place + size]
                if not piece:
                    raise BadPayload(f"body: expected a complete {encoding} stream; it ends early")
                found += reader.decompress(piece)
                if len(found) > limit:
                    raise PayloadTooLarge(limit)
                place += len(piece) - len(reader.unused_data)
    except (zlib.error, zstandard.ZstdError):
        raise BadPayload(f"body: expected valid {encoding}, as Content-Encoding says") from None
    return bytes(found)


def _inflater() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 32)


def _zstandard() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()


# How each stream is read, and by how many bytes at a time: few enough that those of a bomb unfold to no more than
# about 20 MiB before they are counted.
READERS: dict[str, tuple[Callable[[], Any], int]] = {
    "gzip": (_inflater, 8_192),
    "deflate": (_inflater, 8_192),
    "zstd": (_zstandard, 512),
}
