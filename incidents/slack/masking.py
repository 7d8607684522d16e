"""Secrets taken out of what was said while it still is what was said: marks and their escapes would hide them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from incidents.slack.spans import Block, Fence, Item, Items, Line, Paragraph, Quote, Run
from telemetry.redaction import DEFAULT, redact_text, storable

# Typed as they are, they part a name from its value.
MARKS = dict.fromkeys(map(ord, "*~`"))
SAID = ("text", "blocks", "attachments")


def without_secrets(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Slack gives it, with every string in its words looked through."""
    return dict(message) | {name: DEFAULT.value(message[name]).value for name in SAID if name in message}


def masked(blocks: Iterable[Block]) -> Iterator[Block]:
    """Line by line as it is read: a name in bold, or a link, may stand between a secret and what gives it away."""
    for block in blocks:
        if isinstance(block, Fence):
            yield Fence(redact_text(block.text).text)
        elif isinstance(block, Quote):
            yield Quote(list(masked(block.blocks)))
        elif isinstance(block, Items):
            yield Items([Item(one.level, one.number, [_line(line) for line in one.lines]) for one in block.items])
        else:
            yield Paragraph([_line(line) for line in block.lines])


def _line(line: Line) -> Line:
    """Its look is given up where a secret stands in it."""
    whole = storable("".join(run.text for run in line))
    for said in (whole, whole.translate(MARKS)):
        kept = redact_text(said).text
        if kept != said:
            return [Run(kept)]
    return line
