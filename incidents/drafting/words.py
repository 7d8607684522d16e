"""How drafted lines are written: text of backends inside Markdown, citations, times."""

from __future__ import annotations

from datetime import datetime

# Entities where Python-Markdown knows no backslash; a quoted address is no link.
ESCAPES = {"<": "&lt;", ">": "&gt;", "~": "&#126;", "&": "&amp;"} | {char: f"\\{char}" for char in "\\`*_{}[]#|!"}


def plain(text: str, limit: int = 160) -> str:
    """Backend text inside Markdown: no markup of its own, one line, bounded."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
    return "".join(ESCAPES.get(char, char) for char in flat).replace("://", ":&#47;/")


def cite(number: int | None) -> str:
    return f" [[E-{number}]]" if number else ""


def clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"
