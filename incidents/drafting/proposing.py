"""After a person has written: what a new draft has to add, and where in the text it belongs."""

from __future__ import annotations

import re

from incidents.drafting import drafted_parts
from incidents.drafting.parts import LABELS, Proposal, added, proposals, untouched
from incidents.models import PostMortem
from incidents.writing.differences import sections

_EMBED = re.compile(r"!\[\[E-([1-9]\d{0,8})[ \]]")


def additions(postmortem: PostMortem) -> list[Proposal]:
    """Nothing while nobody has written: then the draft itself follows the evidence."""
    if postmortem.template is None or postmortem.is_untouched:
        return []
    chosen = frozenset(int(number) for number in _EMBED.findall(postmortem.body)[:60])
    drafted = dict(postmortem.drafted)
    fresh = drafted_parts(postmortem.template.body, postmortem.incident, chosen - _drafted_embeds(drafted))
    return proposals(postmortem.body, drafted, fresh)


def _drafted_embeds(drafted: dict[str, str]) -> frozenset[int]:
    """What Debrief itself embedded was chosen by nobody."""
    return frozenset(int(number) for text in drafted.values() for number in _EMBED.findall(text))


def with_additions(postmortem: PostMortem, wanted: dict[str, list[str]]) -> tuple[str, dict[str, str]]:
    """The text and the drafted parts after these lines of each variable were taken over. No word of a person goes."""
    body, drafted = postmortem.body, dict(postmortem.drafted)
    for proposal in additions(postmortem):
        lines = [line for line in proposal.lines if line in wanted.get(proposal.variable, [])]
        if not lines:
            continue
        old = drafted.get(proposal.variable, "")
        standing = next((part for part in untouched(body, drafted) if part.variable == proposal.variable), None)
        if standing and len(lines) == len(proposal.lines):
            body = body[: standing.start] + proposal.text + body[standing.end :]
            drafted[proposal.variable] = proposal.text
            continue
        template = postmortem.template.body if postmortem.template else ""
        body = _put(body, template, proposal.variable, lines)
        drafted[proposal.variable] = "\n".join([old, *lines]).strip("\n")
    return body, drafted


def _put(body: str, template: str, variable: str, lines: list[str]) -> str:
    title = _title(template, variable)
    found = next((one for one in sections(body) if one.title.strip().lower() == title.lower()), None)
    if found is None:
        return f"{body.rstrip()}\n\n## {title}\n\n{added('', lines)}\n"
    rest = body[found.end :]
    section = added(body[found.start : found.end], lines)
    return f"{body[: found.start]}{section}\n{chr(10) if rest else ''}{rest}"


def _title(template: str, variable: str) -> str:
    """The heading under which the template has the variable."""
    place = template.find("{" + variable + "}")
    above = [one for one in sections(template) if one.start <= place < one.end]
    return above[-1].title.strip() if above else LABELS.get(variable, variable)
