"""What people write in Markdown as runs of an Adaptive Card: text by text, each with how it looks.

A TextRun reads no Markdown, so nothing that somebody typed can become more than it is shown as here.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from incidents.chat_text import chat_html

Run = dict[str, Any]
LOOKS: dict[str, dict[str, Any]] = {
    "b": {"weight": "bolder"},
    "i": {"italic": True},
    "del": {"strikethrough": True},
    "code": {"fontType": "monospace"},
    "blockquote": {"isSubtle": True},
}
BLOCKS = frozenset({"p", "br", "li", "ul", "ol", "pre", "blockquote"})


def lines_of(markdown: str) -> list[list[Run]]:
    """The lines that are not empty, each as its runs. A link's address stands behind what it is called."""
    reader = _Reader()
    reader.feed(chat_html(markdown))
    reader.close()
    reader.end_line()
    return reader.lines


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[Run]] = []
        self.line: list[Run] = []
        self.looks: list[str] = []
        self.address = self.called = ""

    def end_line(self) -> None:
        if any(run["text"].strip() for run in self.line):
            self.lines.append(self.line)
        self.line = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in BLOCKS:
            self.end_line()
        if tag in LOOKS:
            self.looks.append(tag)
        if tag == "li":
            self._add(f"{told['value']}. " if told.get("value") else "• ")
        if tag == "a":
            self.address, self.called = told.get("href") or "", ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self.looks:
            self.looks.remove(tag)
        if tag in BLOCKS:
            self.end_line()
        if tag == "a":
            if self.called != self.address:
                self._add(f" ({self.address})")
            self.address = ""

    def handle_data(self, data: str) -> None:
        for place, text in enumerate(data.split("\n")):
            if place:
                self.end_line()
            self._add(text)
        self.called += data

    def _add(self, text: str) -> None:
        if text:
            looks = {name: value for tag in self.looks for name, value in LOOKS[tag].items()}
            self.line.append({"type": "TextRun", "text": text, **looks})
