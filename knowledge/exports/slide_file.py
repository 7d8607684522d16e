"""The slides as one HTML file that needs nothing else: reveal.js, style, fonts and drawings are inside. Plain Python."""

from __future__ import annotations

import base64
import re
from functools import cache
from html import escape
from pathlib import Path

from knowledge.exports.document import Document
from knowledge.exports.slide_html import slide_html
from knowledge.exports.slides import slides_of

BUNDLE = Path(__file__).resolve().parents[2] / "static" / "debrief"
_ADDRESS = re.compile(r'url\("?(\./)?(assets/[\w.-]+)"?\)')
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-src 'self' file: blob:"
)


def slide_file(document: Document) -> bytes:
    slides = slides_of(document)
    pages = []
    for number, slide in enumerate(slides, start=1):
        notes = f'<aside class="notes">{_notes(slide.notes)}</aside>' if slide.notes else ""
        pages.append(f'<section class="deck-slide">{slide_html(slide, document, number, len(slides))}{notes}</section>')
    return f"""<!doctype html>
<html lang="en" data-bs-theme="light"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="generator" content="Debrief">
<title>{escape(document.title)}</title><style>{_style()}</style></head>
<body class="deck"><div class="reveal"><div class="slides">
{chr(10).join(pages)}
</div></div><script>{_script()}</script></body></html>
""".encode()


def _notes(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


@cache
def _style() -> str:
    def inside(found: re.Match[str]) -> str:
        data = base64.b64encode((BUNDLE / found[2]).read_bytes()).decode()
        return f'url("data:font/woff2;base64,{data}")'

    return _ADDRESS.sub(inside, (BUNDLE / "deck.css").read_text(encoding="utf-8")).replace("</style", "<\\/style")


@cache
def _script() -> str:
    return (BUNDLE / "deck.js").read_text(encoding="utf-8").replace("</script", "<\\/script").replace("<!--", "<\\!--")
