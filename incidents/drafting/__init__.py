"""Fills a template from evidence, one file for each part. Every drafted line cites the evidence it stands on.

What was drafted is kept beside the text (`PostMortem.drafted`): a part counts as drafted while it stands there word for
word. While nobody has written, the draft follows the evidence; afterwards Debrief only proposes (proposing.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from incidents.drafting.closing import followups, not_collected
from incidents.drafting.contributing import contributing
from incidents.drafting.detection import detection
from incidents.drafting.impact import impact
from incidents.drafting.recovery import recovery
from incidents.drafting.summary import summary
from incidents.drafting.timeline import timeline
from incidents.models import Incident, PostMortem
from incidents.writing.documents import announce, current_text, rewrite

VARIABLES = {
    "summary": "one sentence on what happened, with severity and durations",
    "impact": "how long it lasted, and the charts that people chose or that tell most",
    "timeline": "a table of what happened when, with citations",
    "detection": "what fired first, and how long after the impact began",
    "contributing": "what changed and which signals were seen, each a candidate",
    "recovery": "what changed just before it got better",
    "followups": "the incident's follow-ups",
    "not_collected": "the sources that did not answer in full",
}
_VARIABLE = re.compile(r"\{(\w+)\}")


def redraft_untouched(incident: Incident, now: datetime) -> None:
    """After each collection: a draft that nobody has edited yet follows the evidence."""
    postmortem = PostMortem.objects.filter(incident=incident, state=PostMortem.State.DRAFT, edited_by=None).first()
    if postmortem is not None:
        draft(postmortem.pk, now)


@transaction.atomic
def draft(postmortem_id: int, now: datetime) -> None:
    """Write the body, unless a person has touched it."""
    postmortem = current_text(postmortem_id, now)
    if not postmortem.is_untouched or postmortem.template is None:
        return
    parts = drafted_parts(postmortem.template.body, postmortem.incident)
    body = filled(postmortem.template.body, parts)
    rewrite(postmortem_id=postmortem_id, body=body, by=None, via="draft", now=now)
    if parts != postmortem.drafted:
        PostMortem.objects.filter(pk=postmortem_id).update(drafted=parts)
        announce(postmortem_id, "drafted")


def fill(template: str, incident: Incident) -> str:
    """The template with its {variables} replaced."""
    return filled(template, drafted_parts(template, incident))


def drafted_parts(template: str, incident: Incident, chosen: frozenset[int] = frozenset()) -> dict[str, str]:
    """The text of each variable that `template` holds; `chosen` are the E-n that people embedded."""
    build: dict[str, Callable[[], str]] = {
        "summary": lambda: summary(incident),
        "impact": lambda: impact(incident, chosen),
        "timeline": lambda: timeline(incident),
        "detection": lambda: detection(incident),
        "contributing": lambda: contributing(incident),
        "recovery": lambda: recovery(incident, chosen),
        "followups": lambda: followups(incident),
        "not_collected": lambda: not_collected(incident),
    }
    return {name: make().replace("\r\n", "\n") for name, make in build.items() if "{" + name + "}" in template}


def filled(template: str, parts: dict[str, str]) -> str:
    """In one pass: a drafted text that itself says {impact} is no variable."""
    return _VARIABLE.sub(lambda found: parts.get(found[1], found[0]), template.replace("\r\n", "\n"))
