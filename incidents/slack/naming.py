"""The name and the topic of an incident's channel. https://docs.slack.dev/reference/methods/conversations.create"""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import UTC

from incidents.models import Incident

NAME, TOPIC = 80, 250
PLACES = frozenset({"number", "title", "severity", "date", "service"})
_UNFIT = re.compile(r"[^a-z0-9_-]+")
_RUNS = re.compile(r"-{2,}")


def check_template(template: str) -> str:
    """Empty when it can be used, else what is wrong with it."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return "has a brace without its other half; expected names in braces, such as inc-{number}-{title}"
    used = [name for _, name, _, _ in parts if name is not None]
    if any(spec or conversion for _, _, spec, conversion in parts):
        return "formats a name; expected it alone, such as {number}"
    if unknown := [name for name in used if name not in PLACES]:
        return f"knows no {{{unknown[0]}}}; expected {', '.join(f'{{{one}}}' for one in sorted(PLACES))}"
    if "number" not in used:
        return "lacks {number}; two incidents would want the same channel"
    return ""


def channel_name(incident: Incident, template: str, attempt: int = 0) -> str:
    """`inc-42-checkout-errors`; `attempt` makes another where that is taken."""
    usable = template if not check_template(template) else "inc-{number}-{title}"
    parts = {
        "number": str(incident.number),
        # A restricted incident's title is nobody's business, and names of private channels leak in places.
        "title": "" if incident.is_restricted else slug(incident.title),
        "severity": slug(incident.severity.name),
        "date": f"{incident.declared_at.astimezone(UTC):%Y-%m-%d}",
        "service": slug(incident.services[0]) if incident.services and not incident.is_restricted else "",
    }
    ending = f"-{attempt + 1}" if attempt else ""
    return slug(usable.format(**parts))[: NAME - len(ending)].strip("-") + ending


def slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return _RUNS.sub("-", _UNFIT.sub("-", plain)).strip("-")


def topic(incident: Incident, address: str) -> str:
    """Severity, status, title and the address, which is never cut."""
    facts = f"{incident.severity.name} | {incident.get_status_display()} | "
    room = TOPIC - len(facts) - len(address) - 3
    title = " ".join(incident.title.split())
    shown = title if len(title) <= room else f"{title[: max(0, room - 1)]}…"
    return f"{facts}{shown} | {address}" if room > 1 else f"{facts}{address}"[:TOPIC]
