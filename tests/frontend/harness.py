"""A page with the real bundle and components, and a server that answers saves as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

from django.template.loader import render_to_string

from accounts.middleware import POLICY

STATIC = Path(__file__).resolve().parents[2] / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
TEXT = "## Summary\n\nFirst words.\n\n## Impact\n\n## Timeline\n\nA line.\n"

Answer = tuple[int, dict[str, object]]


@dataclass
class Desk:
    """What the server was sent, and how it answers."""

    body: str = ""
    saves: list[dict[str, str]] = field(default_factory=list)
    previews: list[str] = field(default_factory=list)
    answer: Callable[[dict[str, str]], Answer] = lambda sent: (
        200,
        {"version": int(sent["version"]) + 1, "saved_at": "2026-11-21T09:41:07Z"},
    )


def page(content: str, *, editor: bool = False) -> str:
    parts = [
        '<!doctype html><html lang="en" data-bs-theme="light"><head><meta charset="utf-8"><title>t</title>',
        '<meta name="htmx-config" content=\'{"includeIndicatorStyles":false,"allowEval":false}\'>',
        '<link rel="stylesheet" href="/static/debrief/debrief.css">',
        '<script type="module" src="/static/debrief/main.js"></script>',
        '<script type="module" src="/static/debrief/editor.js"></script>' if editor else "",
        f"</head><body><main>{content}</main>",
        render_to_string("components/_toasts.html"),
        render_to_string("components/_confirm.html"),
        "</body></html>",
    ]
    return "".join(parts)


def editing(body: str = TEXT, version: int = 3) -> str:
    return page(
        render_to_string("components/_editor_conflict.html")
        + '<span class="xs" role="status" data-saved></span><nav data-outline aria-label="Sections"></nav>'
        + '<form data-editor method="post" action="/plain" data-autosave-url="/save" data-preview-url="/preview">'
        + '<input type="hidden" name="csrfmiddlewaretoken" value="token-1">'
        + '<input name="title" aria-label="Title" value="Checkout errors">'
        + f'<input type="hidden" name="version" value="{version}">'
        + '<section class="wr-text">'
        + render_to_string("components/_editor_toolbar.html")
        + f'<textarea class="ed" name="body" aria-label="Text">\n{body}</textarea></section>'
        + drawer()
        + "<button data-save>Save</button></form>"
        + '<section class="wr"><div class="wr-prev"><div data-preview><p>first</p></div></div></section>',
        editor=True,
    )


def drawer() -> str:
    """Two items as the server writes them."""
    items = [
        SimpleNamespace(key=f"E-{number}", number=number, title=title, summary="", type="event", first_at=None)
        for number, title in ((7, "node-1 NotReady"), (9, "5xx share"))
    ]
    evidence = SimpleNamespace(items=items, next="", types=[], total=2)
    return render_to_string(
        "incidents/_evidence_drawer.html", {"evidence": evidence, "incident": SimpleNamespace(number=1)}
    )


def _fields(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    raw = handler.rfile.read(int(handler.headers["Content-Length"]))
    head = f"Content-Type: {handler.headers['Content-Type']}\r\n\r\n".encode()
    message: Message = BytesParser().parsebytes(head + raw)
    found = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if name:
            found[str(name)] = (part.get_payload(decode=True) or b"").decode().replace("\r\n", "\n")
    return found


@contextmanager
def serving(desk: Desk) -> Iterator[str]:
    """The address of a server on this machine that shows `desk.body` and takes saves."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            file = STATIC / path.removeprefix("/static/")
            if path.startswith("/static/") and file.is_file():
                self.send(200, TYPES.get(file.suffix, "text/plain"), file.read_bytes())
            elif path == "/":
                self.send(200, "text/html", desk.body.encode())
            else:
                self.send(404, "text/plain", b"")

        def do_POST(self) -> None:
            sent = _fields(self)
            sent["token"] = self.headers.get("X-CSRFToken", "")
            if self.path == "/preview":
                desk.previews.append(sent["body"])
                self.send(200, "text/html", f"<p>{len(sent['body'])} characters</p>".encode())
                return
            desk.saves.append(sent)
            status, answer = desk.answer(sent)
            self.send(status, "application/json", json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Nothing: the tests say what they saw."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
