"""A lesson drawn from a post-mortem: what its incident suggests for the form."""

from __future__ import annotations

import re
from typing import Any

from incidents.models import PostMortem
from knowledge.models import Trait

LONGEST, SIGNALS = 300, 6
# As lessons name them; workloads are known without their kind.
KINDS = {Trait.Kind.ALERT: "alert", Trait.Kind.REASON: "reason", Trait.Kind.WORKLOAD: "workload"}
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s|$)")


def drawn_from(postmortem: PostMortem, quote: str) -> dict[str, Any]:
    """Initial values of LessonForm; `quote` is the passage that somebody selected."""
    incident = postmortem.incident
    words = " ".join(quote.split())
    return {
        "statement": _statement(words),
        "context": f"{_quoted(quote)}\n\n[[{incident.key}]]" if words else "",
        "signals": _signals(postmortem),
        "services": incident.services,
        "tags": [label for label in incident.labels if label not in {"alert", "imported"}],
        "postmortems": [postmortem],
        "quote": quote.strip(),
        "quoted_from": incident.key if words else "",
    }


def _statement(words: str) -> str:
    """The first sentence, where it is one that fits."""
    found = _SENTENCE.match(words)
    sentence = found[1] if found else words
    return sentence if len(sentence) <= LONGEST else ""


def _quoted(quote: str) -> str:
    return "\n".join(f"> {line.strip()}" for line in quote.strip().splitlines())


def _signals(postmortem: PostMortem) -> list[dict[str, str]]:
    rows = Trait.objects.filter(incident=postmortem.incident_id, kind__in=list(KINDS)).order_by("kind", "value")
    found = []
    for kind, value in rows.values_list("kind", "value")[:SIGNALS]:
        name = value.partition("/")[2] if kind == Trait.Kind.WORKLOAD else value
        found.append({"kind": KINDS[Trait.Kind(kind)], "value": name})
    return found
