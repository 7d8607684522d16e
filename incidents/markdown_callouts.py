"""Callouts, written as a quote or as an admonition, and task lists: between blocks and inline syntax."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from markdown.util import AtomicString

CALLOUTS = {
    "note": "note",
    "info": "note",
    "tip": "tip",
    "hint": "tip",
    "success": "tip",
    "important": "important",
    "warning": "warning",
    "attention": "warning",
    "caution": "caution",
    "danger": "caution",
    "error": "caution",
}


def quoted_callout(quote: Element) -> None:
    first = quote[0] if len(quote) else None
    found = re.match(r"\[!([A-Za-z]{1,20})\][ \t]*(?:\n|$)", first.text or "") if first is not None else None
    if first is None or not found or found[1].lower() not in CALLOUTS:
        return
    kind = CALLOUTS[found[1].lower()]
    quote.tag = "div"
    quote.set("class", f"callout callout-{kind}")
    first.text = (first.text or "")[found.end() :]
    if not first.text and not len(first):
        quote.remove(first)
    title = Element("p", {"class": "callout-title"})
    title.text = AtomicString(kind.capitalize())
    quote.insert(0, title)


def admonition(box: Element) -> None:
    words = [word for word in box.get("class", "").lower().split() if word in CALLOUTS]
    box.set("class", f"callout callout-{CALLOUTS[words[0]] if words else 'note'}")
    for child in box:
        if child.get("class") == "admonition-title":
            child.set("class", "callout-title")


def tasks(items: Element) -> None:
    for item in items:
        holder = item if item.text and item.text.strip() else (item[0] if len(item) else item)
        found = re.match(r"\[([ xX])\][ \t]+", holder.text or "")
        if not found:
            continue
        items.set("class", "task-list")
        done = found[1] != " "
        box = Element("input", {"type": "checkbox", "disabled": "", "aria-label": "done" if done else "to do"})
        if done:
            box.set("checked", "")
        box.tail = " " + (holder.text or "")[found.end() :]
        holder.text = ""
        holder.insert(0, box)
