"""Bodies of what is pushed, as they were before compression, and what is wrong with those that are not taken."""

from __future__ import annotations

import zlib

import zstandard

BYTES_LIMIT = 20 * 1024 * 1024
ENCODINGS = "gzip, deflate, zstd or identity"


class IntakeError(ValueError):
    """A body that is not taken as a whole; the message says what was expected."""


class PayloadTooLarge(IntakeError):
    def __init__(self, limit: int = BYTES_LIMIT) -> None:
        super().__init__(
            f"body: expected at most {limit // (1024 * 1024)} MiB after decompression; send smaller batches"
        )
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
    elif encoding in {"gzip", "deflate"}:
        plain = _inflated(body, encoding, limit)
    elif encoding == "zstd":
        plain = _zstandard(body, limit)
    else:
        raise UnknownEncoding(f"Content-Encoding: expected {ENCODINGS}, not {encoding[:20]!r}")
    if len(plain) > limit:
        raise PayloadTooLarge(limit)
    return plain


def _inflated(body: bytes, encoding: str, limit: int) -> bytes:
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = decoder.decompress(body, limit + 1)
    except zlib.error:
        raise BadPayload(f"body: expected valid {encoding}, as Content-Encoding says") from None
    if not decoder.eof and len(plain) <= limit:
        raise BadPayload(f"body: expected a complete {encoding} stream; it ends early")
    return plain


def _zstandard(body: bytes, limit: int) -> bytes:
    found = bytearray()
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(body, read_across_frames=True) as reader:
            while piece := reader.read(min(2**20, limit + 1 - len(found))):
                found += piece
    except zstandard.ZstdError:
        raise BadPayload("body: expected valid zstd, as Content-Encoding says") from None
    return bytes(found)
