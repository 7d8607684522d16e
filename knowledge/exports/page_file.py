"""A document as one HTML page that needs nothing else. Plain Python."""

from __future__ import annotations

import re
from functools import cache
from html import escape

from knowledge.exports.document import Document
from knowledge.exports.handout_html import body_html, page_drawing
from knowledge.exports.slide_file import BUNDLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page_file(document: Document) -> bytes:
    return f"""<!doctype html>
<html lang="en" data-bs-theme="light"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="generator" content="Debrief"><title>{escape(document.title)}</title>
<style>{_style()}</style></head>
<body><main class="d-body export"><article class="prose"><header><h1 class="title" dir="auto">{escape(document.title)}</h1></header>
{body_html(document, draw=page_drawing)}
<footer class="sm mut">Made with Debrief from <a href="{escape(document.address)}">{escape(document.address)}</a>, as of {document.at:%Y-%m-%d %H:%M} UTC</footer></article></main></body></html>
""".encode()


@cache
def _style() -> str:
    """The pages' own style sheet without its fonts and pictures, which a file that stands alone cannot bring by address."""
    css = (BUNDLE / "debrief.css").read_text(encoding="utf-8")
    parts, place = [], 0
    while (start := css.find("@font-face", place)) >= 0:
        parts.append(css[place:start])
        place = css.find("}", start) + 1
    parts.append(css[place:])
    return re.sub(r'url\("?\./assets/[^)]*\)', "none", "".join(parts)).replace("</style", "<\\/style")
