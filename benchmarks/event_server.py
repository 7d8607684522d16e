"""`python -m benchmarks.event_server N KIND`: a stand-in API server in a process of its own, which shares no lock with
what is measured. KIND `watch`: an empty list, then N changes as fast as they are read, each a chunk of its own as real
servers send them. KIND `list`: a list of N Events in pages. Prints its port.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

RECORDED = Path(__file__).parent.parent / "tests" / "payloads" / "kubernetes-1.20" / "core-v1-events-watch.ndjson"
# One change in four is of an Event that came before: its count rises.
UPDATES = 4


def lines(number: int) -> list[bytes]:
    """The recorded changes again and again, of ever new Events, in the order of a watch."""
    recorded = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    recorded = [one for one in recorded if one["type"] in {"ADDED", "MODIFIED"}]
    return [json.dumps(_change(recorded, place), separators=(",", ":")).encode() + b"\n" for place in range(number)]


def _change(recorded: list[dict[str, Any]], place: int) -> dict[str, Any]:
    again = place % UPDATES == UPDATES - 1
    which = place - UPDATES + 1 if again else place
    event = {**recorded[which % len(recorded)]["object"]}
    uid = f"00000000-0000-4000-8000-{which:012x}"
    event["metadata"] = {**event["metadata"], "uid": uid, "resourceVersion": str(place + 2)}
    event["metadata"]["name"] = f"{event['metadata']['name']}{which:x}"
    event["message"] = f"{event.get('message')} ({which})"
    if again and event.get("count"):
        event["count"] += 1
    return {"type": "MODIFIED" if again else "ADDED", "object": event}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    number = 0
    stream = b""
    events: list[bytes] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if not parts.path.endswith("/events"):
            self._json(b'{"kind":"Namespace","metadata":{"name":"kube-system","uid":"bench"}}')
        elif query.get("watch"):
            self._watch(query)
        else:
            self._list(query)

    def _watch(self, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if query.get("resourceVersion") == "1":
            self.wfile.write(self.stream)
        # Held open for as long as the client reads.
        self.rfile.read(1)
        self.close_connection = True

    def _list(self, query: dict[str, str]) -> None:
        start, limit = int(query.get("continue") or 0), int(query.get("limit") or 500)
        page = self.events[start : start + limit]
        following = f',"continue":"{start + limit}"' if start + limit < len(self.events) else ""
        head = f'{{"kind":"EventList","apiVersion":"v1","metadata":{{"resourceVersion":"1"{following}}},"items":['
        self._json(head.encode() + b",".join(page) + b"]}")

    def _json(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def main() -> None:
    number, kind = int(sys.argv[1]), sys.argv[2]
    found = lines(number)
    if kind == "watch":
        _Handler.stream = b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in found)
    else:
        _Handler.events = [json.dumps(json.loads(line)["object"]).encode() for line in found]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
