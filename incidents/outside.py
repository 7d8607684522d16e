"""A published post-mortem for people outside: chosen sections, no names of the team, nothing that is restricted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC

from accounts.models import User
from incidents import diagrams, markdown
from incidents.embeds import evidence_html
from incidents.markdown_mentions import MENTION
from incidents.models import Evidence, ExternalLink, Incident, PostMortem
from incidents.naming import pictures_in, references, split
from incidents.rendering import draw_diagrams, inline_pictures
from incidents.writing.differences import sections

SOMEBODY = "a responder"
TITLE = 200
_GUIDANCE = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FIGURE = re.compile(r"(?m)^[ \t]*!\[\[[^\[\]\n]{1,600}\]\][ \t]*$")
# What a source was asked names things of the inside.
_QUERY = re.compile(r'<code class="q".*?</code>', re.DOTALL)
_INSIDE = re.compile(r"""\shref="(?!https?://|mailto:|#)[^"]*\"""")


@dataclass(frozen=True, slots=True)
class Outside:
    """`html` is safe to print. `withheld` counts figures whose evidence may not leave."""

    title: str
    html: str
    withheld: int
    is_empty: bool


def choices(body: str) -> list[str]:
    """The titles that may be chosen: those of the highest two levels."""
    found = sections(_GUIDANCE.sub("", body))
    return [*dict.fromkeys(one.title[:TITLE] for one in found if one.level <= 2)]


def render_outside(link: ExternalLink) -> Outside:
    postmortem = link.postmortem
    incident, body = postmortem.incident, _chosen(link, postmortem)
    if not link.with_figures:
        body = _FIGURE.sub("", body)
    body = _without_names(body)
    figures = _Figures(incident, body, allowed=link.with_figures)
    rendered = markdown.render(
        body,
        embed=figures.html,
        draw=_drawn if link.with_figures else None,
        shows_picture=figures.shows_picture,
        id_prefix="o-",
    )
    html = _INSIDE.sub("", inline_pictures(rendered.html, incident))
    return Outside(postmortem.published_title, html, figures.withheld, not body.strip())


def _chosen(link: ExternalLink, postmortem: PostMortem) -> str:
    """Guidance goes first, so that no unfinished comment hides where a section ends."""
    body = _GUIDANCE.sub("", postmortem.published_body)
    wanted = set(link.sections)
    parts, until = [], 0
    for one in sections(body):
        if one.level <= 2 and one.title[:TITLE] in wanted and one.start >= until:
            parts.append(body[one.start : one.end])
            until = one.end
    return "\n\n".join(parts)


def _without_names(body: str) -> str:
    names = {one[1:] for one in MENTION.findall(body) if one.startswith("@")}
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True)) if names else set()
    return MENTION.sub(lambda found: SOMEBODY if found[0][1:] in known and found[0][0] == "@" else found[0], body)


def _drawn(sources: list[str]) -> list[str]:
    drawings = zip(draw_diagrams(sources), sources, strict=True)
    return [diagrams.html(one, source, place=place, prefix="o-") for place, (one, source) in enumerate(drawings)]


class _Figures:
    """Evidence that may leave: of an incident that is not restricted, neither redacted nor flagged."""

    def __init__(self, incident: Incident, body: str, *, allowed: bool) -> None:
        self.incident, self.withheld = incident, 0
        self.is_open = allowed and not incident.is_restricted
        rows = Evidence.objects.filter(incident=incident, number__in=references(body)["E"]) if self.is_open else []
        self.rows = {row.number: row for row in rows if not row.redactions and not row.flags}
        self.pictures = pictures_in(body, incident) if self.is_open else {}

    def shows_picture(self, address: str) -> bool:
        return address in self.pictures

    def html(self, reference: str, options: dict[str, str]) -> str:
        kind, number = split(reference)
        row = self.rows.get(number) if kind == "E" else None
        if row is None:
            self.withheld += 1
            return '<p class="sm mut">A figure was left out here.</p>'
        band = self.incident.band()
        html = evidence_html(row.type, row.title, row.payload, zone=UTC, band=band, options=options)
        return _QUERY.sub("", html)
