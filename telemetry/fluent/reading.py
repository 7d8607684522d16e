"""Bodies of Fluent Bit and Fluentd as records with the times that stood beside them.

JSON as an array, one object, lines or objects one after the other; msgpack as a stream of records, of `[time, record]`
or of the messages of the forward protocol. What a sender calls it is a hint; its first byte decides.
https://docs.fluentbit.io/manual/data-pipeline/outputs/output_formats
https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgpack
import orjson

from telemetry.bodies import BYTES_LIMIT, BadPayload, IntakeError, decompress

DEEPEST = 4
LONGEST_ARRAY, LONGEST_MAP = 200_000, 10_000
WHITESPACE, BOM = b" \t\r\n", b"\xef\xbb\xbf"
NO_RECORD = "record that is no object"
NO_JSON = "line that is no JSON"
NO_MSGPACK = "rest of the body that is cut or no msgpack"
EXPECTED = "body: expected JSON records (an array, one object, or one after the other) or msgpack"


class Nanoseconds(int):
    """A time that needs no guessing at its unit."""


class Unreadable:
    """A part of the body that is counted instead of a record."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


Entry = tuple[Any, Any]


def entries(body: bytes, content_type: str) -> Iterator[Entry]:
    """(time or None, record); the record is an `Unreadable` where there is none. Raises `BadPayload`."""
    start = body.lstrip(WHITESPACE + BOM)[:1]
    if not start:
        return
    says_msgpack = "msgpack" in content_type or "x-mpac" in content_type
    is_msgpack = start not in b"[{" and (says_msgpack or start[0] >= 0x80)
    unreadable: list[Unreadable] = []
    seen_any = False
    for value in _msgpack(body) if is_msgpack else _json(body):
        if isinstance(value, Unreadable):
            unreadable.append(value)
        else:
            seen_any = True
            yield from _flat(value, DEEPEST)
    if unreadable and not seen_any:
        raise BadPayload(EXPECTED)
    yield from ((None, one) for one in unreadable)


def _json(body: bytes) -> Iterator[Any]:
    body = body.removeprefix(BOM)
    try:
        yield orjson.loads(body)
        return
    except orjson.JSONDecodeError:
        pass
    place = 0
    for line in body.splitlines(keepends=True):
        if bare := line.strip():
            try:
                yield orjson.loads(bare)
            except orjson.JSONDecodeError:
                break
        place += len(line)
    yield from _one_after_the_other(body[place:].decode(errors="replace"))


def _one_after_the_other(text: str) -> Iterator[Any]:
    """From the first line that is not one value alone."""
    place, read = 0, json.JSONDecoder().raw_decode
    while place < len(text):
        if text[place].isspace() or text[place] in ",\x1e":
            place += 1
            continue
        try:
            value, place = read(text, place)
        except (ValueError, RecursionError):
            yield Unreadable(NO_JSON)
            end = text.find("\n", place)
            place = len(text) if end < 0 else end + 1
        else:
            yield value


def _msgpack(body: bytes) -> Iterator[Any]:
    unpacker = msgpack.Unpacker(
        raw=False,
        unicode_errors="replace",
        strict_map_key=False,
        ext_hook=_extension,
        max_buffer_size=BYTES_LIMIT + 1,
        max_array_len=LONGEST_ARRAY,
        max_map_len=LONGEST_MAP,
    )
    unpacker.feed(body)
    read = 0
    try:
        for value in unpacker:
            read = unpacker.tell()
            yield value
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError, OverflowError):
        yield Unreadable(NO_MSGPACK)
        return
    if read < len(body):
        yield Unreadable(NO_MSGPACK)


def _extension(code: int, data: bytes) -> Any:
    """EventTime: seconds and nanoseconds, each in four bytes."""
    if code == 0 and len(data) == 8:
        return Nanoseconds(int.from_bytes(data[:4], "big") * 10**9 + int.from_bytes(data[4:], "big"))
    return None


def _flat(value: Any, depth: int) -> Iterator[Entry]:
    if isinstance(value, dict | Unreadable):
        yield None, value
    elif not isinstance(value, list) or depth == 0:
        yield None, Unreadable(NO_RECORD)
    elif _is_pair(value):
        yield _time(value[0]), value[1]
    elif len(value) >= 2 and isinstance(value[0], str):
        yield from _message(value, depth)
    else:
        for item in value:
            yield from _flat(item, depth - 1)


def _is_pair(value: list[Any]) -> bool:
    """[time, record], or [[time, metadata], record]."""
    return len(value) == 2 and isinstance(value[1], dict) and not isinstance(value[0], dict)


def _time(value: Any) -> Any:
    found = value[0] if isinstance(value, list) and value else value
    return Nanoseconds(found.to_unix_nano()) if isinstance(found, msgpack.Timestamp) else found


def _message(value: list[Any], depth: int) -> Iterator[Entry]:
    """[tag, entries, option], [tag, packed entries, option] or [tag, time, record, option]."""
    inner = value[1]
    if isinstance(inner, list):
        for item in inner:
            yield from _flat(item, depth - 1)
    elif isinstance(inner, bytes):
        option = value[2] if len(value) > 2 and isinstance(value[2], dict) else {}
        try:
            packed = decompress(inner, "gzip" if option.get("compressed") == "gzip" else "")
        except IntakeError:
            yield None, Unreadable(NO_MSGPACK)
            return
        for item in _msgpack(packed):
            yield from _flat(item, depth - 1)
    elif len(value) >= 3 and isinstance(value[2], dict):
        yield _time(inner), value[2]
    else:
        yield None, Unreadable(NO_RECORD)
