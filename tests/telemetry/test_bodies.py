"""Compressed bodies: all of their streams, whole, and no more than is taken."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard

from telemetry.bodies import STREAMS_LIMIT, BadPayload, PayloadTooLarge, decompress

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
EVERY = pytest.mark.parametrize("encoding", sorted(COMPRESS))


@EVERY
def test_streams_joined_to_one_body_are_all_read(encoding: str) -> None:
    compress = COMPRESS[encoding]
    parts = [b"a" * 30_000, b"", bytes(range(256)) * 50]
    assert decompress(b"".join(map(compress, parts)), encoding) == b"".join(parts)


def test_padding_behind_a_gzip_stream_is_no_stream() -> None:
    assert decompress(gzip.compress(b"a") + b"\x00" * 512, "gzip") == b"a"


@EVERY
@pytest.mark.parametrize("missing", [1, 5, 9])
def test_a_stream_that_ends_early_is_refused(encoding: str, missing: int) -> None:
    whole = COMPRESS[encoding](b"hello " * 100)
    for body in (whole[:-missing], whole + whole[:-missing]):
        with pytest.raises(BadPayload, match="it ends early"):
            decompress(body, encoding)


@EVERY
def test_what_is_no_stream_behind_one_is_refused(encoding: str) -> None:
    with pytest.raises(BadPayload, match=f"expected (valid|a complete) {encoding}"):
        decompress(COMPRESS[encoding](b"a") + b"what is this", encoding)


@EVERY
def test_the_limit_is_of_all_streams_together(encoding: str) -> None:
    half = COMPRESS[encoding](b"x" * 600)
    assert len(decompress(half, encoding, limit=1_000)) == 600
    with pytest.raises(PayloadTooLarge):
        decompress(half + half, encoding, limit=1_000)


def test_a_bomb_of_empty_streams_is_refused() -> None:
    with pytest.raises(BadPayload, match="at most 10,000 gzip streams"):
        decompress(gzip.compress(b"") * (STREAMS_LIMIT + 1), "gzip")
