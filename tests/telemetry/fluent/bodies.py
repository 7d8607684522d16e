"""The same three records as every documented format of Fluent Bit and Fluentd writes them."""

from __future__ import annotations

import gzip
import json
import struct
from typing import Any

import msgpack

SECONDS, NANOSECONDS = 1_795_242_000, 123_456_000
KUBERNETES = {
    "namespace_name": "shop",
    "pod_name": "checkout-5bbc75684d-flwhw",
    "container_name": "app",
    "host": "node-2",
    "labels": {"app.kubernetes.io/name": "checkout"},
}


def make_record(place: int = 0, **overrides: Any) -> dict[str, Any]:
    record = {"log": f"dial tcp orders-db-{place}: i/o timeout\n", "stream": "stderr", "level": "error"}
    return record | {"kubernetes": KUBERNETES} | overrides


def dated(place: int) -> dict[str, Any]:
    return {"date": SECONDS + place + NANOSECONDS / 1e9, **make_record(place)}


def event_time(place: int) -> msgpack.ExtType:
    return msgpack.ExtType(0, struct.pack(">II", SECONDS + place, NANOSECONDS))


RECORDS = [dated(place) for place in range(3)]
ENTRIES = [[event_time(place), make_record(place)] for place in range(3)]
PACKED = b"".join(map(msgpack.packb, ENTRIES))
# name → (Content-Type, body)
FORMATS: dict[str, tuple[str, bytes]] = {
    "json": ("application/json", json.dumps(RECORDS).encode()),
    "json_lines": ("application/x-ndjson", b"\n".join(json.dumps(one).encode() for one in RECORDS) + b"\n"),
    "json_stream": ("application/json", b"".join(json.dumps(one).encode() for one in RECORDS)),
    "pretty": ("", b"\n".join(json.dumps(one, indent=2).encode() for one in RECORDS)),
    "wrong type": ("text/plain", b"\xef\xbb\xbf" + json.dumps(RECORDS).encode()),
    "pairs": (
        "application/json",
        json.dumps([[one["date"], {k: v for k, v in one.items() if k != "date"}] for one in RECORDS]).encode(),
    ),
    "msgpack": ("application/msgpack", PACKED),
    "msgpack, no type": ("", PACKED),
    "msgpack of v2": ("application/msgpack", b"".join(msgpack.packb([[time, {}], record]) for time, record in ENTRIES)),
    "msgpack of maps": ("application/x-msgpack", b"".join(map(msgpack.packb, RECORDS))),
    "msgpack array": ("application/msgpack", msgpack.packb(RECORDS)),
    "forward": ("application/msgpack", msgpack.packb(["kube.shop", ENTRIES, {"chunk": "p8n9gmxTQVC8/nh2wlKKeQ=="}])),
    "packed forward": ("application/msgpack", msgpack.packb(["kube.shop", PACKED, {"size": 3}])),
    "compressed packed forward": (
        "application/msgpack",
        msgpack.packb(["kube.shop", gzip.compress(PACKED), {"compressed": "gzip"}]),
    ),
    "messages": (
        "application/msgpack",
        b"".join(msgpack.packb(["kube.shop", time, record]) for time, record in ENTRIES),
    ),
}
