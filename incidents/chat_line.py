"""What a message of a chat shows beside its author: its text, its files, and what became of it. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from incidents.chat_text import chat_html, shortened

LONG = 900
FILES = 20


def marks(detail: Mapping[str, Any]) -> str:
    """`deleted in Slack`, `edited`, what it answers, and the way to the message itself."""
    parts = []
    if deleted := detail.get("deleted"):
        parts.append(f"deleted in {escape(str(deleted)[:40])}")
    if detail.get("edited"):
        parts.append("edited")
    if answered := detail.get("thread"):
        parts.append(f"in answer to {escape(str(answered)[:200])}")
    if isinstance(earlier := detail.get("earlier"), int) and earlier > 0:
        parts.append(f"and {earlier:,} earlier replies in Slack")
    said = f' <span class="x">{", ".join(parts)}</span>' if parts else ""
    link = detail.get("link")
    if isinstance(link, str) and link.startswith(("https://", "http://")) and not deleted:
        said += f' <a class="xs" href="{escape(link)}" rel="noopener noreferrer">Open the message</a>'
    return said


def body(text: str, detail: Mapping[str, Any]) -> str:
    """The text, of a long one the beginning with the whole behind a fold, and the files."""
    parts = []
    if text:
        parts.append(f'<div class="chat">{chat_html(shortened(text, LONG))}</div>')
        if len(text) > LONG:
            whole = f'<div class="chat">{chat_html(text)}</div>'
            parts.append(f'<details class="chat-more"><summary>The whole message</summary>{whole}</details>')
    files = detail.get("files")
    if isinstance(files, Sequence) and not isinstance(files, str) and files:
        shown = "".join(f"<li>{_file(one)}</li>" for one in files[:FILES] if isinstance(one, Mapping))
        more = f"<li>and {len(files) - FILES} more</li>" if len(files) > FILES else ""
        parts.append(f'<ul class="chat-files">{shown}{more}</ul>')
    return f'<div class="tl-d">{"".join(parts)}</div>' if parts else ""


def _file(file: Mapping[str, Any]) -> str:
    """Pictures are shown from our own addresses alone; a file that could not be had says why."""
    name, address, reason = (str(file.get(key) or "") for key in ("name", "address", "reason"))
    shown = escape(name[:200] or "file")
    ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    if ours and file.get("is_picture"):
        target = escape(address)
        shown = f'<a href="{target}"><img class="chat-pic" src="{target}" alt="{shown}" loading="lazy"></a>'
    elif ours:
        shown = f'<a href="{escape(address)}">{shown}</a>'
    return f"{shown} <span>{escape(reason[:300])}</span>" if reason else shown
