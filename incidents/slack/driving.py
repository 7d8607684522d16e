"""`/incident …`: what was said, and what is answered at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from incidents.slack import blocks, names

COMMANDS = {
    "new": ("new [title]", "declare an incident"),
    "list": ("list", "what is open"),
    "status": ("status investigating|identified|mitigated|resolved", "move it on"),
    "severity": ("severity SEV2", "change the severity"),
    "update": ("update [text]", "tell stakeholders; without text a form opens"),
    "role": ("role commander|scribe|communications|responder @somebody", "give a role; without a name you take it"),
    "timeline": ("timeline [14:32] [text]", "add a line; without text the last lines"),
    "followup": ("followup [title]", "create a follow-up; without a title a form opens"),
    "evidence": ("evidence [collect]", "what was found, and what could not be"),
    "seen": ("seen", "what has happened before"),
    "mitigated": ("mitigated", "users no longer notice it"),
    "resolved": ("resolved", "it is over"),
    "postmortem": ("postmortem", "its post-mortem"),
    "help": ("help", "this list"),
}
FORMS = frozenset({"update", "followup"})
KEY = re.compile(r"(?i)\A(?:inc-)(\d{1,9})\Z")


@dataclass(frozen=True, slots=True)
class Said:
    """`number` is the incident that was named, `rest` everything after it."""

    name: str
    number: int | None
    rest: str


def parse(text: str) -> Said:
    """`status INC-42 mitigated` and `INC-42 status mitigated` are the same; the incident may be left to the channel."""
    words = text.replace("\u00a0", " ").strip().split(" ")
    number: int | None = None
    if words and (found := KEY.match(words[0])):
        number, words = int(found[1]), words[1:]
    name = words[0].lower() if words else ""
    words = words[1:]
    if number is None and words and (found := KEY.match(words[0])):
        number, words = int(found[1]), words[1:]
    if name == "" and number is not None:
        name = "status"
    return Said(name if name in COMMANDS or name == "" else "help", number, " ".join(words).strip())


def opens_form(said: Said) -> bool:
    return said.name == "new" or (said.name in FORMS and not said.rest)


def _help(_: Said) -> dict[str, Any]:
    lines = [f"`{names.COMMAND} {usage}` {what}" for usage, what in COMMANDS.values()]
    text = "\n".join(blocks.escape(line) for line in lines)
    hint = "In an incident's channel it is meant; elsewhere name it: `/incident status INC-42 mitigated`."
    return {
        "response_type": "ephemeral",
        "text": "What /incident can do",
        "blocks": [blocks.section(text), blocks.context(hint)],
    }


def _bare(_: Said) -> dict[str, Any]:
    """Buttons for who does not remember a word at 03:12."""
    row = blocks.actions(
        blocks.button("Declare an incident", names.OPEN_DECLARE, style="danger"),
        blocks.button("Post an update", names.OPEN_UPDATE),
        blocks.button("Create a follow-up", names.OPEN_FOLLOWUP),
        blocks.button("What is open", names.SHOW_LIST),
    )
    hint = f"`{names.COMMAND} help` lists everything else."
    return {"response_type": "ephemeral", "text": "What do you want to do?", "blocks": [row, blocks.context(hint)]}


AT_ONCE: dict[str, Callable[[Said], dict[str, Any]]] = {"help": _help, "": _bare}
