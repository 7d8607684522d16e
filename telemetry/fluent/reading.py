"""Bodies of Fluent Bit and Fluentd as records with the times that stood beside them.

JSON as an array, one object, lines or objects one after the other; msgpack as a stream of records, of `[time, record]`
or of the messages of the forward protocol. What a sender calls it is a hint; its first byte decides.
https://docs.fluentbit.io/manual/data-pipeline/outputs/output_formats
https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgpack
import orjson

from telemetry.bodies import BYTES_LIMIT, BadPayload, PayloadTooLarge, TooManyRecords, decompress
from telemetry.rows import RECORDS_LIMIT

DEEPEST = 4
LONGEST_ARRAY, LONGEST_MAP = 200_000, 10_000
WHITESPACE, BOM = b" \t\r\n", b"\xef\xbb\xbf"
SEPARATORS = re.compile(r"[\s,\x1e]*")
# So many values that cannot be read are looked at for where they end; then only whole lines are read.
PATIENCE = 100
NO_RECORD = "record that is no object"
NO_JSON = "line that is no JSON"
NO_MSGPACK = "rest of the body that is cut or no msgpack"
PACKED = {"gzip": "gzip", "zstd": "zstd"}
EXPECTED = "body: expected JSON records (an array, one object, or one after the other) or msgpack"


class Nanoseconds(int):
    """A time that needs no guessing at its unit."""


class Unreadable:
    """A part of the body that is counted instead of a record."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


Entry = tuple[Any, Any]


class Allowance:
    """What one request may still unfold to: bytes out of packed messages, and records.

    Senders read no more of an answer than its status, so what is past it is refused as a whole and not left out.
    """

    def __init__(self) -> None:
        self._bytes, self._records = BYTES_LIMIT, RECORDS_LIMIT

    def unpacked(self, packed: bytes, encoding: str) -> bytes:
        """Raises `PayloadTooLarge`, `BadPayload`."""
        self.take_record()
        try:
            found = decompress(packed, encoding, limit=self._bytes)
        except PayloadTooLarge:
            raise PayloadTooLarge from None
        self._bytes -= len(found)
        return found

    def take_record(self) -> None:
        """Raises `TooManyRecords`."""
        if not self._records:
            raise TooManyRecords(RECORDS_LIMIT)
        self._records -= 1


def entries(body: bytes, content_type: str) -> Iterator[Entry]:
    """(time or None, record); the record is an `Unreadable` where there is none.

    Raises `BadPayload`, `PayloadTooLarge`.
    """
    start = body.lstrip(WHITESPACE + BOM)[:1]
    if not start:
        return
    says_msgpack = "msgpack" in content_type or "x-mpac" in content_type
    is_msgpack = start not in b"[{" and (says_msgpack or start[0] >= 0x80)
    unreadable: list[Unreadable] = []
    seen_any = False
    allowance = Allowance()
    for value in _msgpack(body) if is_msgpack else _json(body):
        if isinstance(value, Unreadable):
            allowance.take_record()
            unreadable.append(value)
        else:
            seen_any = True
            for entry in _flat(value, DEEPEST, allowance):
                allowance.take_record()
                yield entry
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
    """From the first line that is not one value alone.

    What was looked at in vain is looked at again from the next line on: only so often and so far, then by lines.
    """
    read = json.JSONDecoder().raw_decode
    unreadable, in_vain, place = 0, 0, _next(text, 0)
    while place < len(text):
        try:
            value, end = read(text, place)
        except (ValueError, RecursionError) as problem:
            in_vain += problem.pos - place if isinstance(problem, json.JSONDecodeError) else len(text)
            unreadable += 1
            yield Unreadable(NO_JSON)
            end = text.find("\n", place) % (len(text) + 1)
        else:
            yield value
        place = _next(text, end)
        if unreadable > PATIENCE or in_vain > 2 * len(text):
            yield from _by_lines(text[place:])
            return


def _next(text: str, place: int) -> int:
    separators = SEPARATORS.match(text, place)
    return separators.end() if separators else place


def _by_lines(text: str) -> Iterator[Any]:
    for line in text.split("\n"):
        if bare := line.strip():
            try:
                yield orjson.loads(bare)
            except orjson.JSONDecodeError:
                yield Unreadable(NO_JSON)


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


def _flat(value: Any, depth: int, allowance: Allowance) -> Iterator[Entry]:
    if isinstance(value, dict | Unreadable):
        yield None, value
    elif not isinstance(value, list) or depth == 0:
        yield None, Unreadable(NO_RECORD)
    elif _is_pair(value):
        yield _time(value[0]), value[1]
    elif len(value) >= 2 and isinstance(value[0], str):
        yield from _message(value, depth, allowance)
    else:
        for item in value:
            yield from _flat(item, depth - 1, allowance)


def _is_pair(value: list[Any]) -> bool:
    """[time, record], or [[time, metadata], record]."""
    return len(value) == 2 and isinstance(value[1], dict) and not isinstance(value[0], dict)


def _time(value: Any) -> Any:
    found = value[0] if isinstance(value, list) and value else value
    return Nanoseconds(found.to_unix_nano()) if isinstance(found, msgpack.Timestamp) else found


def _message(value: list[Any], depth: int, allowance: Allowance) -> Iterator[Entry]:
    """[tag, entries, option], [tag, packed entries, option] or [tag, time, record, option]."""
    inner = value[1]
    if isinstance(inner, list):
        for item in inner:
            yield from _flat(item, depth - 1, allowance)
    elif isinstance(inner, bytes):
        option = value[2] if len(value) > 2 and isinstance(value[2], dict) else {}
        try:
            packed = allowance.unpacked(inner, PACKED.get(str(option.get("compressed")), ""))
        except BadPayload:
            yield None, Unreadable(NO_MSGPACK)
            return
        for item in _msgpack(packed):
            yield from _flat(item, depth - 1, allowance)
    elif len(value) >= 3 and isinstance(value[2], dict):
        yield _time(inner), value[2]
    else:
        yield None, Unreadable(NO_RECORD)
